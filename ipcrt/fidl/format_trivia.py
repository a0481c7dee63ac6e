"""Tokens with the comments and blank lines around them, which the parser does not see.

1. A comment on the line of a token, behind it, trails that token.
2. A comment below a trailing one, beginning in the same column, continues it.
3. Every other comment leads the token after it.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.lexer import Kind, Token, lex
from ipcrt.fidl.source import SourceFile

SPACES: Final = " \t\r"
_COMMENT: Final = re.compile(r"//[^\n]*")


@dataclasses.dataclass(frozen=True, slots=True)
class Comment:
    """A `//` comment without the spaces at its end; `blank` where an empty line stands above."""

    text: str
    start: int
    blank: bool


@dataclasses.dataclass(slots=True)
class Piece:
    """A token, the comments above it, and those that trail it."""

    token: Token
    text: str
    blank: bool
    leading: list[Comment]
    trailing: list[Comment] = dataclasses.field(default_factory=list[Comment])

    @property
    def is_doc(self) -> bool:
        """True for a doc comment, which needs a line of its own."""
        return self.token.kind is Kind.DOC_COMMENT


def pieces_of(file: SourceFile) -> list[Piece]:
    """Answer the tokens of a file that lexes, END last, none of its comments lost."""
    found: list[Piece] = []
    for token in lex(file, Reporter()):
        comments, blank = _comments(file.text, token)
        if found:
            comments = _take_trailing(file, found[-1], comments)
        text = token.text.rstrip(SPACES) if token.kind is Kind.DOC_COMMENT else token.text
        found.append(Piece(token, text, blank, comments))
    return found


def _comments(text: str, token: Token) -> tuple[list[Comment], bool]:
    """Answer the comments before a token, and whether an empty line stands right above it."""
    if token.start - token.gap <= 1:
        return [], False
    found: list[Comment] = []
    at = token.gap
    for match in _COMMENT.finditer(text, token.gap, token.start):
        blank = _has_blank(text, at, match.start())
        found.append(Comment(match[0].rstrip(SPACES), match.start(), blank))
        at = match.end()
    return found, _has_blank(text, at, token.start)


def _has_blank(text: str, start: int, end: int) -> bool:
    return text.count("\n", start, end) > 1


def _take_trailing(file: SourceFile, before: Piece, comments: list[Comment]) -> list[Comment]:
    """Move to `before` the comments that trail it; answer the others."""
    if not comments or "\n" in file.text[before.token.start : comments[0].start]:
        return comments
    column = file.position(comments[0].start)[1]
    count = 1
    while count < len(comments):
        comment = comments[count]
        if comment.blank or file.position(comment.start)[1] != column:
            break
        count += 1
    before.trailing = comments[:count]
    return comments[count:]
