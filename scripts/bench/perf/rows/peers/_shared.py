"""What the peers' rows share: values to call with, and drivers of a table of calls."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any, Final, TypeVar

from scripts.bench.perf.row import IN_FLIGHT, MIB, Measure
from scripts.bench.perf.timing import PAGE, each, each_awaited, in_flight

A: Final = 20
B: Final = 22
SUM: Final = A + B
SMALL: Final = bytes(range(64))
LARGE: Final = bytes(range(256)) * (MIB // 256)
PAGES: Final = MIB // PAGE
"""What the server answers to LARGE."""

SYNC: Final = frozenset({Measure.ADD, Measure.ECHO, Measure.BYTES_1M})
ASYNC: Final = SYNC | {Measure.FLIGHT_1, Measure.FLIGHT_64}
FDS: Final = frozenset({Measure.FD, Measure.FD_NONE})

SyncCalls = Mapping[Measure, Callable[[], object]]
AsyncCalls = Mapping[Measure, Callable[[], Awaitable[object]]]
Opening = Callable[[str, AsyncExitStack], Coroutine[Any, Any, AsyncCalls]]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def same(found: object, wanted: object) -> None:
    """Raises: ValueError: the peer answered something else."""
    if found != wanted:
        raise ValueError(f"answered {found!r:.80}, not {wanted!r:.80}")


def annotated(**types: object) -> Callable[[_Function], _Function]:
    """Annotate a function with what is known only once the peer is imported; `returns` last."""

    def annotate(function: _Function) -> _Function:
        function.__annotations__ = {
            "return" if name == "returns" else name: kind for name, kind in types.items()
        }
        return function

    return annotate


async def _gather(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


class SyncDriver:
    """Runs calls that block; owns what `close` closes.

    `begin`, of a peer that can have many calls in flight, sends `add` and answers how to wait for
    its reply: as many as there may be are sent, and the oldest is waited for.
    """

    def __init__(
        self,
        calls: SyncCalls,
        close: Callable[[], object],
        begin: Callable[[], Callable[[], object]] | None = None,
    ) -> None:
        self._calls = calls
        self._close = close
        self._begin = begin

    def run(self, measure: Measure, count: int) -> list[int]:
        width = IN_FLIGHT.get(measure)
        if width is None or self._begin is None:
            return each(self._calls[measure], count)
        return self._in_flight(self._begin, count, width)

    def _in_flight(
        self, begin: Callable[[], Callable[[], object]], count: int, width: int
    ) -> list[int]:
        waiting: deque[Callable[[], object]] = deque()
        begun = time.perf_counter_ns()
        for _ in range(count):
            if len(waiting) == width:
                waiting.popleft()()
            waiting.append(begin())
        for wait in waiting:
            wait()
        return [time.perf_counter_ns() - begun]

    def close(self) -> None:
        self._close()


class AsyncDriver:
    """Runs calls that are awaited, on a uvloop of its own.

    `opening` answers them, given the row's address and a stack for what `close` closes. Calls in
    flight are ADD's, unless there are others for FLIGHT_64.
    """

    def __init__(self, opening: Opening, address: str) -> None:
        self._loop: asyncio.AbstractEventLoop = import_module("uvloop").new_event_loop()
        self._kept = AsyncExitStack()
        asyncio.set_event_loop(self._loop)
        self._calls = self._loop.run_until_complete(opening(address, self._kept))

    def run(self, measure: Measure, count: int) -> list[int]:
        width = IN_FLIGHT.get(measure)
        if width is None:
            return self._loop.run_until_complete(each_awaited(self._calls[measure], count))
        call = self._calls.get(Measure.FLIGHT_64, self._calls[Measure.ADD])
        return self._loop.run_until_complete(in_flight(call, count, width))

    def close(self) -> None:
        self._loop.run_until_complete(self._kept.aclose())
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(_gather(tasks))


def serve_on_uvloop(starting: Coroutine[Any, Any, object], ready: Callable[[], None]) -> None:
    """Start a server on uvloop, and let it serve until the process ends."""

    async def main() -> None:
        kept = await starting
        ready()
        await asyncio.Event().wait()
        del kept

    import_module("uvloop").run(main())
