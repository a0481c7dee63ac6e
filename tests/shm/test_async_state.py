from __future__ import annotations

from collections.abc import Callable
from typing import Self

import anyio
import pytest

from ipcrt.errors import (
    AlreadyExists,
    BadHandle,
    Canceled,
    InvalidArgs,
    PeerClosed,
    TimedOut,
    WrongType,
)
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.shm import async_state, state_reader
from ipcrt.shm.async_state import AsyncStateReader
from ipcrt.shm.shared_state import SharedState
from ipcrt.shm.state_reader import StateReader
from tests.shm.state_scene import AT_REST, FOV, HEAD, IN_THE_MIDDLE, LAYOUT, WORDS, start_writer
from tests.support.processes import Spawner

pytestmark = pytest.mark.anyio

SECONDS = 20.0


class Scene:
    """A state, a reader, and what waits for it; with a doorbell or without."""

    def __init__(self, port: AsyncPort, *, bell: bool) -> None:
        self.state = SharedState.create(LAYOUT)
        self.reader = StateReader.attach(self.state.share(), LAYOUT)
        self.watcher = AsyncStateReader(self.reader, port)
        if bell:
            self.watcher.add_bell(HEAD, self.state.doorbell(HEAD))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.watcher.close()
        self.reader.close()
        self.state.close()


async def _soon(act: Callable[[], object]) -> None:
    await anyio.sleep(0.01)
    act()


@pytest.mark.parametrize("bell", [False, True])
async def test_a_wait_ends_with_the_next_value(*, bell: bool) -> None:
    async with open_port() as port, anyio.create_task_group() as tasks:
        with Scene(port, bell=bell) as scene:
            for number in range(5):
                tasks.start_soon(_soon, lambda: scene.state.publish(HEAD, AT_REST))
                assert await scene.watcher.wait(HEAD, number, SECONDS) == number + 1
            assert await scene.watcher.wait(HEAD, 0) == 5
            assert await scene.watcher.wait("head", 4, 0) == 5
            tasks.start_soon(_soon, lambda: scene.state.publish(HEAD, AT_REST))
            assert await scene.watcher.wait(HEAD) == 6


async def test_a_bell_wakes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_state, "_LOOK_S", 1000.0)
    async with open_port() as port, anyio.create_task_group() as tasks:
        with Scene(port, bell=True) as scene:
            tasks.start_soon(_soon, lambda: scene.state.publish(HEAD, AT_REST))
            assert await scene.watcher.wait(HEAD, 0) == 1  # a deadline would look, too
            tasks.start_soon(_soon, scene.state.close)
            with pytest.raises(PeerClosed):
                await scene.watcher.wait(HEAD, 1)


async def test_a_bell_that_was_heard_is_silent() -> None:
    async with open_port() as port:
        with Scene(port, bell=False) as scene:
            bell = scene.state.doorbell(HEAD)
            scene.watcher.add_bell(HEAD, bell)
            scene.state.publish(HEAD, AT_REST)
            assert bell.is_signaled()
            await scene.watcher.wait(HEAD, 0, SECONDS)
            assert not bell.is_signaled()


async def test_many_tasks_wait_for_one_value() -> None:
    async with open_port() as port:
        with Scene(port, bell=True) as scene:
            seen: list[int] = []

            async def work() -> None:
                seen.append(await scene.watcher.wait(HEAD, 0, SECONDS))

            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(work)
                tasks.start_soon(_soon, lambda: scene.state.publish(HEAD, AT_REST))
            assert seen == [1] * 5


@pytest.mark.parametrize("bell", [False, True])
@pytest.mark.parametrize("timeout", [0, 0.02, 0.15])
async def test_a_wait_has_a_deadline(timeout: float, *, bell: bool) -> None:
    async with open_port() as port:
        with Scene(port, bell=bell) as scene:
            scene.state.publish(FOV, FOV.shape.make(1.0, 2.0))
            begin = port.clock()
            with pytest.raises(TimedOut, match="no newer head within"):
                await scene.watcher.wait(HEAD, timeout=timeout)
            assert port.clock() - begin >= timeout


