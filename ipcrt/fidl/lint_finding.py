"""What a check found, and how it is written down."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

from ipcrt.fidl.lint_catalogue import CHECKS, Check
from ipcrt.fidl.lint_model import Library
from ipcrt.fidl.source import Span


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One remark about one place."""

    check: Check
    span: Span
    message: str

    @property
    def sort_key(self) -> tuple[str, int, str]:
        return self.span.file.name, self.span.start, self.check.id

    def render(self) -> str:
        """Write it as a person reads it: `file:line:column`, level, message, id, the reason."""
        head = f"{self.span}: {self.check.level.value}: {self.message} [{self.check.id}]"
        return f"{head}\n  why: {self.check.reason}"

    def as_json(self) -> dict[str, object]:
        """Answer it as plain values, for tools."""
        line, column = self.span.file.position(self.span.start)
        end_line, end_column = self.span.file.position(self.span.end)
        return {
            "id": self.check.id,
            "level": self.check.level.value,
            "message": self.message,
            "reason": self.check.reason,
            "file": self.span.file.name,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
        }


class Findings:
    """Gathers findings."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def add(self, id_: str, span: Span, message: str) -> None:
        """Add one; `id_` is of the catalogue."""
        self.found.append(Finding(CHECKS[id_], span, message))


Checker: TypeAlias = Callable[[Library, Findings], None]
