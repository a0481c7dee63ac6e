"""Interrupts: end from any thread what another thread waits for.

1. A wait that goes on is in its `Waits`, and leaves it exactly once: whoever takes it out, the one
   who interrupts or the one who waits, decides how it ends. So an interrupt is never kept for a
   wait that begins later, and one that answers True has ended one.
2. Waits nest where a receiver waits again: the innermost is interrupted.
3. A `Scope` is for a whole piece of work: what waits in it when it is cancelled ends, and what
   would wait in it later does not begin to.
4. Each step is one operation of a dictionary, which threads and signal handlers cannot split.
5. Who waits takes its wait out before anything else, and by no function of Python: where one begins
   a signal's handler may raise. What that leaves in a scope goes with the scope, and harms nobody.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, TypeVar

from ipcrt.errors import Canceled

T = TypeVar("T")

_BY_WHOM: Final = "interrupted by another thread"


class Waits:
    """What goes on in one port or channel that may be interrupted, the innermost last."""

    __slots__ = ("_ring", "going")

    def __init__(self, ring: Callable[[], object]) -> None:
        """`ring` wakes the thread that sleeps, from any thread; once too often does no harm."""
        self._ring = ring
        self.going: dict[object, None] = {}
        """Whoever begins to wait puts something of its own in, and takes it out as it ends."""

    def interrupt(self) -> bool:
        """End the innermost wait with Canceled; False: none goes on. From any thread."""
        try:
            self.going.popitem()
        except KeyError:
            return False
        self._ring()
        return True

    def cut(self, wait: object) -> None:
        """End this very wait, if it goes on."""
        if self.going.pop(wait, wait) is None:
            self._ring()


class Scope:
    """A piece of work whose waits may all be ended, from any thread."""

    __slots__ = ("_at_end", "_waits", "cancelled")

    def __init__(self) -> None:
        self.cancelled = False
        self._waits: dict[object, Waits] = {}
        self._at_end: collections.deque[Callable[[], object]] = collections.deque()

    def run(self, function: Callable[..., T], *args: object) -> T:
        """Call `function(*args)` as this piece of work.

        Raises: what it raises; Canceled: the scope was cancelled before.
        """
        token = SCOPE.set(self)
        try:
            if self.cancelled:
                raise interrupted()
            return function(*args)
        finally:
            SCOPE.reset(token)
            while self._at_end:
                self._at_end.pop()()

    def cancel(self) -> None:
        """End what waits, and what would; from any thread."""
        self.cancelled = True
        for wait, waits in list(self._waits.items()):
            waits.cut(wait)

    def enter(self, wait: object, waits: Waits) -> None:
        """Have a wait end when the scope is cancelled. Raises: Canceled: it is."""
        self._waits[wait] = waits
        if self.cancelled:
            raise interrupted()

    def leave(self, wait: object) -> None:
        """The wait has ended."""
        self._waits.pop(wait, None)

    def at_end(self, action: Callable[[], object]) -> None:
        """Call `action()` when the work has ended, on its thread."""
        self._at_end.append(action)


SCOPE: Final[ContextVar[Scope | None]] = ContextVar("ipcrt.port.interrupts", default=None)

current_scope: Final = SCOPE.get
"""Answers the piece of work that is done here, if it is one that may be cancelled."""


def interrupted() -> Canceled:
    """Answer the error that an interrupted wait ends with."""
    return Canceled(_BY_WHOM)
