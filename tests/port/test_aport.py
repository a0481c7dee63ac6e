"""What the ports of event loops add: tasks that wait, and tasks that the port runs."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

from ipcrt.errors import BadState, Canceled, InvalidArgs, TimedOut
from ipcrt.objects.event import Event
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals
from ipcrt.port.waiter import Waiter
from tests.port.scene import AsyncScene, story
from tests.support.waiting import wait_until_async

KEY = 7
HOUR = 3600.0


async def never(scene: AsyncScene) -> None:
    await scene.port.sleep(HOUR)


# ---------------------------------------------------------------------------------------- waits


@story
async def test_several_tasks_wait_in_the_port(loop_scene: AsyncScene) -> None:
    takers = [loop_scene.start(loop_scene.port.wait(HOUR)) for _ in range(5)]
    await loop_scene.settle()
    for number in range(5):
        loop_scene.port.queue(Packet(KEY, payload=number))
    got = {(await taker.join()).payload for taker in takers}
    assert got == set(range(5))


@story
async def test_a_cancelled_taker_loses_no_packet(loop_scene: AsyncScene) -> None:
    """Cancelled after any number of turns: the packet is its, or goes to the other taker."""
    for turns in range(10):
        first, second = (loop_scene.start(loop_scene.port.wait(HOUR)) for _ in range(2))
        await loop_scene.settle()
        loop_scene.port.queue(Packet(KEY, payload=turns))
        for _ in range(turns):
            await loop_scene.port.checkpoint()
        got = await first.stop()
        if got:
            await second.cancel()
        else:
            got = [await second.join()]
        assert [packet.payload for packet in got] == [turns]


@story
async def test_a_cancelled_wait_leaves_nothing_behind(loop_scene: AsyncScene) -> None:
    with Event.create() as event, Event.create() as other:
        port = loop_scene.port
        items = [(event, Signals.SIGNALED), (other, Signals.SIGNALED)]
        acts: list[Callable[[], Coroutine[Any, Any, object]]] = [
            port.wait,
            lambda: port.wait(HOUR),
            lambda: port.wait_one(event, Signals.SIGNALED),
            lambda: port.wait_many(items, HOUR),
            lambda: port.wait_result(port.create_waiter(), HOUR),
            lambda: port.sleep(HOUR),
        ]
        for act in acts:
            started = loop_scene.start(act())
            await loop_scene.settle()
            assert port.statistics()["waiters"] == 1
            await started.cancel()
            assert not port._takers
            await loop_scene.settle()
            assert not loop_scene.left_behind()


@story
async def test_a_wait_cancelled_as_it_fires_leaves_nothing_behind(loop_scene: AsyncScene) -> None:
    with Event.create() as event, Event.create() as other:
        items = [(event, Signals.SIGNALED), (other, Signals.SIGNALED)]
        for turns in range(10):
            started = loop_scene.start(loop_scene.port.wait_many(items, HOUR))
            await loop_scene.settle()
            event.signal()
            for _ in range(turns):
                await loop_scene.port.checkpoint()
            await started.stop()
            await loop_scene.settle()
            assert not loop_scene.left_behind()
            event.clear()


@story
async def test_a_loop_that_was_busy_past_the_deadline_looks_before_it_gives_up(
    loop_scene: AsyncScene,
) -> None:
    """The news was there in time, behind more of them than one turn of the poller tells."""
    port = loop_scene.port
    events = [Event.create() for _ in range(200)]
    waiting = [loop_scene.start(port.wait_one(event, Signals.SIGNALED, 0.25)) for event in events]
    await loop_scene.settle()
    for event in events:
        event.signal()
    busy(port.clock, 0.3)
    for each in waiting:
        assert await each.join() == Signals.SIGNALED
    for event in events:
        event.close()


def busy(clock: Callable[[], float], seconds: float) -> None:
    until = clock() + seconds
    while clock() < until:
        pass


@story
async def test_wait_many_wants_handles(loop_scene: AsyncScene) -> None:
    with pytest.raises(InvalidArgs):
        await loop_scene.port.wait_many([])


@story
async def test_a_wait_with_zero_timeout_lets_others_run(loop_scene: AsyncScene) -> None:
    ran: list[int] = []

    async def other() -> None:
        ran.append(1)

    with Event.create() as event:
        beside = loop_scene.start(other())
        for _ in range(3):
            with pytest.raises(TimedOut):
                await loop_scene.port.wait_one(event, Signals.SIGNALED, 0)
        assert ran
        await beside.join()


# ----------------------------------------------------------------------------------------- spawn


@story
async def test_spawn_logs_what_a_coroutine_raises_and_the_others_go_on(
    loop_scene: AsyncScene, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[int] = []

    async def fail() -> None:
        raise RuntimeError("a coroutine's mistake")

    async def work() -> None:
        await loop_scene.port.sleep(0.001)
        ran.append(1)

    loop_scene.port.spawn(fail(), "the one that fails")
    loop_scene.port.spawn(work(), "the other")
    await wait_until_async(lambda: ran)
    await loop_scene.settle()
    assert "the one that fails failed" in caplog.text
    assert "a coroutine's mistake" in caplog.text
    caplog.clear()


@story
async def test_spawn_answers_what_cancels(loop_scene: AsyncScene) -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await never(loop_scene)
        finally:
            ended.append("cancelled")

    cancel = loop_scene.port.spawn(wait(), "to be cancelled")
    await loop_scene.settle()
    assert loop_scene.port.statistics()["tasks"] == 1
    cancel()
    cancel()
    await wait_until_async(lambda: ended)
    cancel()
    await loop_scene.settle()
    assert not loop_scene.left_behind()


@story
async def test_a_closed_port_spawns_nothing_and_says_so(loop_scene: AsyncScene) -> None:
    async with open_port() as port:
        port.close()
        ran = never(loop_scene)
        with pytest.raises(BadState, match="closed"):
            port.spawn(ran, "too late")
        with pytest.raises(RuntimeError):  # it was closed: nobody warns of it
            await ran


# ------------------------------------------------------------------------------------ closing it


@story
async def test_leaving_the_port_cancels_what_it_runs_and_waits_for_it(
    loop_scene: AsyncScene,
) -> None:
    steps: list[str] = []

    async def last_words() -> None:
        try:
            await never(loop_scene)
        finally:
            with anyio.CancelScope(shield=True), Event.create() as event:
                inner.deadlines.add(0.01, event.signal)
                await inner.wait_one(event, Signals.SIGNALED)  # the port still serves
            steps.append("spoken")

    async with open_port() as inner:
        inner.spawn(last_words(), "the last to go")
        await loop_scene.settle()
    steps.append("left")
    assert steps == ["spoken", "left"]
    assert inner.closed


@story
async def test_aclose_may_be_called_inside(loop_scene: AsyncScene) -> None:
    ended: list[int] = []

    async def wait() -> None:
        try:
            await never(loop_scene)
        finally:
            ended.append(1)

    async with open_port() as inner:
        for _ in range(3):
            inner.spawn(wait(), "ended by aclose")
        await loop_scene.settle()
        await inner.aclose()
        assert len(ended) == 3
        assert inner.closed
        await loop_scene.settle()  # we are not cancelled ourselves


def both(ended: list[str]) -> bool:
    return len(ended) == 2


@story
async def test_a_spawned_coroutine_may_close_the_port(loop_scene: AsyncScene) -> None:
    for act in ("close", "aclose"):
        ended: list[str] = []
        async with open_port() as inner:

            async def close(
                inner: AsyncPort = inner, act: str = act, ended: list[str] = ended
            ) -> None:
                if act == "close":
                    inner.close()
                else:
                    await inner.aclose()
                await loop_scene.port.checkpoint()  # it is not cancelled itself
                ended.append("closed")

            async def wait(ended: list[str] = ended) -> None:
                try:
                    await never(loop_scene)
                finally:
                    ended.append("ended")

            inner.spawn(wait(), "another")
            await loop_scene.settle()
            inner.spawn(close(), "the one that closes")
            await wait_until_async(functools.partial(both, ended))
            assert inner.closed
        assert sorted(ended) == ["closed", "ended"]


@story
async def test_closing_ends_whatever_is_awaited_in_the_port(loop_scene: AsyncScene) -> None:
    with Event.create() as event:
        async with open_port() as inner:
            waiter: Waiter[None] = inner.create_waiter()
            started = [
                loop_scene.start(act)
                for act in (
                    inner.wait(),
                    inner.wait(HOUR),
                    inner.wait_one(event, Signals.SIGNALED, HOUR),
                    inner.wait_result(waiter),
                    inner.sleep(HOUR),
                )
            ]
            await loop_scene.settle()
            inner.close()
        for each in started:
            with pytest.raises(Canceled, match="closed"):
                await each.join()
        for use in (inner.wait, lambda: inner.wait_one(event, Signals.SIGNALED)):
            with pytest.raises(BadState, match="closed"):
                await use()


@story
async def test_a_mistake_in_the_body_comes_out_as_it_is(loop_scene: AsyncScene) -> None:
    ended: list[int] = []

    async def wait() -> None:
        try:
            await never(loop_scene)
        finally:
            ended.append(1)

    ports: list[AsyncPort] = []

    async def body() -> None:
        async with open_port() as inner:
            ports.append(inner)
            inner.spawn(wait(), "beside it")
            await loop_scene.settle()
            raise LookupError("a mistake")

    with pytest.raises(LookupError, match="a mistake"):
        await body()
    assert ended
    assert ports[0].closed


@story
async def test_a_cancelled_body_closes_the_port(loop_scene: AsyncScene) -> None:
    ports: list[AsyncPort] = []
    said: list[str] = []

    async def body() -> None:
        async with open_port() as inner:
            ports.append(inner)
            inner.spawn(inner.sleep(HOUR), "beside it")
            try:
                await inner.sleep(HOUR)
            finally:
                with anyio.CancelScope(shield=True), Event.create() as event:
                    inner.deadlines.add(0.01, event.signal)
                    await inner.wait_one(event, Signals.SIGNALED)  # the port still serves
                said.append("last words")

    started = loop_scene.start(body())
    await loop_scene.settle()
    await started.cancel()
    assert ports[0].closed
    assert said == ["last words"]


# ------------------------------------------------------------------------------- loops and threads


def test_no_loop_no_port() -> None:
    async def use() -> None:
        async with open_port():
            raise AssertionError("there is no loop here")

    coroutine = use()
    with pytest.raises(BadState, match="no event loop"):
        coroutine.send(None)


@story
async def test_another_thread_is_refused(loop_scene: AsyncScene) -> None:
    port = loop_scene.port
    refused: list[int] = []
    waiter: Waiter[None] = port.create_waiter()

    def try_all() -> None:
        with Event.create() as event:
            acts: list[Coroutine[Any, Any, object]] = [
                port.wait(),
                port.wait(0),
                port.wait_one(event, Signals.SIGNALED),
                wait_for(port, waiter),
                port.sleep(1),
            ]
            for act in acts:
                with pytest.raises(BadState, match="own thread"):
                    act.send(None)
                refused.append(1)
            ran = never(loop_scene)
            with pytest.raises(BadState, match="own thread"):
                port.spawn(ran, "another thread's")

    thread = threading.Thread(target=try_all)
    thread.start()
    thread.join()
    assert len(refused) == 5
    assert not loop_scene.left_behind()


async def wait_for(port: AsyncPort, waiter: Waiter[None]) -> None:
    await port.wait_result(waiter)


@story
async def test_two_ports_on_one_loop(loop_scene: AsyncScene) -> None:
    async with open_port() as other:
        with Event.create() as event, Event.create() as second:
            here = loop_scene.start(loop_scene.port.wait_one(event, Signals.SIGNALED))
            there = loop_scene.start(other.wait_one(second, Signals.SIGNALED))
            await loop_scene.settle()
            event.signal()
            second.signal()
            await here.join()
            await there.join()


IMPORTED = """
import sys
import {module}
print(" ".join(name for name in ("asyncio", "trio", "uvloop", "anyio") if name in sys.modules))
"""


@pytest.mark.parametrize("module", ["ipcrt.port.aport", "ipcrt.port.blocking_channel"])
def test_nothing_imports_a_loop_that_does_not_run(module: str) -> None:
    script = IMPORTED.format(module=module)
    said = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout
    assert said.strip() == ""
