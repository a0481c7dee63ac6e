"""Watching: one watch at a time, and no answer lost to a deadline or a cancellation."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.hanging_get import HangingGet
from ipcrt.bindings.server import ServerBinding
from ipcrt.bindings.watching import Watching
from ipcrt.errors import BadState, Canceled, NotFound, PeerClosed, TimedOut
from ipcrt.port.aport import AsyncPort, open_port
from tests.bindings.ticker import Number, Ticker, TickerProxy, TickerServer, connect
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


class Lamp(TickerServer):
    def __init__(self, state: HangingGet[int]) -> None:
        self._watcher = state.watcher()
        self.watches = 0

    def watch(self) -> Answer[Number]:
        self.watches += 1
        return self._watcher.answer(Number)


def lamp(
    port: AsyncPort, state: HangingGet[int]
) -> tuple[TickerProxy, ServerBinding[Ticker], Lamp, Watching[int]]:
    server = Lamp(state)
    client, binding = connect(server, port)
    return client, binding, server, Watching(port, lambda: client.watch(timeout=None))


async def test_the_answers_come_one_after_another() -> None:
    async with open_port() as port:
        state = HangingGet(1)
        client, _, server, watching = lamp(port, state)
        async with client:
            assert server.watches == 0
            with watching:
                heard: list[int] = []
                async for number in watching:
                    heard.append(number)
                    if number == 4:
                        break
                    state.publish(number + 1)
        assert heard == [1, 2, 3, 4]
        assert server.watches == 4


async def test_a_deadline_gives_up_nothing() -> None:
    async with open_port() as port:
        state = HangingGet(1)
        client, binding, server, watching = lamp(port, state)
        async with client:
            with watching:
                assert await watching.next() == 1
                for _ in range(3):
                    with pytest.raises(TimedOut):
                        await watching.next(0.005)
                state.publish(2)
                await wait_until_async(lambda: state.statistics() == {"waiting": 0})
                assert await watching.next(5) == 2
                assert server.watches == 2
                assert not binding.closed


async def test_a_cancellation_gives_up_nothing() -> None:
    async with open_port() as port:
        state = HangingGet(1)
        client, binding, _, watching = lamp(port, state)
        async with client:
            with watching:
                assert await watching.next() == 1
                with anyio.move_on_after(0.005) as scope:
                    await watching.next()
                assert scope.cancelled_caught
                state.publish(2)
                assert await watching.next() == 2
                assert not binding.closed


async def test_a_failure_is_told_once_and_watched_anew() -> None:
    failures: list[Exception] = [NotFound("no lamp yet")]

    async def call() -> int:
        await anyio.lowlevel.checkpoint()
        if failures:
            raise failures.pop()
        return 5

    async with open_port() as port:
        with Watching(port, call) as watching:
            with pytest.raises(NotFound, match="no lamp yet"):
                await watching.next()
            assert await watching.next() == 5


async def test_a_server_that_goes_ends_the_wait() -> None:
    async with open_port() as port:
        client, binding, _, watching = lamp(port, HangingGet(1))
        async with client:
            with watching:
                assert await watching.next() == 1
                with pytest.raises(TimedOut):
                    await watching.next(0.005)
                binding.close()
                for _ in range(2):
                    with pytest.raises(PeerClosed):
                        await watching.next(5)


async def test_one_task_waits() -> None:
    async with open_port() as port:
        state = HangingGet(1)
        client, _, _, watching = lamp(port, state)
        heard: list[int] = []

        async def wait() -> None:
            heard.append(await watching.next())

        async with client:
            with watching:
                assert await watching.next() == 1
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(wait)
                    await wait_until_async(lambda: state.statistics() == {"waiting": 1})
                    with pytest.raises(BadState, match="another task"):
                        await watching.next()
                    state.publish(2)
        assert heard == [2]


async def test_closing_ends_the_wait() -> None:
    async with open_port() as port:
        state = HangingGet(1)
        client, _, _, watching = lamp(port, state)

        async def wait() -> None:
            with pytest.raises(Canceled):
                await watching.next()

        async with client:
            assert await watching.next() == 1
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                await wait_until_async(lambda: state.statistics() == {"waiting": 1})
                watching.close()
            watching.close()
            with pytest.raises(Canceled):
                await watching.next()
            await wait_until_async(lambda: client.statistics()["calls"] == 0)


async def test_a_port_that_closes_ends_the_wait() -> None:
    async with anyio.create_task_group() as tasks, open_port() as port:
        state = HangingGet(1)
        client, _, _, watching = lamp(port, state)

        async def wait() -> None:
            with pytest.raises(Canceled):
                await watching.next()

        assert await watching.next() == 1
        tasks.start_soon(wait)
        await wait_until_async(lambda: state.statistics() == {"waiting": 1})
        port.close()
        client.close()
