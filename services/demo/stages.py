"""Where all players meet, and how they tell how far they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

BEGIN: Final = "begin"
"""Everything is connected and nothing is done: descriptors are counted."""

HOLDING: Final = "holding"
"""The keeper has an end of our event pair, and we wait for its death."""

END: Final = "end"
"""Everything is done and nothing is given up but what was opened on the way."""

KEEPER_DIES_WITHIN_S: Final = 60.0
"""All players must hold before the keeper is killed; the slowest decides."""

_TICKS: Final = 100


class Ticker(Generic[T]):
    """Tells of about a hundred steps of many."""

    def __init__(self, tell: Callable[[str, int, int], T], total: int) -> None:
        """`tell(step, done, total)`; what it answers, `tick` does: a coroutine is to be awaited."""
        self._tell = tell
        self._total = total
        self._every = max(1, total // _TICKS)
        self._done = 0

    def tick(self, step: str) -> T | None:
        """One more is done."""
        self._done += 1
        if self._done % self._every and self._done != self._total:
            return None
        return self._tell(step, self._done, self._total)
