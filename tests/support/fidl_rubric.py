"""The FIDL that the API rubric shows, found by its shape: nothing of its text is kept here.

1. A block is a run of whole declarations at the left margin, with their comments; prose ends it.
2. From a line `CML` to the next paragraph of prose, other languages are shown: nothing is FIDL.
3. In the prose, code is a declaration, a method, a type or the like that stands in a sentence.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from tests.support.fidl import REFERENCE

RUBRIC: Final = REFERENCE.parents[1] / "seeds" / "fidl-api-rubric.txt"

_MODIFIERS: Final = r"(?:(?:strict|flexible|resource|open|ajar|closed) )*"
_NAMED: Final = re.compile(rf"{_MODIFIERS}(?:type|protocol|service|const|alias) (\w+)[ {{]")
_DECLARATION: Final = re.compile(
    rf"library [a-z0-9.]+;|using [a-z0-9.]+;|@\w+|{_MODIFIERS}(?:protocol|service) \w+ {{"
    rf"|type \w+ = |const \w+ \S+ = |alias \w+ = "
)
_PROSE: Final = re.compile(r"[A-Z].*\.$")
_IN_PROSE: Final = re.compile(
    r"(?P<declaration>\btype \w+ = \w+ {[^}]*};)"
    r"|(?P<method>(?:\b(?:strict|flexible) )?\b[A-Z]\w*\((?:\.\.\.)?\)(?: -> \(\))?;)"
    r"|(?P<event>-> On\w+\((?:\.\.\.)?\))"
    r"|(?P<type>\b(?:vector|array|box)<[\w, ]+>|\b(?:client_end|server_end):\w+"
    r"|\bzx\.Handle:[A-Z]+\b)"
    r"|(?P<rights>\bzx\.Rights\.[A-Z_]+\b)"
    r"|(?P<member>\b[A-Z]+ = \d+\b)"
    r"|(?P<library>\bfuchsia(?:\.(?!googlesource)[a-z]\w*)+(?:\.\d+)?(?![\w{]))"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """Some declarations, as they stand."""

    line: int
    text: str

    @property
    def library(self) -> str:
        """The library that it says it is; empty where it says none."""
        found = re.search(r"^library ([a-z0-9.]+);$", self.text, re.MULTILINE)
        return found[1] if found else ""

    @property
    def names(self) -> list[str]:
        """What it declares."""
        return [found[1] for line in self.text.splitlines() if (found := _NAMED.match(line))]

    @property
    def key(self) -> str:
        """Its library, or the first of its names."""
        return self.library or self.names[0]


@dataclasses.dataclass(frozen=True, slots=True)
class Inline:
    """A piece of code in a sentence."""

    line: int
    kind: str
    text: str


def lines() -> list[str]:
    """The rubric; empty where it does not lie beside the checkout."""
    return RUBRIC.read_text().splitlines() if RUBRIC.is_file() else []


def blocks() -> list[Block]:
    """The blocks, in their order."""
    return _split()[0]


def inlines() -> list[Inline]:
    """The code in the prose, in its order."""
    return [
        Inline(number, found.lastgroup or "", found[0])
        for number, line in _split()[1]
        for found in _IN_PROSE.finditer(line)
    ]


def _split() -> tuple[list[Block], list[tuple[int, str]]]:
    """Answer the blocks and, with their numbers, the lines of prose."""
    found: list[Block] = []
    prose: list[tuple[int, str]] = []
    taken: list[str] = []
    depth = start = 0
    foreign = False
    for number, line in enumerate(lines(), 1):
        foreign = line == "CML" or (foreign and not _PROSE.match(line))
        if depth == 0 and not _belongs(line, bool(taken)):
            if taken:
                found.append(Block(start, "\n".join(taken)))
                taken = []
            if not foreign:
                prose.append((number, line))
            continue
        if foreign:
            continue
        start = start if taken else number
        taken.append(line)
        code = line.split("//")[0]
        depth += code.count("{") - code.count("}")
    return found, prose


def _belongs(line: str, inside: bool) -> bool:
    """True where a line at depth 0 is part of a block: comments and gaps are, once it began."""
    if _DECLARATION.match(line):
        return True
    return inside and (not line.strip() or line.startswith("//"))
