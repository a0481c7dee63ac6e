"""Prompt: a task that waits is woken at once, not in the event loop's next turn.

A Future has the loop call its task later; with that, and the loop's turn, a tenth of a call's time
goes by. Here the task's next step is run where the result is set.

1. A task is woken at once only where no task runs, which is where the loop has called; and only
   where it alone waits. Else it is woken in the loop's next turn, as it is by an error.
2. Whoever wakes has any code run, the task's until it waits again: nothing may be half done then.
Source: asyncio, Future.set_result and Task; what waits for a Future stands in its `_callbacks`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final, TypeAlias

from ipcrt._speedups.chosen import choose

Waker: TypeAlias = tuple[Callable[[], "asyncio.Future[None]"], Callable[[Any], None]]
"""What makes a waiter, and what is done with it: `set_result(None)`, at once."""
Running: TypeAlias = MutableMapping[asyncio.AbstractEventLoop, "asyncio.Task[Any]"]


class _Prompt:
    """Wakes who waits on one event loop."""

    __slots__ = ("_loop", "_running")

    def __init__(self, loop: asyncio.AbstractEventLoop, running: Running) -> None:
        self._loop = loop
        self._running = running

    def wake(self, waiter: Any) -> None:
        """Wake the task that waits for a Future of ours, which must not be done."""
        callbacks: Any = waiter._callbacks  # noqa: SLF001  (no other name tells who waits)
        if self._loop in self._running or not callbacks or len(callbacks) > 1:
            waiter.set_result(None)
            return
        ((step, context),) = callbacks
        waiter.remove_done_callback(step)
        waiter.set_result(None)
        try:
            context.run(step, waiter)
        except RuntimeError:  # the task's context is in use here
            self._loop.call_soon(step, waiter, context=context)


def _waker(
    loop: asyncio.AbstractEventLoop, running: Running, future: type[asyncio.Future[None]]
) -> Waker:
    del future
    return loop.create_future, _Prompt(loop, running).wake


_make_waker: Final = choose("waker", _waker)


def make_waker(loop: asyncio.AbstractEventLoop) -> Waker | None:
    """Answer how tasks on `loop` wait and are woken at once; None: they cannot be.

    In C where that is in use: `ipcrt/_speedups/prompt.c`.
    """
    # Asyncio's own in C: from Python 3.14 on it has none, and the one that is left is always empty.
    running: Running | None = getattr(sys.modules.get("_asyncio"), "_current_tasks", None)
    waiter = loop.create_future()
    if type(waiter) is not asyncio.Future or not hasattr(waiter, "_callbacks") or running is None:
        return None
    return _make_waker(loop, running, asyncio.Future)
