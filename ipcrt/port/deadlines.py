"""Deadlines: one timer for all calls that may time out.

A timeout object per call costs more than the call. Here a deadline is rounded up to a slot, and a
slot is a dictionary that lives until it is empty and the earliest, or due: adding and dropping
cost one look-up each.

1. A deadline is never told early, and late by a 256th of its timeout at most (or a millisecond),
   plus whatever keeps the thread busy.
2. Slot widths are powers of two, so one timeout keeps at most 512 slots in use, whatever other
   timeouts there are: memory follows the calls that are pending, not those that were.
3. What was dropped is never told, not even by something that is told in the same moment.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

Expire = Callable[[], object]

_log: Final = logging.getLogger("ipcrt.port")
_SLOTS_BITS: Final = 8
"""At least 2 ** 8 slots to a timeout."""
_LONGEST_S: Final = 100 * 365 * 86400.0
"""A century stands for ever, so that infinity may be passed."""
_ROUNDING_S: Final = 1e-6
"""More than what a float loses of a clock's reading; within it the slot is looked up again."""


class Expiring(Protocol):
    """Something with a deadline; hashed by identity."""

    def expire(self) -> object:
        """The deadline has passed."""


Slot: TypeAlias = dict[Expiring, None]
"""What expires in the same moment: put it in, and take it out with `pop(it, None)`."""


class Token:
    """One callback that is pending, or was."""

    __slots__ = ("_expire", "slot")

    def __init__(self, expire: Expire, slot: Slot) -> None:
        self._expire = expire
        self.slot = slot

    def expire(self) -> None:
        """Call it."""
        self._expire()


class Deadlines:
    """Call back what is still here when its time has come. Times are seconds of `clock`."""

    __slots__ = (
        "_clock",
        "_ends",
        "_heap",
        "_latest",
        "_on_earlier",
        "_shift",
        "_slots",
        "_timeout",
    )

    def __init__(self, clock: Callable[[], float], on_earlier: Callable[[float], None]) -> None:
        """`on_earlier(due)` is told whenever the earliest deadline moves nearer."""
        self._clock = clock
        self._on_earlier = on_earlier
        self._slots: dict[int, Slot] = {}
        self._heap: list[int] = []
        # Mostly one timeout is asked for again and again, and lands in the slot it had before.
        self._timeout = 0.0
        self._shift = 0
        self._latest: Slot = {}
        self._ends = -math.inf
        """Until when `_timeout` leads to `_latest`."""

    def slot(self, timeout: float) -> Slot:
        """Answer the slot for what is due in `timeout` seconds, never earlier.

        Whatever is put in, before anything else is asked of this object, is told `expire` once
        unless it is taken out before. A timeout below zero is zero, and even zero is told by `run`
        only, not here.
        """
        now = self._clock()
        if timeout == self._timeout and now < self._ends:
            return self._latest
        if timeout != self._timeout:
            self._timeout = timeout = min(_LONGEST_S, max(0.0, timeout))
            self._shift = max(0, (int(timeout * 1000) >> _SLOTS_BITS).bit_length() - 1)
        shift = self._shift
        number = ((int((now + timeout) * 1000) >> shift) + 1) << shift
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = {}
            heapq.heappush(self._heap, number)
            if self._heap[0] == number:
                self._on_earlier(number / 1000)
        self._latest, self._ends = slot, number / 1000 - timeout - _ROUNDING_S
        return slot

    def add(self, timeout: float, expire: Expire) -> Token:
        """Arrange for `expire()` in `timeout` seconds, as `slot` tells it; the token drops it."""
        slot = self.slot(timeout)
        token = Token(expire, slot)
        slot[token] = None
        return token

    def drop(self, token: Token) -> None:
        """Forget a deadline; one that has passed or was dropped already is no error."""
        token.slot.pop(token, None)

    def due(self) -> float | None:
        """Answer when the next deadline is, or None; slots that fell empty are dropped."""
        while self._heap:
            number = self._heap[0]
            if self._slots[number]:
                return number / 1000
            heapq.heappop(self._heap)
            del self._slots[number]
            self._ends = -math.inf
        return None

    def run(self) -> None:
        """Call back everything that is due; what a callback raises is logged."""
        now = self._clock()
        while (due := self.due()) is not None and due <= now:
            slot = self._slots[self._heap[0]]
            for expiring in list(slot):
                if expiring in slot:  # rule 3: another may have dropped it
                    del slot[expiring]
                    _call(expiring.expire)

    def clear(self) -> None:
        """Forget all deadlines."""
        self._slots.clear()
        self._heap.clear()
        self._ends = -math.inf

    def __len__(self) -> int:
        """Answer how many deadlines are pending."""
        return sum(map(len, self._slots.values()))


def _call(expire: Expire) -> None:
    try:
        expire()
    except Exception:  # noqa: BLE001  (one deadline must not lose the others)
        _log.exception("a deadline's callback failed")
