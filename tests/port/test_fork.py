"""A forked child is told that the port is not its own, and the parent's port goes on."""

from __future__ import annotations

import gc
import os
import traceback
import warnings
from collections.abc import Callable

import pytest

from ipcrt.errors import BadState
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.fork import generation
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from tests.port.scene import Scene, story

KEY = 7


def in_child(act: Callable[[], None]) -> None:
    """Run `act` in a forked child; fail with its traceback if it fails."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001  (told to the parent)
            os.write(write, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        failure = said.read()
    os.waitpid(pid, 0)
    assert not failure, failure


def test_each_child_has_a_generation_of_its_own() -> None:
    before = generation()

    def look() -> None:
        assert generation() != before
        between = generation()
        in_child(lambda: check(generation() not in (before, between)))

    in_child(look)
    assert generation() == before


def check(truth: bool) -> None:
    assert truth


@story
async def test_a_child_is_refused(scene: Scene) -> None:
    port = scene.port
    with Event.create() as event, Event.create() as other:
        port.wait_async(event, KEY, Signals.SIGNALED)
        uses: tuple[Callable[[], object], ...] = (
            lambda: port.wait_async(other, KEY, Signals.SIGNALED),
            lambda: port.add_reader(other, lambda: None),
            lambda: port.cancel(event, KEY),
            lambda: port.queue(Packet(KEY)),
            port.check,
            port.dispatch,
        )

        def try_all() -> None:
            for use in uses:
                with pytest.raises(BadState, match="fork"):
                    use()

        in_child(try_all)
        event.signal()
        assert (await scene.wait()).key == KEY


@story
async def test_what_a_child_closes_stays_armed_in_the_parent(scene: Scene) -> None:
    port = scene.port
    near, far = Channel.create()
    got: list[bytes] = []
    ended: list[int] = []
    with near, far, Event.create() as event:
        port.wait_async(event, KEY, Signals.SIGNALED)
        port.add_reader(near, lambda: got.append(near.read().data), lambda: ended.append(1))

        def close_all() -> None:
            near.close()
            event.close()
            port.close()
            assert port.closed
            assert not ended

        in_child(close_all)
        far.write(b"news")
        event.signal()
        assert (await scene.wait()).key == KEY
        await scene.settle()
        assert got == [b"news"]
        port.queue(Packet(KEY, payload="still awake"))
        assert (await scene.wait()).payload == "still awake"
        port.remove_reader(near)


@story
async def test_what_a_child_reads_leaves_the_parents_poller_alone(scene: Scene) -> None:
    near, far = Channel.create()
    with near:
        scene.port.wait_async(near, KEY, Signals.PEER_CLOSED)
        far.write(b"last words")
        far.close()
        await scene.settle()
        in_child(lambda: check(near.read().data == b"last words"))
        await scene.settle()
        assert scene.port.statistics()["queued_packets"] == 0
        scene.port.cancel(near, KEY)
        scene.port.wait_async(near, KEY, Signals.PEER_CLOSED)
        assert (await scene.wait()).signals == Signals.PEER_CLOSED


def test_a_child_may_make_its_own_port_and_wait_without_one() -> None:
    with BlockingPort(), Event.create() as event:

        def play() -> None:
            with Event.create() as mine, BlockingPort() as port:
                mine.signal()
                port.wait_async(mine, KEY, Signals.SIGNALED)
                assert port.wait(20).key == KEY
            event.signal()
            assert wait_one(event, Signals.SIGNALED, 20) == Signals.SIGNALED

        in_child(play)
        assert event.is_signaled()


def test_a_child_that_forgets_the_port_says_nothing() -> None:
    port: list[BlockingPort] = [BlockingPort()]

    def forget() -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            port.clear()
            gc.collect()
        assert not caught

    in_child(forget)
    port.pop().close()
