"""Loops that take the time, for all rows alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

PAGE = 4096


def touch(data: bytes | bytearray | memoryview | Any) -> int:
    """Read one byte of every page; answer how many pages there were."""
    with memoryview(data) as view:
        return len(bytes(view[::PAGE]))


def each(call: Callable[[], object], count: int) -> list[int]:
    """Answer the nanoseconds of each of so many calls, one after another."""
    clock = time.perf_counter_ns
    found: list[int] = []
    for _ in range(count):
        begun = clock()
        call()
        found.append(clock() - begun)
    return found


async def each_awaited(call: Callable[[], Awaitable[object]], count: int) -> list[int]:
    """As `each`, of calls that are awaited."""
    clock = time.perf_counter_ns
    found: list[int] = []
    for _ in range(count):
        begun = clock()
        await call()
        found.append(clock() - begun)
    return found


async def in_flight(call: Callable[[], Awaitable[object]], count: int, width: int) -> list[int]:
    """Answer the nanoseconds of `count` calls by `width` asyncio tasks, in a list of one.

    Tasks take the next call each until none is left, so `width` are in flight until the end.
    """
    left = count

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    begun = time.perf_counter_ns()
    await asyncio.gather(*(work() for _ in range(min(width, count))))
    return [time.perf_counter_ns() - begun]
