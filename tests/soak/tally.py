"""What the actors of a scene tell of themselves: numbers in a file that all have mapped.

Telling makes no call, and what was told is told, whatever happens to who told it.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_WORD_BYTES: Final = 8
_STEPS, _TURNS, _STEPS_OF_TURN, _FAILURES = range(4)
_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class Told:
    """What one actor, and those before it in its role, have told so far."""

    steps: int
    """What it does again and again: a frame, a call, a batch of records."""
    turns: int
    """How often it began: with its peer at hand and a first step to come."""
    steps_of_turn: int
    failures: int
    """How often it lost its peer, or found none."""


class Tally:
    """One actor's numbers; only it writes them."""

    def __init__(self, path: str | os.PathLike[str], place: int) -> None:
        self._words = _map(path, place + 1, create=False)
        self._at = place * _WORDS

    def begin(self) -> None:
        """A turn begins."""
        self._words[self._at + _STEPS_OF_TURN] = 0
        self._words[self._at + _TURNS] += 1

    def step(self) -> None:
        """One more step is done."""
        self._words[self._at + _STEPS] += 1
        self._words[self._at + _STEPS_OF_TURN] += 1

    def fail(self) -> None:
        """The turn is over, or there was none."""
        self._words[self._at + _FAILURES] += 1


class Board:
    """All actors' numbers; the conductor looks at them."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        """Make the file, with a place for each name in their order."""
        self.path: Final = path
        self._places = {name: place * _WORDS for place, name in enumerate(names)}
        self._words = _map(path, len(names), create=True)

    def place(self, name: str) -> int:
        """Answer which place is an actor's."""
        return self._places[name] // _WORDS

    def __getitem__(self, name: str) -> Told:
        at = self._places[name]
        return Told(*self._words[at : at + _WORDS])

    def close(self) -> None:
        """Let the file go. Idempotent."""
        self._words.release()

    def look(self) -> dict[str, Told]:
        """Answer what all have told."""
        return {name: self[name] for name in self._places}


def _map(path: str | os.PathLike[str], places: int, *, create: bool) -> memoryview[int]:
    """Map the file; the mapping goes with the view."""
    with open(path, "w+b" if create else "r+b") as file:
        if create:
            file.truncate(places * _WORDS * _WORD_BYTES)
        mapping = mmap.mmap(file.fileno(), places * _WORDS * _WORD_BYTES)
    return memoryview(mapping).cast("Q")
