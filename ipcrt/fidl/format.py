"""`ipcrt fidl-format`: one canonical layout for every file, without a word of it changed."""

from __future__ import annotations

import difflib

from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.format_layout import Layout
from ipcrt.fidl.format_tree import TreeBuilder
from ipcrt.fidl.format_trivia import SPACES, pieces_of
from ipcrt.fidl.lexer import Kind, lex
from ipcrt.fidl.parsed import parse_source
from ipcrt.fidl.source import SourceFile


def format_text(name: str, text: str) -> str:
    """Answer the text in canonical layout; `name` is the file's, for diagnostics.

    Only spaces and line ends differ from what was given; the answer formats to itself.

    Raises: Unparsable: the text has a mistake, and nothing was done with it.
    """
    file = SourceFile(name, text)
    parse_source(file)
    pieces = pieces_of(file)
    statements, end = TreeBuilder(pieces).build()
    layout = Layout()
    layout.write_file(statements, end)
    formatted = "\n".join(layout.lines) + "\n"
    if words_of(formatted) != [(piece.token.kind, piece.text) for piece in pieces]:
        raise AssertionError(f"{name}: formatting would have changed the text; please report it")
    return formatted


def is_formatted(name: str, text: str) -> bool:
    """True where formatting would change nothing (`--check`). Raises: Unparsable."""
    return format_text(name, text) == text


def format_diff(name: str, text: str) -> str:
    """Answer what formatting would change as a unified diff (`--diff`), empty where nothing.

    Raises: Unparsable.
    """
    before = text.splitlines(keepends=True)
    after = format_text(name, text).splitlines(keepends=True)
    lines = difflib.unified_diff(before, after, name, f"{name} (formatted)")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def words_of(text: str) -> list[tuple[Kind, str]]:
    """Answer the tokens of a text without their places: what formatting must not change.

    Spaces at the end of a doc comment are none of its words.
    """
    tokens = lex(SourceFile("", text), Reporter())
    return [
        (token.kind, token.text.rstrip(SPACES) if token.kind is Kind.DOC_COMMENT else token.text)
        for token in tokens
    ]
