"""Tokens, and what is no token."""

from __future__ import annotations

import pytest

from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.lexer import Kind, lex
from ipcrt.fidl.source import SourceFile


def _lex(text: str) -> tuple[list[str], list[str]]:
    reporter = Reporter()
    tokens = lex(SourceFile("a.fidl", text), reporter)
    assert tokens[-1].kind is Kind.END
    return [token.text for token in tokens[:-1]], [found.id for found in reporter.diagnostics]


def test_tokens_with_their_gaps() -> None:
    words = ["a_b", "->", "-1", "0x1F", "1e-5", '"x"', "<", "/// doc", ".", "b"]
    text = 'a_b -> -1 0x1F // aside\n1e-5 "x"</// doc\n.b'
    assert _lex(text) == (words, [])
    reporter = Reporter()
    tokens = lex(SourceFile("a.fidl", "ab  cd"), reporter)
    assert [(token.start, token.gap) for token in tokens] == [(0, 0), (4, 2), (6, 6)]


@pytest.mark.parametrize(
    "text, id_",
    [
        ("#", "fi-0001"),
        ("+", "fi-0001"),
        ('"a', "fi-0002"),
        ('"a\n"', "fi-0002"),
        ('"\\q"', "fi-0003"),
        ('"\\u{1g}"', "fi-0004"),
        ('"\x07"', "fi-0184"),
        ('"\\u1"', "fi-0185"),
        ('"\\u{1"', "fi-0186"),
        ('"\\u{}"', "fi-0187"),
        ('"\\u{1234567}"', "fi-0188"),
        ('"\\u{110000}"', "fi-0189"),
    ],
)
def test_what_is_no_token_is_reported_once(text: str, id_: str) -> None:
    assert _lex(text)[1][:1] == [id_]


def test_what_is_no_token_keeps_its_place() -> None:
    tokens = lex(SourceFile("a.fidl", 'a # "\\q" b'), Reporter())
    kinds = [Kind.IDENTIFIER, Kind.BAD, Kind.BAD, Kind.IDENTIFIER, Kind.END]
    assert [token.kind for token in tokens] == kinds
    assert [token.start for token in tokens[:-1]] == [0, 2, 4, 9]


@pytest.mark.parametrize(
    "text, words",
    [
        ('a "b\nc" d', ["a", '"b\nc"', "d"]),
        ('a "b\r\nc" d\n"e" "f"', ["a", '"b\r\nc"', "d", '"e"', '"f"']),
        ('a "b\nc "d" e', ["a", '"b', "c", '"d"', "e"]),
        ('a "b\n\n"c" d', ["a", '"b', '"c"', "d"]),
        ('a "b', ["a", '"b']),
        ('a "b\n', ["a", '"b']),
    ],
)
def test_a_string_over_two_lines_is_reported_once(text: str, words: list[str]) -> None:
    assert _lex(text) == (words, ["fi-0002"])
