"""Busy-poll: look for news for a while before sleeping. Opt in; it buys latency with CPU time.

Waking a core that sleeps costs more than a whole call. Who asks for it spins first:

1. A spin is bounded for each message, and sliced on an event loop: no other task waits longer than
   a slice, and whatever is ready goes first.
2. An event loop spins only where one message is expected: after a request while no other call of
   its connection is in flight, or after a reply while no other is owed.
3. Where spins keep failing they stop, and are tried again after more and more messages: on one
   core, or beside others who need it, they soon cost next to nothing. They are tried several times
   in a row, since both sides have to spin at once: who sleeps answers later than the other looks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic
from typing import Final

from ipcrt.errors import InvalidArgs
from ipcrt.port.direct import DirectReader

VARIABLE: Final = "IPCRT_BUSY_POLL_US"
"""The environment variable with the default of this process, in microseconds."""

MAX_US: Final = 1_000_000
"""The longest spin, in microseconds."""

SLICE_US: Final = 50
"""How long an event loop's other tasks are kept waiting, in microseconds."""

_PATIENCE: Final = 8
"""So many spins in a row may fail."""
_FIRST_PAUSE: Final = 16
_LONGEST_PAUSE: Final = 1024
"""Messages that nobody spins for."""


def busy_poll_us(given: int | None) -> int:
    """Answer how long to spin: what is given, else what the environment says, else not at all.

    Raises: InvalidArgs: not a number of microseconds from 0 to 1000000.
    """
    if given is not None:
        return _checked("busy_poll_us", given, given)
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return 0
    return _checked(VARIABLE, text, int(text) if text.isdecimal() else -1)


def _checked(name: str, told: object, number: int) -> int:
    if not 0 <= number <= MAX_US:
        raise InvalidArgs(f"{name} is {told!r}; it takes microseconds, from 0 to {MAX_US}")
    return number


class Backoff:
    """Tells whether a spin is worth trying (rule 3), and counts."""

    __slots__ = ("_failed", "_pause", "_skip", "found", "spins")

    def __init__(self) -> None:
        self._failed = 0  # in a row
        self._pause = _FIRST_PAUSE
        self._skip = 0
        self.spins = 0
        self.found = 0
        """How many spins have found something."""

    def ready(self) -> bool:
        """Answer whether to spin for the message that is expected now."""
        if self._skip == 0:
            return True
        self._skip -= 1
        return False

    def learn(self, found: bool) -> None:
        """Take note of what a spin has come to."""
        self.spins += 1
        if found:
            self.found += 1
            self._failed = 0
            self._pause = _FIRST_PAUSE
            return
        self._failed += 1
        if self._failed >= _PATIENCE:
            self._failed = 0
            self._skip = self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)


class LoopSpinner:
    """Spins on an event loop, a slice a turn."""

    __slots__ = ("_backoff", "_limit_s", "_reader", "_scheduled", "_seen", "_soon", "_until")

    def __init__(
        self, limit_us: int, soon: Callable[[Callable[[], object]], object], backoff: Backoff
    ) -> None:
        """`soon` calls something behind all that is ready."""
        self._limit_s = limit_us / 1e6
        self._soon = soon
        self._backoff = backoff
        self._reader: DirectReader | None = None
        self._seen = 0
        self._until = 0.0  # of the spin that goes on; zero: it has not begun
        self._scheduled = False

    def expect(self, reader: DirectReader) -> None:
        """Spin for the next message there, unless that has failed too often."""
        if self._reader is reader and reader.received != self._seen:
            self._backoff.learn(found=True)  # the loop has read it between two slices
            self._reader = None
        if not self._backoff.ready():
            return
        self._reader = reader
        self._seen = reader.received
        self._until = 0.0
        if not self._scheduled:
            self._schedule()

    def stop(self) -> None:
        """Expect nothing any more."""
        self._reader = None

    def _schedule(self) -> None:
        self._scheduled = True
        self._soon(self._spin)

    def _spin(self) -> None:
        """Spin for a slice (rule 1); whoever answers at once, and is answered, has all of it."""
        now = monotonic()
        end = now + SLICE_US / 1e6
        try:
            while now < end and (reader := self._reader) is not None:
                self._look(reader, now, end)
                now = monotonic()
        finally:
            self._scheduled = False
        if self._reader is not None:
            self._schedule()

    def _look(self, reader: DirectReader, now: float, end: float) -> None:
        """Look at one reader until then, at the latest."""
        self._reader = None  # what it handles may have it expect more
        if reader.received != self._seen:  # the loop has read it between two slices
            self._backoff.learn(found=True)
            return
        until = self._until = self._until or now + self._limit_s
        stop = min(end, until)
        if reader.spin(stop):
            self._backoff.learn(found=True)
        elif (now := monotonic()) >= until:
            self._backoff.learn(found=False)
        elif now >= stop:
            self._reader = reader
