"""Source text and places in it."""

from __future__ import annotations

import bisect
import dataclasses


class SourceFile:
    """One file of a library: its name, its text, and where its lines begin."""

    __slots__ = ("_line_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._line_starts: list[int] | None = None

    def position(self, offset: int) -> tuple[int, int]:
        """Answer line and column of an offset, both counted from 1."""
        starts = self._starts()
        line = bisect.bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """Answer a line, counted from 1, without its end."""
        starts = self._starts()
        end = starts[line] if line < len(starts) else len(self.text)
        return self.text[starts[line - 1] : end].rstrip("\r\n")

    def _starts(self) -> list[int]:
        if self._line_starts is None:
            starts = [0]
            find, at = self.text.find, 0
            while (at := find("\n", at) + 1) > 0:
                starts.append(at)
            self._line_starts = starts
        return self._line_starts


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file: offsets in characters, `end` not included."""

    file: SourceFile
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.file.text[self.start : self.end]

    @property
    def line(self) -> int:
        """The line it begins on, counted from 1."""
        return self.file.position(self.start)[0]

    @property
    def column(self) -> int:
        """The column it begins at, counted from 1."""
        return self.file.position(self.start)[1]

    def to(self, other: Span) -> Span:
        """The span from here to the end of `other`, in the same file."""
        return Span(self.file, self.start, other.end)

    def __str__(self) -> str:
        line, column = self.file.position(self.start)
        return f"{self.file.name}:{line}:{column}"
