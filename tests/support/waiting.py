"""Wait for a condition that only polling can see. The bound is for hangs, never an assertion."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from typing import TypeVar

import anyio

T = TypeVar("T")

_POLL_SECONDS = 0.005


def wait_until(predicate: Callable[[], object], seconds: float = 10.0) -> None:
    """Block this thread until `predicate()` is true.

    Raises: AssertionError: still false after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {seconds} s: {predicate}")
        time.sleep(_POLL_SECONDS)


async def wait_until_async(predicate: Callable[[], object], seconds: float = 10.0) -> None:
    """`wait_until` that lets the event loop (asyncio or trio) run meanwhile."""
    deadline = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {seconds} s: {predicate}")
        await anyio.sleep(_POLL_SECONDS)


def apart(function: Callable[..., T], *args: object) -> T:
    """Call something that blocks in a thread of its own, and block for it, loop or no loop."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result()
