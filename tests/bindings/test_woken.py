"""What a task does that is woken where its reply is read: its connection, and others, bear it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest
import uvloop

from ipcrt.bindings.ends import ClientEnd
from ipcrt.errors import BadHandle, Canceled
from ipcrt.objects.channel import Channel
from ipcrt.port.asyncio_port import AsyncioPort
from ipcrt.wire.frames import encode
from tests.bindings.calc import ADD, Calc, CalcProxy


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Generator[asyncio.AbstractEventLoop]:
    loop = uvloop.new_event_loop() if request.param == "uvloop" else asyncio.new_event_loop()
    yield loop
    loop.close()


class Scene:
    """A proxy whose server is the test itself."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.told: list[Any] = []
        self.tasks: list[asyncio.Task[None]] = []

        async def start() -> tuple[AsyncioPort, CalcProxy, Channel]:
            ours, theirs = Channel.create()
            port = AsyncioPort()
            return port, CalcProxy(ClientEnd[Calc](ours), port), theirs

        self.port, self.proxy, self.peer = loop.run_until_complete(start())

    def calls(self, *then: Callable[[], Awaitable[None]]) -> None:
        """Have a task call for each of these, and do it with its reply."""

        async def call(number: int, action: Callable[[], Awaitable[None]]) -> None:
            self.told.append((number, await self.proxy.add(1, number)))
            await action()
            self.told.append(f"{number} ends")

        self.tasks += [self.loop.create_task(call(*each)) for each in enumerate(then, 1)]
        self.loop.run_until_complete(asyncio.sleep(0))

    def reply(self, *numbers: int, together: bool) -> None:
        """Write replies to those calls, once the loop runs."""
        replies = [encode(each, ADD.ordinal, 0, bytes([0x91, each])) for each in numbers]

        def write() -> None:
            for packet in [b"".join(replies)] if together else replies:
                os.write(self.peer.fileno(), packet)

        self.loop.call_soon(write)

    def run(self, seconds: float = 0.05) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def close(self) -> None:
        self.proxy.close()
        self.peer.close()
        self.loop.run_until_complete(self.port.aclose())


@pytest.fixture
def scene(loop: asyncio.AbstractEventLoop) -> Generator[Scene]:
    scene = Scene(loop)
    yield scene
    scene.close()


async def nothing() -> None:
    pass


TOGETHER = pytest.mark.parametrize("together", [False, True], ids=["apart", "together"])


@TOGETHER
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_who_ends_the_program_ends_no_other_task(
    scene: Scene, error: type[BaseException], together: bool
) -> None:
    async def end() -> None:
        raise error

    scene.calls(end, nothing)
    scene.reply(1, 2, together=together)
    with pytest.raises(error):
        scene.run()
    scene.run()
    assert isinstance(scene.tasks[0].exception(), error)
    assert scene.tasks[1].exception() is None
    assert scene.told == [(1, 1), (2, 2), "2 ends"]
    assert scene.proxy.statistics()["calls"] == 0


@TOGETHER
def test_who_closes_the_proxy_ends_the_others_calls(scene: Scene, together: bool) -> None:
    async def close() -> None:
        scene.proxy.close()

    scene.calls(close, nothing)
    scene.reply(1, 2, together=together)
    scene.run()
    assert scene.told == [(1, 1), "1 ends"]
    assert isinstance(scene.tasks[1].exception(), Canceled)


def test_who_moves_the_channel_out_leaves_what_is_behind(scene: Scene) -> None:
    ends: list[ClientEnd[Any]] = []

    async def move() -> None:
        ends.append(scene.proxy.into_client_end())

    scene.calls(move)
    scene.reply(1, 9, together=False)
    scene.run()
    assert scene.told == [(1, 1), "1 ends"]
    with ends[0].channel as channel:
        assert channel.read().data[:1] == b"\x09"


def test_who_moves_the_channel_out_has_what_came_with_the_reply(scene: Scene) -> None:
    ends: list[ClientEnd[Any]] = []

    async def move() -> None:
        ends.append(scene.proxy.into_client_end())

    scene.calls(move, nothing, nothing)
    scene.reply(1, 2, 3, together=True)
    scene.run()
    assert scene.told == [(1, 1), "1 ends", (2, 2), "2 ends", (3, 3), "3 ends"]
    ends[0].close()


def test_who_moves_the_channel_out_learns_of_nonsense_that_came_with_the_reply(
    scene: Scene,
) -> None:
    async def move() -> None:
        with pytest.raises(BadHandle, match="no call in flight"):
            scene.proxy.into_client_end()

    scene.calls(move)
    scene.reply(1, 9, together=True)
    scene.run()
    assert scene.told == [(1, 1), "1 ends"]
    assert scene.proxy.closed


@TOGETHER
def test_who_cancels_another_gives_its_call_up(scene: Scene, together: bool) -> None:
    async def cancel() -> None:
        scene.tasks[1].cancel()

    scene.calls(cancel, nothing, nothing)
    scene.reply(1, 2, 3, together=together)
    scene.run()
    assert scene.told == [(1, 1), "1 ends", (3, 3), "3 ends"]
    assert scene.tasks[1].cancelled()
    assert scene.proxy.statistics()["calls_given_up"] == 0


@TOGETHER
def test_who_calls_again_and_again_is_served_without_recursion(
    scene: Scene, together: bool
) -> None:
    async def again() -> None:
        for number in range(3, 1500):
            os.write(scene.peer.fileno(), encode(number, ADD.ordinal, 0, b"\x91\x07"))
            assert await scene.proxy.add(0, 0) == 7

    scene.calls(again, nothing)
    scene.reply(1, 2, together=together)
    scene.loop.run_until_complete(asyncio.wait_for(asyncio.gather(*scene.tasks), 20))
    assert {*scene.told} == {(1, 1), "1 ends", (2, 2), "2 ends"}
