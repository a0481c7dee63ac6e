"""Hanging gets: the first watch at once, later ones on a change, one at a time."""

from __future__ import annotations

import gc
import weakref

import anyio
import pytest

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.hanging_get import HangingGet, Watcher
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import BadState, Canceled, IpcError, Status, TimedOut
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from tests.bindings.ticker import (
    Number,
    Ticker,
    TickerBlockingProxy,
    TickerProxy,
    TickerServer,
    connect,
)
from tests.support.waiting import wait_until_async


class Kept(TickerServer):
    """Answers through a completer."""

    def __init__(self, state: HangingGet[int], port: AsyncPort) -> None:
        del port
        self._watcher = state.watcher()

    def watch(self) -> Answer[Number]:
        return self._watcher.answer(Number)


class Awaited(TickerServer):
    """Answers from an `async def`."""

    def __init__(self, state: HangingGet[int], port: AsyncPort) -> None:
        self._watcher = state.watcher()
        self._port = port

    async def watch(self) -> Number:
        return Number(await self._watcher.wait(self._port))


Style = type[Kept] | type[Awaited]
both_styles = pytest.mark.parametrize("style", [Kept, Awaited])


class Later:
    """A watch that runs beside the test."""

    def __init__(self, client: TickerProxy, port: AsyncPort) -> None:
        self.answers: list[int | Status] = []
        port.spawn(self._watch(client), "watch")

    async def _watch(self, client: TickerProxy) -> None:
        try:
            self.answers.append(await client.watch(timeout=None))
        except IpcError as error:
            self.answers.append(error.status)

    async def answered(self) -> int | Status:
        await wait_until_async(lambda: self.answers)
        return self.answers[0]


async def parked(state: HangingGet[int], count: int) -> None:
    await wait_until_async(lambda: state.statistics() == {"waiting": count})


@pytest.mark.anyio
@both_styles
async def test_the_first_at_once_later_ones_on_a_change(style: Style) -> None:
    async with open_port() as port:
        state = HangingGet(1)
        client, _ = connect(style(state, port), port)
        async with client:
            assert await client.watch() == 1
            later = Later(client, port)
            await parked(state, 1)
            state.publish(2)
            assert await later.answered() == 2
            await parked(state, 0)
            state.publish(3)
            assert await client.watch() == 3
            assert state.value == 3


@pytest.mark.anyio
@both_styles
async def test_what_nobody_asked_for_is_told_once(style: Style) -> None:
    async with open_port() as port:
        state = HangingGet(0)
        client, _ = connect(style(state, port), port)
        async with client:
            assert await client.watch() == 0
            for value in range(1, 1001):
                state.publish(value)
            assert await client.watch() == 1000
            later = Later(client, port)
            await parked(state, 1)
            state.publish(1001)
            assert await later.answered() == 1001


@pytest.mark.anyio
@both_styles
async def test_each_client_has_its_own_view(style: Style) -> None:
    async with open_port() as port:
        state = HangingGet(1)
        first, _ = connect(style(state, port), port)
        second, _ = connect(style(state, port), port)
        async with first, second:
            assert await first.watch() == 1
            waiting = Later(first, port)
            await parked(state, 1)
            assert await second.watch() == 1  # dirty for this one still
            both = [waiting, Later(second, port)]
            await parked(state, 2)
            state.publish(2)
            assert [await each.answered() for each in both] == [2, 2]


@pytest.mark.anyio
@both_styles
async def test_a_second_watch_ends_that_client_only(style: Style) -> None:
    async with open_port() as port:
        state = HangingGet(1)
        greedy, binding = connect(style(state, port), port)
        patient, others = connect(style(state, port), port)
        async with greedy, patient:
            assert [await greedy.watch(), await patient.watch()] == [1, 1]
            waiting = Later(patient, port)
            watches = [Later(greedy, port), Later(greedy, port)]
            assert [await each.answered() for each in watches] == [Status.BAD_STATE] * 2
            assert binding.closed
            await parked(state, 1)
            assert not others.closed
            state.publish(2)
            assert await waiting.answered() == 2


@pytest.mark.anyio
@both_styles
async def test_a_client_that_goes_leaves_nothing(style: Style) -> None:
    async with open_port() as port:
        state = HangingGet(1)
        client, binding = connect(style(state, port), port)
        async with client:
            assert await client.watch() == 1
            later = Later(client, port)
            await parked(state, 1)
        await binding.wait_closed()
        await parked(state, 0)
        assert await later.answered() is Status.CANCELED
        state.publish(2)


