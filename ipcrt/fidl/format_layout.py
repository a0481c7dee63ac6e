"""The canonical layout of a file: lines, indents, empty lines, and each comment in its place.

1. Four spaces a level; a block's members stand one a line; an empty block is `{}`.
2. Between declarations stands one empty line, but imports, and constants and aliases of one line,
   may stand together where they did.
3. Elsewhere at most one empty line is kept, and none at the edges of a block.
4. Attributes at the head of a statement stand on lines of their own, doc comments too.
5. What is written depends on tokens, comments and empty lines alone, so that formatting what was
   formatted changes nothing.
"""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.format_line import CONTINUATION, INDENT, Line, break_line
from ipcrt.fidl.format_tree import Block, Part, Statement
from ipcrt.fidl.format_trivia import Comment, Piece

_MAY_STAND_TOGETHER: Final = (frozenset(("using",)), frozenset(("const", "alias")))


class Layout:
    """The lines written so far."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write_file(self, statements: list[Statement], end: Piece) -> None:
        """Write all of a file."""
        before: Statement | None = None
        for statement in statements:
            if before is not None and _needs_blank(before, statement):
                self._blank()
            self._statement(statement, 0, keep_blank=before is not None)
            before = statement
        self._comments(end.leading, 0, keep_blank=bool(statements))

    def _blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def _comments(self, comments: list[Comment], indent: int, *, keep_blank: bool) -> None:
        for comment in comments:
            if comment.blank and keep_blank:
                self._blank()
            self.lines.append(" " * indent + comment.text)
            keep_blank = True

    def _statement(self, statement: Statement, indent: int, *, keep_blank: bool) -> None:
        first = statement.first
        self._comments(first.leading, indent, keep_blank=keep_blank)
        if first.blank and (keep_blank or first.leading):
            self._blank()
        for number, attribute in enumerate(statement.attributes):
            if number:
                self._comments(attribute[0].leading, indent, keep_blank=False)
            self._flow(list(attribute), indent)
        if statement.parts:
            if statement.attributes:
                self._comments(_first(statement.parts).leading, indent, keep_blank=False)
            self._flow(statement.parts, indent)

    def _flow(self, parts: list[Part], indent: int) -> None:
        """Write parts of a statement, whose comments above have been written."""
        flow = _Flow(self, indent)
        for number, part in enumerate(parts):
            piece = part.opening if isinstance(part, Block) else part
            if number and (piece.leading or piece.is_doc):
                flow.end_line()
                self._comments(piece.leading, flow.indent, keep_blank=False)
            flow.line.add(piece)
            if isinstance(part, Block) and not part.is_empty:
                flow.end_line(piece.trailing)
                self._block(part, indent)
                flow.indent = indent
            else:
                flow.trail(piece)
            if isinstance(part, Block):
                flow.line.close_block(part.closing)
                flow.trail(part.closing)
        flow.end_line()

    def _block(self, block: Block, indent: int) -> None:
        inside = indent + INDENT
        for number, statement in enumerate(block.statements):
            self._statement(statement, inside, keep_blank=number > 0)
        self._comments(block.closing.leading, inside, keep_blank=bool(block.statements))


class _Flow:
    """The line being filled."""

    def __init__(self, layout: Layout, indent: int) -> None:
        self.line = Line()
        self.indent = indent
        self._layout = layout
        self._continuation = indent + CONTINUATION

    def trail(self, piece: Piece) -> None:
        """End the line where a comment, or the piece's being one, says so."""
        if piece.trailing or piece.is_doc:
            self.end_line(piece.trailing)

    def end_line(self, trailing: list[Comment] | None = None) -> None:
        """Write the line, if anything is in it, with the comments that trail it."""
        lines = self._layout.lines
        if self.line.atoms:
            lines += break_line(self.line.atoms, self.indent, self._continuation)
            self.line.atoms = []
            self.indent = self._continuation
        if trailing:
            column = len(lines[-1]) + 1
            lines[-1] += " " + trailing[0].text
            lines += [" " * column + comment.text for comment in trailing[1:]]


def _first(parts: list[Part]) -> Piece:
    return parts[0].opening if isinstance(parts[0], Block) else parts[0]


def _needs_blank(before: Statement, statement: Statement) -> bool:
    """True where an empty line must part two declarations, and the source has none."""
    first = statement.first
    if first.blank or any(comment.blank for comment in first.leading):
        return False
    if not any({before.word, statement.word} <= words for words in _MAY_STAND_TOGETHER):
        return True
    return bool(statement.attributes or before.attributes)
