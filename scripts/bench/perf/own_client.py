"""The clients of our own rows."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from ipcrt.bindings.ends import ClientEnd
from ipcrt.objects.event import Event
from ipcrt.objects.handle import close_all
from ipcrt.port.blocking import BlockingPort
from scripts.bench.perf.contract import Bench, BenchBlockingProxy
from scripts.bench.perf.own_talk import (
    DATA,
    Counting,
    OpenPort,
    Talk,
    channel_to,
    create_vmo,
    total,
)
from scripts.bench.perf.row import SIZES, Measure
from scripts.bench.perf.timing import each


class AsyncioDriver:
    """One connection for all runs."""

    def __init__(
        self, address: str, open_port: OpenPort, loop_factory: Callable[[], Any] | None
    ) -> None:
        self._runner = asyncio.Runner(loop_factory=loop_factory)
        self._stack = contextlib.AsyncExitStack()
        opened = self._stack.enter_async_context(Talk.opened(address, open_port))
        self._talk = self._runner.run(_awaited(opened))

    def run(self, measure: Measure, count: int) -> list[int]:
        return self._runner.run(self._talk.run(measure, count))

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()


class TrioDriver:
    """A connection for each run, since trio runs from beginning to end."""

    def __init__(self, address: str, open_port: OpenPort) -> None:
        self._address = address
        self._open_port = open_port

    def run(self, measure: Measure, count: int) -> list[int]:
        return anyio.run(self._run, measure, count, backend="trio")

    async def _run(self, measure: Measure, count: int) -> list[int]:
        async with Talk.opened(self._address, self._open_port) as talk:
            return await talk.run(measure, count)

    def close(self) -> None:
        """Nothing is open."""


async def _awaited(result: Awaitable[Talk]) -> Talk:
    return await result


class BlockingDriver:
    """One connection, on this thread."""

    def __init__(self, address: str, create_port: Callable[[], BlockingPort]) -> None:
        self._port = create_port()
        end = ClientEnd[Bench](channel_to(address))
        self._proxy = BenchBlockingProxy(end, self._port, Counting())

    def run(self, measure: Measure, count: int) -> list[int]:
        proxy = self._proxy
        if measure is Measure.ONE_WAY:
            return self._one_way(count)
        if measure is Measure.FD:
            return self._pass_event(count)
        if measure in (Measure.BYTES_1M, Measure.BYTES_64M):
            data = b"x" * SIZES[measure]
            return each(lambda: proxy.touch_data(data), count)
        if measure in (Measure.VMO_1M, Measure.VMO_64M):
            return self._pass_memory(SIZES[measure], count)
        if measure is Measure.ECHO:
            return each(lambda: proxy.echo(DATA), count)
        if measure is Measure.FD_NONE:
            return each(functools.partial(proxy.exchange, None), count)
        return each(lambda: proxy.add(1, 2), count)

    def _one_way(self, count: int) -> list[int]:
        begun = time.perf_counter_ns()
        for _ in range(count):
            self._proxy.note(1, 2)
        self._proxy.get_notes()
        return total(begun)

    def _pass_memory(self, size: int, count: int) -> list[int]:
        found: list[int] = []
        for _ in range(count):
            with create_vmo(size) as vmo:
                found += each(functools.partial(self._proxy.touch_vmo, vmo.duplicate()), 1)
        return found

    def _pass_event(self, count: int) -> list[int]:
        held = [Event.create()]

        def pass_on() -> None:
            event = self._proxy.exchange(held.pop()).event
            assert event is not None
            held.append(event)

        try:
            return each(pass_on, count)
        finally:
            close_all(held)

    def close(self) -> None:
        self._proxy.close()
        self._port.close()
