"""Where things stand in a TOML text: tomllib tells values, and nothing of their lines.

Only for text that tomllib has accepted: what it refuses has its line in the error. Members of
inline tables and arrays stand where their value begins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""A way into the document: keys, and numbers of an array's elements."""

_TOKEN: Final = re.compile(
    r'(?P<text>"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r"|(?P<comment>\#[^\n]*)|(?P<line>\n)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<is>=)|(?P<dot>\.)"
    r"|(?P<bare>[A-Za-z0-9_-]+)|(?P<other>.)",
    re.DOTALL,
)
_STEP: Final = re.compile(r"\.(?P<key>[^.\[`]+)|\[(?P<index>\d+)\]")


def lines_of(text: str) -> dict[Place, int]:
    """Answer the line, from 1 on, of each table, an array's too, and of each of its keys."""
    return _Scanner().scan(text)


def line_at(lines: Mapping[Place, int], place: Place) -> int | None:
    """Answer the line of the innermost thing around `place` whose line is known."""
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return None


def place_of(path: str) -> Place:
    """Read a path as msgspec writes it: `$.rule[0].user`."""
    return tuple(
        int(step["index"]) if step["index"] else step["key"] for step in _STEP.finditer(path)
    )


class _Scanner:
    """Walks through a text's tokens, and takes note of headers and keys."""

    def __init__(self) -> None:
        self._lines: dict[Place, int] = {}
        self._counts: dict[Place, int] = {}
        self._table: Place = ()
        self._keys: list[str] = []
        self._brackets = 0  # of a header, while no value has begun
        self._depth = 0  # of brackets in a value
        self._in_value = False

    def scan(self, text: str) -> dict[Place, int]:
        number = 1
        for token in _TOKEN.finditer(text):
            self._take(token.lastgroup or "", token.group(), number)
            number += token.group().count("\n")
        return self._lines

    def _take(self, kind: str, text: str, line: int) -> None:
        if self._in_value:
            self._depth += {"open": 1, "close": -1}.get(kind, 0)
            if kind == "line" and not self._depth:
                self._in_value = False
        elif kind == "is":
            self._note((*self._table, *self._keys), line)
            self._keys = []
            self._in_value = True
        elif kind == "open":
            self._brackets += 1
        elif kind == "close" and self._keys:
            self._enter(self._keys, line, is_array=self._brackets > 1)
            self._keys, self._brackets = [], 0
        elif kind == "bare":
            self._keys.append(text)
        elif kind == "text":
            self._keys.append(text[1:-1])

    def _enter(self, keys: list[str], line: int, *, is_array: bool) -> None:
        table: Place = ()
        for index, key in enumerate(keys):
            table = (*table, key)
            last = index == len(keys) - 1
            if last and is_array:
                self._counts[table] = self._counts.get(table, 0) + 1
                self._note(table, line)
            if table in self._counts:
                table = (*table, self._counts[table] - 1)
        self._table = table
        self._note(table, line)

    def _note(self, place: Place, line: int) -> None:
        for length in range(len(place), 0, -1):
            self._lines.setdefault(place[:length], line)
