"""Heap: which bytes of the VMO are in use; the writer's own note, kept outside of the VMO.

Free neighbours are joined, so that room does not crumble; what is free at the end is given back.
"""

from __future__ import annotations

from typing import Final

from ipcrt.inspect.format import RECORD_BYTES

SMALLEST: Final = RECORD_BYTES
"""Bytes of the smallest record; less than that is never left over."""


class Heap:
    """Ranges of whole words in `[start, limit)`; `used` is where the last one ends."""

    __slots__ = ("_by_end", "_limit", "_sizes", "used")

    def __init__(self, start: int, limit: int) -> None:
        self._limit = limit
        self.used = start
        self._sizes: dict[int, int] = {}
        self._by_end: dict[int, int] = {}

    def take(self, size: int) -> tuple[int, tuple[int, int] | None] | None:
        """Take `size` bytes: where they are, and what is left free behind them; None for no room.

        The first free range that fits is used; looking for it costs one step for each.
        """
        for at, free in self._sizes.items():
            rest = free - size
            if rest == 0 or rest >= SMALLEST:
                self._forget(at)
                if not rest:
                    return at, None
                self._note(at + size, rest)
                return at, (at + size, rest)
        if self.used + size > self._limit:
            return None
        at = self.used
        self.used += size
        return at, None

    def give(self, at: int, size: int) -> tuple[int, int] | None:
        """Give a range back: the whole free range that it is in now, or None where `used` fell."""
        after = self._sizes.get(at + size)
        if after is not None:
            self._forget(at + size)
            size += after
        before = self._by_end.get(at)
        if before is not None:
            size += self._forget(before)
            at = before
        if at + size == self.used:
            self.used = at
            return None
        self._note(at, size)
        return at, size

    def _note(self, at: int, size: int) -> None:
        self._sizes[at] = size
        self._by_end[at + size] = at

    def _forget(self, at: int) -> int:
        size = self._sizes.pop(at)
        del self._by_end[at + size]
        return size
