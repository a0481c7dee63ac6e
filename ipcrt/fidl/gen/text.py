"""Text: lines of Python within 100 columns, laid out as a formatter would."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Sequence
from typing import Final

WIDTH: Final = 100


@dataclasses.dataclass(frozen=True)
class Group:
    """Something in brackets: a call, a signature, a tuple. `is_tuple` keeps a lone item's comma."""

    head: str
    items: Sequence[str | Group]
    tail: str
    is_tuple: bool = False

    def flat(self) -> str:
        """Answer all of it in one line."""
        comma = "," if self.is_tuple and len(self.items) == 1 else ""
        return f"{self.head}{self._joined()}{comma}{self.tail}"

    def lines(self, indent: int = 0, suffix: str = "") -> list[str]:
        """Answer the lines: one if it fits, else the items in one, else one for each item."""
        pad, inner = " " * indent, " " * (indent + 4)
        flat = f"{pad}{self.flat()}{suffix}"
        if len(flat) <= WIDTH or not self.items:
            return [flat]
        first, last = f"{pad}{self.head}", f"{pad}{self.tail}{suffix}"
        joined = f"{inner}{self._joined()}"
        is_lone = len(self.items) == 1 and (self.is_tuple or "def " in self.head)
        if len(joined) <= WIDTH and not is_lone:
            return [first, joined, last]
        body: list[str] = []
        for item in self.items:
            body += item.lines(indent + 4, ",") if isinstance(item, Group) else [f"{inner}{item},"]
        return [first, *body, last]

    def _joined(self) -> str:
        return ", ".join(i.flat() if isinstance(i, Group) else i for i in self.items)


def alternatives(head: str, parts: Sequence[str]) -> list[str]:
    """Answer `head = A | B | C`, in parentheses where it is long."""
    flat = f"{head} = {' | '.join(parts)}"
    if len(flat) <= WIDTH:
        return [flat]
    inner = f"    {' | '.join(parts)}"
    if len(inner) <= WIDTH:
        return [f"{head} = (", inner, ")"]
    return [f"{head} = (", f"    {parts[0]}", *(f"    | {part}" for part in parts[1:]), ")"]


def docstring(text: str, indent: int = 0) -> list[str]:
    """Answer a docstring; no lines for no text."""
    text = clean(text).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if not text:
        return []
    pad = " " * indent
    first, *rest = text.split("\n")
    first = " " * first.startswith('"') + first
    if not rest:
        behind = " " * first.endswith('"')
        return [f'{pad}"""{first}{behind}"""']
    return [f'{pad}"""{first}', *(f"{pad}{line}" if line else "" for line in rest), f'{pad}"""']


def opening(statement: str, about: str, *, alone: str = "") -> list[str]:
    """Answer a class's first lines, up to its members; where it has none, `alone` is its body.

    What has no documentation gets none: a name is not said twice.
    """
    about_lines = docstring(about or alone, 4)
    return [statement, *about_lines, *([""] if about_lines and not alone else [])]


def clean(text: str) -> str:
    """Answer a doc comment's text: the space behind `///` and blank ends are gone."""
    text = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
    lines = [line.rstrip().expandtabs() for line in text.split("\n")]
    while lines and not lines[0]:
        del lines[0]
    first, rest = (lines or [""])[0].strip(), textwrap.dedent("\n".join(lines[1:]))
    return f"{first}\n{rest}".strip()


def quote(text: str) -> str:
    """Answer a string literal, with double quotes where that takes no escapes."""
    if '"' in text and "'" not in text:
        return repr(text)
    inside = repr(f'"{text}')[2:-1]  # the quote in front makes repr choose the other kind
    return '"' + re.sub(r"""\\.|\"""", _requoted, inside) + '"'


def _requoted(match: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(match[0], match[0])
