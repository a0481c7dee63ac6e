"""Diagnostics: what is wrong, where, and what to do about it.

The catalogue gives each diagnostic its id, which is never reused, and its wording; `{}` in it is
filled in at the place of the report.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Final

from ipcrt.fidl.catalogue import CATALOGUE, WARNINGS
from ipcrt.fidl.source import Span


class Severity(enum.Enum):
    """Whether a library still compiles."""

    ERROR = "error"
    WARNING = "warning"


@dataclasses.dataclass(frozen=True, slots=True)
class Diagnostic:
    """One report."""

    id: str
    severity: Severity
    span: Span | None
    message: str
    hint: str = ""

    def render(self) -> str:
        """Write it as a person reads it: place, message, the source line, a caret, the hint."""
        where = f"{self.span}: " if self.span is not None else ""
        lines = [f"{where}{self.severity.value}: {self.message} [{self.id}]"]
        if self.span is not None:
            lines += _excerpt(self.span)
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """Answer it as plain values, for tools."""
        found: dict[str, object] = {
            "id": self.id,
            "severity": self.severity.value,
            "message": self.message,
            "hint": self.hint,
        }
        if self.span is not None:
            line, column = self.span.file.position(self.span.start)
            end_line, end_column = self.span.file.position(self.span.end)
            found |= {
                "file": self.span.file.name,
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
            }
        return found


_TAB: Final = "    "
_MAX_LINE: Final = 200
_MAX_ARGUMENT: Final = 400


def _excerpt(span: Span) -> list[str]:
    """Answer the source line and a caret line beneath it."""
    line, column = span.file.position(span.start)
    text = span.file.line_text(line)
    if not text.strip() or len(text) > _MAX_LINE:
        return []
    width = max(1, min(span.end - span.start, len(text) - column + 1))
    before = text[: column - 1].replace("\t", _TAB)
    return [f"  {text.replace(chr(9), _TAB)}", f"  {' ' * len(before)}^{'~' * (width - 1)}"]


def _fill(text: str, arguments: tuple[object, ...]) -> tuple[str, tuple[object, ...]]:
    """Fill the blanks of a text; answer it, and the arguments that were left over."""
    pieces = text.split("{}")
    blanks = len(pieces) - 1
    filled = pieces[0]
    for piece, argument in zip(pieces[1:], arguments, strict=False):
        filled += f"{_clip(str(argument))}{piece}"
    return filled, arguments[blanks:]


def _clip(text: str) -> str:
    """Leave out what nobody reads: a number may have a million digits."""
    return text if len(text) <= _MAX_ARGUMENT else f"{text[:_MAX_ARGUMENT]}…"


MAX_KEPT: Final = 1000
"""Nobody reads more errors, or more warnings, of one run; further ones are counted."""


class Reporter:
    """Gathers diagnostics in the order of their reports, `MAX_KEPT` of each severity at most."""

    __slots__ = ("_seen", "diagnostics", "errors", "warnings")

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.errors = 0
        self.warnings = 0
        self._seen: set[tuple[str, Span | None, str]] = set()

    @property
    def left_out(self) -> int:
        """How many were counted and not kept."""
        return self.errors + self.warnings - len(self.diagnostics)

    def error(self, id_: str, span: Span | None, *arguments: object, hint: str = "") -> None:
        """Report `id_` of the catalogue, its blanks filled with `arguments`.

        A warning of the catalogue stays one. What was reported before, at the same place, is not
        reported again: a declaration may be looked at once for each of its versions.
        """
        wording, advice = CATALOGUE[id_]
        severity = Severity.WARNING if id_ in WARNINGS else Severity.ERROR
        if self._count(severity) >= MAX_KEPT:
            self._add(severity)
            return
        message, rest = _fill(wording, arguments)
        if not hint:
            hint, _ = _fill(advice, rest)
        key = (id_, span, message)
        if key in self._seen:
            return
        self._seen.add(key)
        self.diagnostics.append(Diagnostic(id_, severity, span, message, hint))
        self._add(severity)

    def _count(self, severity: Severity) -> int:
        return self.errors if severity is Severity.ERROR else self.warnings

    def _add(self, severity: Severity) -> None:
        if severity is Severity.ERROR:
            self.errors += 1
        else:
            self.warnings += 1
