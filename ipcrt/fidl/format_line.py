"""One line of code: the spaces between its tokens, and where it is broken when it is too long.

1. Whether a space stands between two tokens follows from the two, from the bracket they stand in,
   and from what a colon is for; never from the spaces of the source.
2. A line that is too long is broken at the weakest bond that still fits: before `->`, behind `=`,
   before `error`, then behind commas and bars, those of the outer brackets first. What follows is
   indented by two levels more, so that nobody takes it for a member.
3. A string, a comment or a name longer than the line stays as long as it is.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from ipcrt.fidl.format_trivia import Piece
from ipcrt.fidl.lexer import Kind

MAX_WIDTH: Final = 100
"""Columns a line may have where it can be broken."""
INDENT: Final = 4
CONTINUATION: Final = 8

_LAYOUTS: Final = frozenset(("struct", "bits", "enum", "union", "table", "overlay"))
_NONE_BEFORE: Final = frozenset((";", ",", ")", "]", ">", "."))
_NONE_AFTER: Final = frozenset(("(", "[", "<", ".", "@"))
_ARROW, _EQUALS, _ERROR, _LAST_RESORT = -3, -2, -1, 1 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class Atom:
    """A token in its line.

    `bond` is the higher the longer it holds; None where no line may be broken before the token.
    """

    text: str
    space: bool
    bond: int | None


class Line:
    """Tokens gathered for a line; knows brackets left open by earlier lines of its statement."""

    def __init__(self) -> None:
        self.atoms: list[Atom] = []
        self._open: list[str] = []
        self._before: Piece | None = None
        self._before_that = ""
        self._word = ""
        self._colon_is_wide = False

    def add(self, piece: Piece) -> None:
        """Put a token behind the others."""
        text = piece.text
        if text in (")", "]", ">") and self._open:
            self._open.pop()
        colon_is_wide = text == ":" and self._subtype_follows()
        space = self._space_before(text, colon_is_wide)
        self.atoms.append(Atom(text, space, self._bond_before(text, space)))
        if text in ("(", "[", "<"):
            self._open.append(text)
        if text == ":":
            self._colon_is_wide = colon_is_wide or self._is_ordinal()
        self._before_that = self._before.text if self._before is not None else ""
        self._word = self._word or text
        self._before = piece

    def close_block(self, piece: Piece) -> None:
        """Put the `}` of a block, whose inside stands elsewhere or is empty."""
        self.atoms.append(Atom(piece.text, space=False, bond=None))
        self._before_that, self._before = "", piece

    def _subtype_follows(self) -> bool:
        """True before the colon of `enum : uint32` and of `resource_definition X : uint32`."""
        assert self._before is not None
        if self._word == "resource_definition":
            return True
        return self._before.text in _LAYOUTS and self._before_that != "."

    def _is_ordinal(self) -> bool:
        return self._before is not None and self._before.token.kind is Kind.NUMBER

    def _space_before(self, text: str, colon_is_wide: bool) -> bool:
        if self._before is None or text in _NONE_BEFORE:
            return False
        before = self._before.text
        if before in _NONE_AFTER or text == "<":
            return False
        if text == ":":
            return colon_is_wide
        if before == ":":
            return self._colon_is_wide
        if text == "(":
            return self._before.token.kind is not Kind.IDENTIFIER
        if "=" in (text, before):
            return not (self._open and self._open[-1] == "(")
        return True

    def _bond_before(self, text: str, space: bool) -> int | None:
        if self._before is None:
            return None
        before, depth = self._before.text, 4 * len(self._open)
        if text == "->":
            return _ARROW
        if before == "=" and space:
            return _EQUALS
        if text == "error" and before == ")" and not self._open:
            return _ERROR
        if before == ",":
            return depth
        if before == "|":
            return depth + 1
        if before in ("(", "<") and text not in (")", "{"):
            return depth + 2
        return _LAST_RESORT if space and text not in ("{", "=", "|", ":") else None


def break_line(atoms: list[Atom], indent: int, continuation: int) -> list[str]:
    """Answer the lines that the atoms fill: the first at `indent`, the others at `continuation`."""
    lines: list[str] = []
    start, left = 0, sum(len(atom.text) + atom.space for atom in atoms)
    while start < len(atoms):
        end = len(atoms)
        if indent + left - atoms[start].space > MAX_WIDTH:
            end = _break_at(atoms, start, indent)
        line = " " * indent + _join(atoms[start:end])
        left -= sum(len(atom.text) + atom.space for atom in atoms[start:end])
        lines.append(line)
        start, indent = end, continuation
    return lines


def _break_at(atoms: list[Atom], start: int, indent: int) -> int:
    """Answer where to break: at the weakest bond that fits, else at the first there is."""
    best, best_bond = len(atoms), None
    width = indent + len(atoms[start].text)
    for at in range(start + 1, len(atoms)):
        bond = atoms[at].bond
        if bond is not None and (best_bond is None or (bond <= best_bond and width <= MAX_WIDTH)):
            best, best_bond = at, bond
        if width > MAX_WIDTH and best_bond is not None:
            break
        width += len(atoms[at].text) + atoms[at].space
    return best


def _join(atoms: list[Atom]) -> str:
    first, *others = atoms
    return first.text + "".join(f" {atom.text}" if atom.space else atom.text for atom in others)