@pytest.mark.parametrize("bell", [False, True])
async def test_a_wait_is_over_when_the_writer_closes(*, bell: bool) -> None:
    async with open_port() as port, anyio.create_task_group() as tasks:
        with Scene(port, bell=bell) as scene:
            tasks.start_soon(_soon, scene.state.close)
            with pytest.raises(PeerClosed, match="the writer of scene is gone"):
                await scene.watcher.wait(HEAD, timeout=SECONDS)
            with pytest.raises(PeerClosed):
                await scene.watcher.wait(HEAD, 0, 0)


async def test_the_last_word_of_a_writer_is_heard() -> None:
    async with open_port() as port:
        with Scene(port, bell=True) as scene:
            scene.state.publish(HEAD, AT_REST)
            scene.state.close()
            assert await scene.watcher.wait(HEAD, 0, SECONDS) == 1


async def test_a_last_word_that_comes_late_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_port() as port:
        with Scene(port, bell=True) as scene:

            def speak_and_die(fd: int) -> bool:
                del fd
                scene.state.publish(HEAD, AT_REST)
                return False

            monkeypatch.setattr(state_reader, "is_locked", speak_and_die)
            assert await scene.watcher.wait(HEAD, 0, 0) == 1


async def test_a_writer_that_was_killed_is_noticed(spawn_python: Spawner) -> None:
    child, vmo = start_writer(spawn_python, IN_THE_MIDDLE)
    async with open_port() as port:
        with (
            StateReader.attach(vmo, LAYOUT) as reader,
            AsyncStateReader(reader, port) as watcher,
        ):
            assert await watcher.wait(WORDS, 1, SECONDS) == 2
            child.send("die")
            with pytest.raises(PeerClosed):
                await watcher.wait(WORDS, timeout=SECONDS)


async def test_a_wait_is_over_when_this_end_is_closed() -> None:
    async with open_port() as port, anyio.create_task_group() as tasks:
        with Scene(port, bell=True) as scene:
            tasks.start_soon(_soon, scene.watcher.close)
            with pytest.raises((Canceled, BadHandle)):
                await scene.watcher.wait(HEAD, timeout=SECONDS)
            tasks.start_soon(_soon, scene.reader.close)
            with pytest.raises(BadHandle):
                await scene.watcher.wait(HEAD, timeout=SECONDS)


async def test_a_wait_may_be_cancelled() -> None:
    async with open_port() as port:
        with Scene(port, bell=True) as scene:
            with anyio.move_on_after(0.02) as scope:
                await scene.watcher.wait(HEAD)
            assert scope.cancelled_caught
            scene.state.publish(HEAD, AT_REST)
            assert await scene.watcher.wait(HEAD, 0, SECONDS) == 1


async def test_a_section_has_one_bell() -> None:
    async with open_port() as port:
        with Scene(port, bell=True) as scene:
            second = scene.state.doorbell("head")
            with pytest.raises(AlreadyExists, match="section head has a doorbell"):
                scene.watcher.add_bell("head", second)
            assert second.closed
            stray = scene.state.doorbell(FOV)
            with pytest.raises(InvalidArgs):
                scene.watcher.add_bell("foot", stray)
            assert stray.closed


async def test_a_bell_as_it_came_in_a_message_will_do() -> None:
    async with open_port() as port:
        with Scene(port, bell=False) as scene:
            ours, theirs = Channel.create()
            with ours, theirs:
                ours.write(b"bell", [scene.state.doorbell(HEAD), scene.state.share()])
                bell, memory = theirs.read().handles
            scene.watcher.add_bell(HEAD, bell)
            assert bell.closed
            with pytest.raises(WrongType):
                scene.watcher.add_bell(FOV, memory)
            assert memory.closed
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_soon, lambda: scene.state.publish(HEAD, AT_REST))
                assert await scene.watcher.wait(HEAD, 0, SECONDS) == 1
