"""Statements and blocks: all the structure that layout needs.

A statement is whatever ends with `;`; a block is whatever stands in braces, a list of statements.
The text has been parsed, so the brackets are known to match.
"""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

from ipcrt.fidl.format_trivia import Piece
from ipcrt.fidl.lexer import Kind


@dataclasses.dataclass(slots=True)
class Block:
    """`{ statements }`."""

    opening: Piece
    statements: list[Statement]
    closing: Piece

    @property
    def is_empty(self) -> bool:
        """True where nothing, not even a comment, stands between the braces."""
        return not (self.statements or self.opening.trailing or self.closing.leading)


Part: TypeAlias = Piece | Block


@dataclasses.dataclass(slots=True)
class Statement:
    """The attributes and doc comments at its head, one a line; then the rest up to its `;`."""

    attributes: list[list[Piece]]
    parts: list[Part]

    @property
    def first(self) -> Piece:
        """The piece it begins with."""
        if self.attributes:
            return self.attributes[0][0]
        part = self.parts[0]
        return part.opening if isinstance(part, Block) else part

    @property
    def word(self) -> str:
        """The word behind its attributes: `using`, `const`, ..."""
        part = self.parts[0] if self.parts else None
        return part.text if isinstance(part, Piece) else ""


class TreeBuilder:
    """Groups pieces into statements."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        self._at = 0

    def build(self) -> tuple[list[Statement], Piece]:
        """Answer the statements of the file, and its end."""
        return self._statements(), self._pieces[self._at]

    def _statements(self) -> list[Statement]:
        found: list[Statement] = []
        while not self._sees("}") and self._peek().token.kind is not Kind.END:
            found.append(self._statement())
        return found

    def _statement(self) -> Statement:
        attributes: list[list[Piece]] = []
        while self._peek().is_doc or self._sees("@"):
            attributes.append(self._attribute())
        parts: list[Part] = []
        while self._peek().token.kind is not Kind.END:
            if self._sees("{"):
                parts.append(self._block())
                continue
            piece = self._take()
            parts.append(piece)
            if piece.text == ";":
                break
        return Statement(attributes, parts)

    def _attribute(self) -> list[Piece]:
        found = [self._take()]
        if found[0].is_doc:
            return found
        found.append(self._take())
        if self._sees("("):
            depth = 0
            while True:
                piece = self._take()
                found.append(piece)
                depth += (piece.text == "(") - (piece.text == ")")
                if depth == 0:
                    break
        return found

    def _block(self) -> Block:
        opening = self._take()
        statements = self._statements()
        return Block(opening, statements, self._take())

    def _peek(self) -> Piece:
        return self._pieces[self._at]

    def _sees(self, text: str) -> bool:
        return self._pieces[self._at].text == text

    def _take(self) -> Piece:
        piece = self._pieces[self._at]
        self._at += 1
        return piece