@pytest.mark.anyio
@both_styles
async def test_many_clients_cost_nothing_when_gone(style: Style) -> None:
    async with open_port() as port:
        state = HangingGet(1)
        for _ in range(20):
            client, _ = connect(style(state, port), port)
            async with client:
                assert await client.watch() == 1
                with pytest.raises(TimedOut):
                    await client.watch(timeout=0.001)
        await parked(state, 0)


@pytest.mark.anyio
async def test_a_wait_that_is_cancelled_has_missed_nothing() -> None:
    async with open_port() as port:
        state = HangingGet(1)
        watcher = state.watcher()
        assert await watcher.wait(port) == 1
        with anyio.move_on_after(0.01):
            await watcher.wait(port)
        assert state.statistics() == {"waiting": 0}
        told: list[int] = []

        async def wait() -> None:
            told.append(await watcher.wait(port))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await parked(state, 1)
            state.publish(2)
            tasks.cancel_scope.cancel()  # told and cancelled in one turn: loops differ
        with anyio.fail_after(5):
            assert (told or [await watcher.wait(port)]) == [2]


@pytest.mark.anyio
async def test_a_port_that_closes_ends_a_wait() -> None:
    state = HangingGet(1)
    watcher = state.watcher()
    ended: list[type[Exception]] = []

    async def wait(port: AsyncPort) -> None:
        with pytest.raises(Canceled) as caught:
            await watcher.wait(port)
        ended.append(caught.type)

    async with anyio.create_task_group() as tasks, open_port() as port:
        assert await watcher.wait(port) == 1
        tasks.start_soon(wait, port)
        await parked(state, 1)
    assert ended == [Canceled]
    assert state.statistics() == {"waiting": 0}


def test_a_watcher_may_be_dropped() -> None:
    state = HangingGet(1)
    watcher = state.watcher()
    known: weakref.ref[Completed] = weakref.ref(Completed(watcher))
    del watcher
    gc.collect()
    assert known() is None
    assert state.statistics() == {"waiting": 0}


class Completed:
    """Holds a watcher that was answered."""

    def __init__(self, watcher: Watcher[int]) -> None:
        self.watcher = watcher
        watcher.answer(Number)


def test_a_second_answer_is_misuse() -> None:
    watcher = HangingGet(1).watcher()
    watcher.answer(Number)
    waiting = watcher.answer(Number)
    with pytest.raises(Misuse, match="second watch"):
        watcher.answer(Number)
    assert not waiting.canceled


@pytest.mark.anyio
async def test_an_answer_that_cannot_be_made_fails_its_call_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(value: int) -> Number:
        if value == 2:
            raise KeyError("no answer")
        return Number(value)

    class Fragile(Kept):
        def watch(self) -> Answer[Number]:
            return self._watcher.answer(broken)

    async with open_port() as port:
        state = HangingGet(1)
        client, _ = connect(Fragile(state, port), port)
        other, _ = connect(Kept(state, port), port)
        async with client, other:
            assert [await client.watch(), await other.watch()] == [1, 1]
            watches = [Later(client, port), Later(other, port)]
            await parked(state, 2)
            state.publish(2)
            assert [await each.answered() for each in watches] == [Status.INTERNAL, 2]
            state.publish(3)
            assert await client.watch() == 3
    assert "no answer" in caplog.text


def test_a_plain_thread_keeps_watches_too() -> None:
    class Blocking(TickerServer):
        def __init__(self, state: HangingGet[int]) -> None:
            self._state = state
            self._watcher = state.watcher()

        def watch(self) -> Answer[Number]:
            return self._watcher.answer(Number)

        def tell(self, number: int) -> None:
            self._state.publish(number)

    with BlockingPort() as port:
        state = HangingGet(1)
        client, end = create_endpoints(Ticker)
        binding = ServerBinding(end, Blocking(state), port)
        with binding, TickerBlockingProxy(client, port) as proxy:
            assert proxy.watch() == 1
            with pytest.raises(TimedOut):
                proxy.watch(timeout=0.01)
            assert state.statistics() == {"waiting": 1}
            proxy.tell(2)  # which answers the watch that nobody waits for
            with pytest.raises(TimedOut):
                proxy.watch(timeout=0.01)
            with pytest.raises(BadState):
                proxy.watch()
            assert state.statistics() == {"waiting": 0}
