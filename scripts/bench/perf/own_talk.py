"""What our own rows' clients say: one connection on an event loop, and what is measured on it."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

import anyio

from ipcrt.bindings.ends import ClientEnd
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import close_all
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt.port.waiter import Waiter
from ipcrt.wire.frames import encode
from scripts.bench.perf.contract import (
    BENCH_ADD,
    Bench,
    BenchAddRequest,
    BenchProxy,
)
from scripts.bench.perf.packets import connected
from scripts.bench.perf.row import IN_FLIGHT, SIZES, Measure
from scripts.bench.perf.timing import each_awaited, in_flight

DATA = bytes(64)
CROWD = 999
TEN = 10
REFUSALS = 3
"""After so many, 5 ms apart, a client's calls are stuck."""
WARM = 20
"""Calls on a new connection before it is measured."""
TIMEOUT_S = 25.0
OpenPort = Callable[[], contextlib.AbstractAsyncContextManager[AsyncPort]]


class Counting:
    """Told of the events; settles a waiter at the last that is expected."""

    def __init__(self) -> None:
        self._left = 0
        self._waiter: Waiter[None] | None = None

    def expect(self, count: int, waiter: Waiter[None]) -> None:
        """Settle `waiter` when so many more have come."""
        self._left, self._waiter = count, waiter

    def on_note(self, a: int, b: int) -> None:
        del a, b
        self._left -= 1
        if not self._left and self._waiter is not None:
            self._waiter.set_result(None)


def channel_to(address: str) -> Channel:
    """Connect to a row's server; the caller owns the channel."""
    return Channel(connected(address).detach())


def create_vmo(size: int) -> Vmo:
    """Make filled memory that may be read and mapped, and cannot shrink; owned by the caller."""
    with Vmo.from_bytes(b"x" * size) as vmo:
        vmo.seal(Seals.SHRINK | Seals.GROW)
        return vmo.duplicate(Rights.READ | Rights.MAP | Rights.TRANSFER | Rights.DUPLICATE)


def total(begun: int) -> list[int]:
    """Answer the nanoseconds since then, as a measure of all operations does."""
    return [time.perf_counter_ns() - begun]


class Talk:
    """One connection on an event loop, and what is measured on it."""

    def __init__(self, address: str, proxy: BenchProxy, port: AsyncPort, events: Counting) -> None:
        self._address = address
        self._proxy = proxy
        self._port = port
        self._events = events
        self._special: dict[Measure, Callable[[int], Awaitable[list[int]]]] = {
            Measure.ONE_WAY: self._one_way,
            Measure.EVENTS: self._take_events,
            Measure.FD: self._pass_event,
            Measure.CLIENTS_1000: self._beside_crowd,
            Measure.STALLED_0: functools.partial(self._beside_stalled, 0),
            Measure.STALLED_100: functools.partial(self._beside_stalled, 100),
        }

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, address: str, open_port: OpenPort) -> AsyncGenerator[Talk]:
        """Connect, and call until nothing is new any more."""
        events = Counting()
        async with open_port() as port:
            end = ClientEnd[Bench](channel_to(address))
            async with BenchProxy(end, port, events) as proxy:
                for _ in range(WARM):
                    await proxy.add(1, 2)
                yield cls(address, proxy, port, events)

    async def run(self, measure: Measure, count: int) -> list[int]:
        """See `Driver.run`."""
        proxy = self._proxy
        if measure in self._special:
            return await self._special[measure](count)
        if measure in IN_FLIGHT:
            return await self._in_flight(count, IN_FLIGHT[measure])
        if measure in (Measure.BYTES_1M, Measure.BYTES_64M):
            data = b"x" * SIZES[measure]
            return await each_awaited(lambda: proxy.touch_data(data), count)
        if measure in (Measure.VMO_1M, Measure.VMO_64M):
            return await self._pass_memory(SIZES[measure], count)
        if measure is Measure.ECHO:
            return await each_awaited(lambda: proxy.echo(DATA), count)
        if measure is Measure.FD_NONE:
            return await each_awaited(lambda: proxy.exchange(None), count)
        return await each_awaited(lambda: proxy.add(1, 2), count)

    async def _pass_memory(self, size: int, count: int) -> list[int]:
        found: list[int] = []
        for _ in range(count):
            with create_vmo(size) as vmo:
                passing = functools.partial(self._proxy.touch_vmo, vmo.duplicate())
                found += await each_awaited(passing, 1)
        return found

    async def _in_flight(self, count: int, width: int) -> list[int]:
        add = self._proxy.add
        if not self._port.strict:  # asyncio starts its own tasks at less cost
            return await in_flight(lambda: add(1, 2), count, width)
        left = count

        async def work() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await add(1, 2)

        begun = time.perf_counter_ns()
        async with anyio.create_task_group() as tasks:
            for _ in range(min(width, count)):
                tasks.start_soon(work)
        return total(begun)

    async def _one_way(self, count: int) -> list[int]:
        note = self._proxy.note
        begun = time.perf_counter_ns()
        for _ in range(count):
            await note(1, 2)
        await self._proxy.get_notes()
        return total(begun)

    async def _take_events(self, count: int) -> list[int]:
        waiter: Waiter[None] = self._port.create_waiter()
        self._events.expect(count, waiter)
        begun = time.perf_counter_ns()
        await self._proxy.send_notes(count)
        await self._port.wait_result(waiter, TIMEOUT_S)
        return total(begun)

    async def _pass_event(self, count: int) -> list[int]:
        held = [Event.create()]
        exchange = self._proxy.exchange

        async def pass_on() -> None:
            event = (await exchange(held.pop())).event
            assert event is not None
            held.append(event)

        try:
            return await each_awaited(pass_on, count)
        finally:
            close_all(held)

    async def _beside_crowd(self, count: int) -> list[int]:
        with contextlib.ExitStack() as stack:
            for _ in range(CROWD - 1):
                stack.enter_context(channel_to(self._address))
            last = ClientEnd[Bench](channel_to(self._address))
            async with BenchProxy(last, self._port, Counting()) as proxy:
                await proxy.add(1, 2)  # the others were accepted before
                for _ in range(WARM):
                    await self._proxy.add(1, 2)
                found = await each_awaited(lambda: self._proxy.add(1, 2), count)
        await self._port.sleep(0.1)  # until the server has noticed
        return found

    async def _beside_stalled(self, stalled: int, count: int) -> list[int]:
        found: list[int] = []

        async def work(proxy: BenchProxy) -> None:
            found.extend(await each_awaited(lambda: proxy.add(1, 2), -(-count // TEN)))

        async with contextlib.AsyncExitStack() as stack:
            for _ in range(stalled):
                stack.enter_context(await self._stalled())
            async with anyio.create_task_group() as tasks:
                for _ in range(TEN):
                    end = ClientEnd[Bench](channel_to(self._address))
                    proxy = BenchProxy(end, self._port, Counting())
                    tasks.start_soon(work, await stack.enter_async_context(proxy))
        return found[:count]

    async def _stalled(self) -> Channel:
        """Make a client that has called until nothing fits any more; owned by the caller."""
        channel = channel_to(self._address)
        body, _ = BENCH_ADD.request.encode(BenchAddRequest(1, 2))
        data = encode(1, BENCH_ADD.ordinal, BENCH_ADD.flags, body, 0)
        refused = 0
        try:
            while refused < REFUSALS:
                if channel.try_send(data):
                    refused = 0
                else:
                    refused += 1
                    await self._port.sleep(0.005)
        except BaseException:
            channel.close()
            raise
        return channel
