"""Tokens. Every keyword is contextual, so to the lexer it is an identifier like any other.

One regular expression finds the next token; strings that fail it are looked at again, character
by character, for a diagnostic that says what is wrong with them. No string is worth going back in
(`++`, `*+`): what would be kept for that is a hundred times as long as the string.
"""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple

from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.source import SourceFile, Span


class Kind(enum.IntEnum):
    """What a token is."""

    IDENTIFIER = 0
    NUMBER = 1
    STRING = 2
    DOC_COMMENT = 3
    PUNCTUATION = 4
    END = 5
    BAD = 6
    """What is no token, and was reported."""


class Token(NamedTuple):
    """A token: `text` as in the file, `start` its offset, `gap` where the one before ended."""

    kind: Kind
    text: str
    start: int
    gap: int


_TOKEN: Final = re.compile(
    r"""
    (?P<space>      [ \t\r\n]+ )
  | (?P<doc>        ///(?!/)[^\n]* )
  | (?P<comment>    //[^\n]* )
  | (?P<identifier> [A-Za-z_][A-Za-z0-9_]* )
  | (?P<number>     (?:[0-9]|-(?!>)) [0-9A-Fa-fxX_.\-]* )
  | (?P<string>     "(?:[^"\\\x00-\x1f]++|\\[\\"nrt]|\\u\{[0-9A-Fa-f]{1,6}\})*+" )
  | (?P<arrow>      -> )
  | (?P<punct>      [()\[\]{}<>@.,;:?=&|] )
    """,
    re.VERBOSE,
)
_KINDS: Final = {
    "doc": Kind.DOC_COMMENT,
    "identifier": Kind.IDENTIFIER,
    "number": Kind.NUMBER,
    "string": Kind.STRING,
    "arrow": Kind.PUNCTUATION,
    "punct": Kind.PUNCTUATION,
}
_ESCAPES: Final = '\\"nrt'
_MAX_CODE_POINT: Final = 0x10FFFF
_MAX_HEX_DIGITS: Final = 6


def lex(file: SourceFile, reporter: Reporter) -> list[Token]:
    """Split a file into tokens, ending with END; what is no token is reported, and is BAD."""
    text = file.text
    tokens: list[Token] = []
    at = gap = 0
    match = _TOKEN.match
    while at < len(text):
        found = match(text, at)
        if found is None:
            end = _bad_token(file, at, reporter)
            tokens.append(Token(Kind.BAD, text[at:end], at, gap))
            at = gap = end
            continue
        name = found.lastgroup
        end = found.end()
        if name in ("space", "comment"):
            at = end
            continue
        if name == "string" and "\\u" in found[0]:
            _check_code_points(file, at, end, reporter)
        tokens.append(Token(_KINDS[name or ""], found[0], at, gap))
        at = gap = end
    tokens.append(Token(Kind.END, "", len(text), gap))
    return tokens


def _bad_token(file: SourceFile, at: int, reporter: Reporter) -> int:
    """Report what is wrong at `at`; answer where to go on."""
    text = file.text
    if text[at] == '"':
        return _bad_string(file, at, reporter)
    reporter.error("fi-0001", Span(file, at, at + 1), text[at])
    return at + 1


def _bad_string(file: SourceFile, start: int, reporter: Reporter) -> int:
    """Report the first mistake in a string literal; answer where to go on."""
    text, at = file.text, start + 1
    while at < len(text):
        char = text[at]
        if char == '"':
            return at + 1
        if char in "\r\n":
            reporter.error("fi-0002", Span(file, start, at))
            return _end_of_broken_string(text, at)
        if char < " ":
            reporter.error("fi-0184", Span(file, at, at + 1), f"U+{ord(char):04X}")
            return _skip_string(text, at + 1)
        if char == "\\":
            end = _escape(file, at, reporter)
            if end < 0:
                return _skip_string(text, at + 2)
            at = end
            continue
        at += 1
    reporter.error("fi-0002", Span(file, start, len(text)))
    return len(text)


def _end_of_broken_string(text: str, at: int) -> int:
    """Answer where a string ends that does not end in its line.

    A lone quote in the next line is its end; else somebody forgot the quote in the first.
    """
    begin = text.find("\n", at) + 1
    end = text.find("\n", begin) if begin else -1
    line = text[begin : None if end < 0 else end] if begin else ""
    return begin + line.index('"') + 1 if line.count('"') % 2 else at


def _escape(file: SourceFile, at: int, reporter: Reporter) -> int:
    """Check one escape sequence; answer its end, or -1 when it was reported."""
    text = file.text
    char = text[at + 1 : at + 2]
    if char and char in _ESCAPES:
        return at + 2
    if char != "u":
        reporter.error("fi-0003", Span(file, at, at + 2), "\\" + char)
        return -1
    if text[at + 2 : at + 3] != "{":
        reporter.error("fi-0185", Span(file, at, at + 2))
        return -1
    close = at + 3
    while close < len(text) and text[close] not in '}"\r\n':
        if text[close] not in "0123456789abcdefABCDEF":
            reporter.error("fi-0004", Span(file, close, close + 1), text[close])
            return -1
        close += 1
    digits = close - at - 3
    span = Span(file, at, close + 1)
    if text[close : close + 1] != "}":
        reporter.error("fi-0186", Span(file, at, close))
    elif digits == 0:
        reporter.error("fi-0187", span)
    elif digits > _MAX_HEX_DIGITS:
        reporter.error("fi-0188", span)
    else:
        return close + 1
    return -1


def _check_code_points(file: SourceFile, start: int, end: int, reporter: Reporter) -> None:
    for found in re.finditer(r"\\\\|\\u\{([0-9A-Fa-f]+)\}", file.text[start:end]):
        digits = found[1]
        if digits is not None and int(digits, 16) > _MAX_CODE_POINT:
            span = Span(file, start + found.start(), start + found.end())
            reporter.error("fi-0189", span, digits)


def _skip_string(text: str, at: int) -> int:
    """Answer where a string that is wrong anyway ends: behind its quote, or at the line's end."""
    while at < len(text) and text[at] not in "\r\n":
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == '"':
            return at + 1
        at += 1
    return min(at, len(text))
