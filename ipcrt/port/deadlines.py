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
from collections.abc import Callable
from typing import Final

Expire = Callable[[], None]
Token = tuple[int, int]

_log: Final = logging.getLogger("ipcrt.port")
_SLOTS_BITS: Final = 8
"""At least 2 ** 8 slots to a timeout."""
_LONGEST_S: Final = 100 * 365 * 86400.0
"""A century stands for ever, so that infinity may be passed."""


class Deadlines:
    """Call back what is still here when its time has come. Times are seconds of `clock`."""

    __slots__ = ("_clock", "_heap", "_next_id", "_on_earlier", "_shift", "_slots", "_timeout")

    def __init__(self, clock: Callable[[], float], on_earlier: Callable[[float], None]) -> None:
        """`on_earlier(due)` is told whenever the earliest deadline moves nearer."""
        self._clock = clock
        self._on_earlier = on_earlier
        self._slots: dict[int, dict[int, Expire]] = {}
        self._heap: list[int] = []
        self._next_id = 0
        self._timeout = 0.0  # the last one asked for: mostly it is the same again
        self._shift = 0

    def add(self, timeout: float, expire: Expire) -> Token:
        """Arrange for `expire()` in `timeout` seconds, never earlier; the token drops it.

        A timeout below zero is zero, and even zero is told by `run` only, not here.
        """
        if timeout != self._timeout:
            self._timeout = timeout = min(_LONGEST_S, max(0.0, timeout))
            self._shift = max(0, (int(timeout * 1000) >> _SLOTS_BITS).bit_length() - 1)
        shift = self._shift
        slot = ((int((self._clock() + timeout) * 1000) >> shift) + 1) << shift
        self._next_id = number = self._next_id + 1
        entries = self._slots.get(slot)
        if entries is None:
            self._slots[slot] = {number: expire}
            heapq.heappush(self._heap, slot)
            if self._heap[0] == slot:
                self._on_earlier(slot / 1000)
        else:
            entries[number] = expire
        return slot, number

    def drop(self, token: Token) -> None:
        """Forget a deadline; one that has passed or was dropped already is no error."""
        entries = self._slots.get(token[0])
        if entries is not None:
            entries.pop(token[1], None)

    def due(self) -> float | None:
        """Answer when the next deadline is, or None; slots that fell empty are dropped."""
        while self._heap:
            slot = self._heap[0]
            if self._slots[slot]:
                return slot / 1000
            heapq.heappop(self._heap)
            del self._slots[slot]
        return None

    def run(self) -> None:
        """Call back everything that is due; what a callback raises is logged."""
        now = self._clock()
        while (due := self.due()) is not None and due <= now:
            entries = self._slots[self._heap[0]]
            for number in list(entries):
                expire = entries.pop(number, None)  # rule 3: another may have dropped it
                if expire is not None:
                    _call(expire)

    def clear(self) -> None:
        """Forget all deadlines."""
        self._slots.clear()
        self._heap.clear()

    def __len__(self) -> int:
        """Answer how many deadlines are pending."""
        return sum(len(entries) for entries in self._slots.values())


def _call(expire: Expire) -> None:
    try:
        expire()
    except Exception:  # noqa: BLE001  (one deadline must not lose the others)
        _log.exception("a deadline's callback failed")
