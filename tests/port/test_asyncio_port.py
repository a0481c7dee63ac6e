"""What only asyncio and uvloop can get wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from ipcrt.errors import TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.port.aport import open_port
from ipcrt.port.asyncio_port import AsyncioPort
from ipcrt.port.signals import Signals

KEY = 7

LOOPS = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
NewLoop = Callable[[], asyncio.AbstractEventLoop]


@LOOPS
def test_a_port_outlives_nothing_of_its_loop(loop: NewLoop) -> None:
    """The loop was closed under the port: its handles can still be closed, and the port too."""
    near, far = Channel.create()
    event = Event.create()

    async def forget() -> AsyncioPort:
        port = AsyncioPort()
        port.add_reader(near, lambda: None)
        port.wait_async(event, KEY, Signals.SIGNALED)
        port.deadlines.add(3600, lambda: None)
        return port

    with asyncio.Runner(loop_factory=loop) as runner:
        port = runner.run(forget())
    near.close()
    port.close()
    event.close()
    far.close()


@LOOPS
def test_timeouts_of_the_loop_work_around_the_port(loop: NewLoop) -> None:
    async def play() -> None:
        async with open_port() as port:
            with Event.create() as event:
                with pytest.raises(TimeoutError) as caught:
                    async with asyncio.timeout(0.01):
                        await port.wait_one(event, Signals.SIGNALED)
                assert not isinstance(caught.value, TimedOut)
                with pytest.raises(TimedOut):
                    await asyncio.wait_for(port.wait_one(event, Signals.SIGNALED, 0.01), 20)
                assert port.statistics()["waits"] == 0

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(play())


@LOOPS
def test_task_groups_end_waits(loop: NewLoop) -> None:
    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise LookupError("a mistake")

    async def work(port: AsyncioPort, event: Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(port.wait_one(event, Signals.SIGNALED))
            group.create_task(fail())

    async def play() -> None:
        port = AsyncioPort()
        with Event.create() as event:
            with pytest.raises(ExceptionGroup) as caught:
                await work(port, event)
            assert caught.group_contains(LookupError)
            assert port.statistics()["waits"] == 0
        port.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(play())


@LOOPS
def test_one_loop_after_another_on_one_thread(loop: NewLoop) -> None:
    async def play() -> None:
        async with open_port() as port:
            with Event.create() as event:
                event.signal()
                await port.wait_one(event, Signals.SIGNALED)

    for _ in range(3):
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(play())


@LOOPS
def test_a_loop_in_debug_mode_finds_nothing(loop: NewLoop) -> None:
    async def play() -> None:
        async with open_port() as port:
            near, far = Channel.create()
            with near, far:
                port.add_reader(near, near.read)
                far.write(b"news")
                await port.sleep(0.005)
                port.remove_reader(near)

    with asyncio.Runner(loop_factory=loop, debug=True) as runner:
        runner.run(play())


class Counting(AsyncioPort):
    """Counts how often the loop's timer comes."""

    timers = 0

    def _run_deadlines(self) -> None:
        self.timers += 1
        super()._run_deadlines()


@LOOPS
def test_the_timer_comes_once_for_each_deadline(loop: NewLoop) -> None:
    """One that comes early finds nothing due, and must come again; uvloop rounds to the nearest."""

    async def play() -> int:
        port = Counting()
        for _ in range(20):
            await port.sleep(0.0031)
        await port.aclose()
        return port.timers

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(play()) == 20


@LOOPS
def test_a_nearer_deadline_replaces_the_timer(loop: NewLoop) -> None:
    async def play() -> None:
        port = Counting()
        for seconds in (0.03, 0.02, 0.01):
            port.deadlines.add(seconds, lambda: None)
        await port.sleep(0.05)
        timers = port.timers
        port.deadlines.add(0.01, lambda: None)
        port.close()
        await asyncio.sleep(0.03)
        assert timers <= 4
        assert port.timers == timers, "a closed port has no timer"

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(play())
