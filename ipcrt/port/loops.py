"""Loops: run a coroutine to its end on a new event loop in this thread, whichever loop it is."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeAlias, TypeVar

T = TypeVar("T")

Backend: TypeAlias = Literal["asyncio", "uvloop", "trio"]


def run_loop(backend: Backend, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `main()` on a new loop of that kind; answer its value, or raise what it raised.

    Raises: ModuleNotFoundError: the loop's package is not installed. ValueError: no such loop.
    RuntimeError: a loop runs in this thread already.
    """
    if backend == "trio":
        import trio

        return trio.run(main)
    import asyncio

    if backend == "asyncio":
        return asyncio.run(main())
    if backend == "uvloop":
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())
    raise ValueError(f"{backend!r} is none of asyncio, uvloop and trio")
