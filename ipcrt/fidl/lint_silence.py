"""Comments that silence checks.

    // fidl-lint: disable=unbounded-vector, name-case
    // fidl-lint: disable-file=undocumented

1. `disable` behind code silences its line.
2. `disable` on a line of its own silences up to the line where the next thing is named, behind
   that thing's doc comments and attributes.
3. `disable-file` silences the whole file, wherever it stands.
4. `all` stands for every check.
5. What names no check, or silences nothing, is reported; those two reports cannot be silenced.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from ipcrt.fidl.format_trivia import Comment, Piece, pieces_of
from ipcrt.fidl.lexer import Kind
from ipcrt.fidl.lint_catalogue import CHECKS
from ipcrt.fidl.lint_finding import Finding, Findings
from ipcrt.fidl.source import SourceFile, Span

_DIRECTIVE: Final = re.compile(r"//\s*fidl-lint:\s*disable(-file)?\s*=\s*([A-Za-z0-9_,\- ]*)")
_NAME: Final = re.compile(r"[A-Za-z0-9_\-]+")
_EVERY: Final = "all"


@dataclasses.dataclass(slots=True)
class _Silence:
    """One check on some lines; every check where `id` is `all`."""

    id: str
    span: Span
    first_line: int
    last_line: int
    used: bool = False

    def covers(self, finding: Finding) -> bool:
        if self.id not in (finding.check.id, _EVERY):
            return False
        return self.first_line <= finding.span.line <= self.last_line


def silence(file: SourceFile, found: list[Finding]) -> list[Finding]:
    """Answer the findings in one file that no comment silences, and what is wrong with those."""
    if "fidl-lint" not in file.text:
        return found
    own = Findings()
    silences = _silences(file, own)
    left: list[Finding] = []
    for finding in found:
        covering = [entry for entry in silences if entry.covers(finding)]
        for entry in covering:
            entry.used = True
        if not covering:
            left.append(finding)
    for entry in silences:
        if not entry.used:
            own.add("unused-silence", entry.span, f"'{entry.id}' silences nothing here")
    return left + own.found


def _silences(file: SourceFile, own: Findings) -> list[_Silence]:
    found: list[_Silence] = []
    pieces = pieces_of(file)
    for number, piece in enumerate(pieces):
        for comment in piece.leading:
            last = _line_of(file, _named_behind(pieces, number))
            found += _parse(file, comment, last, own)
        for comment in piece.trailing:
            found += _parse(file, comment, file.position(piece.token.start)[0], own)
    return found


def _line_of(file: SourceFile, piece: Piece) -> int:
    return file.position(piece.token.start)[0]


def _named_behind(pieces: list[Piece], at: int) -> Piece:
    """Answer the first piece from `at` on that is of no doc comment and no attribute."""
    while True:
        if pieces[at].is_doc:
            at += 1
        elif pieces[at].text == "@":
            at += 2
            if pieces[at].text == "(":
                at = _behind_parenthesis(pieces, at)
        else:
            return pieces[at]


def _behind_parenthesis(pieces: list[Piece], at: int) -> int:
    depth = 0
    while pieces[at].token.kind is not Kind.END:
        depth += (pieces[at].text == "(") - (pieces[at].text == ")")
        at += 1
        if depth == 0:
            break
    return at


def _parse(file: SourceFile, comment: Comment, last_line: int, own: Findings) -> list[_Silence]:
    directive = _DIRECTIVE.match(comment.text)
    if directive is None:
        return []
    first_line = file.position(comment.start)[0]
    if directive[1]:
        first_line, last_line = 1, file.position(len(file.text))[0]
    found: list[_Silence] = []
    for name in _NAME.finditer(directive[2]):
        start = comment.start + directive.start(2) + name.start()
        span = Span(file, start, start + len(name[0]))
        if name[0] in CHECKS or name[0] == _EVERY:
            found.append(_Silence(name[0], span, min(first_line, last_line), last_line))
        else:
            own.add("unknown-check", span, f"there is no check '{name[0]}'")
    return found
