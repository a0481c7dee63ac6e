"""Deadlines: one timer for all calls that may time out.

A timeout object per call costs more than the call (design, 9.5). Here a deadline is rounded up
to a slot whose width is a 256th of the timeout (at least a millisecond), and a slot is a
dictionary that lives until it is empty or due: adding and dropping cost one look-up each, and
memory follows the calls that are pending, not those that were.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

Expire = Callable[[], None]
Token = tuple[int, int]

_SLOTS_PER_TIMEOUT: Final = 256
_MIN_WIDTH_MS: Final = 1


class Deadlines:
    """Call back what is still here when its time has come. Times are seconds of `clock`."""

    __slots__ = ("_clock", "_heap", "_next_id", "_on_earlier", "_slots")

    def __init__(self, clock: Callable[[], float], on_earlier: Callable[[float], None]) -> None:
        """`on_earlier(due)` is told whenever the earliest deadline moves nearer."""
        self._clock = clock
        self._on_earlier = on_earlier
        self._slots: dict[int, dict[int, Expire]] = {}
        self._heap: list[int] = []
        self._next_id = 0

    def add(self, timeout: float, expire: Expire) -> Token:
        """Arrange for `expire()` in `timeout` seconds, never earlier; the token drops it."""
        width = max(_MIN_WIDTH_MS, int(timeout * 1000) // _SLOTS_PER_TIMEOUT)
        slot = (int((self._clock() + timeout) * 1000) // width + 1) * width
        entries = self._slots.get(slot)
        if entries is None:
            entries = self._slots[slot] = {}
            heapq.heappush(self._heap, slot)
            if self._heap[0] == slot:
                self._on_earlier(slot / 1000)
        self._next_id = number = self._next_id + 1
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
        """Call back everything that is due."""
        now = self._clock()
        while (due := self.due()) is not None and due <= now:
            slot = heapq.heappop(self._heap)
            for expire in self._slots.pop(slot).values():
                expire()

    def __len__(self) -> int:
        """Answer how many deadlines are pending."""
        return sum(len(entries) for entries in self._slots.values())
