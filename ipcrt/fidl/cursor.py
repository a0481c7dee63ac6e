"""The parser's hold on the tokens: look, take, expect, and find the way after a mistake.

1. A mistake is reported once, where it is; then `Recover` is raised. What the lexer reported is
   not reported again.
2. Whoever parses a list of things catches it, and goes on behind the next `;` or the closing
   brace of its own list: one run reports many mistakes.
3. Nesting is counted: a file that nests deeper than `MAX_NESTING` is refused, so no input can
   exhaust the stack.
"""

from __future__ import annotations

from typing import Final, NoReturn

from ipcrt.fidl.ast import Attribute, CompoundIdentifier, Identifier
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.lexer import Kind, Token
from ipcrt.fidl.source import SourceFile, Span

MAX_NESTING: Final = 64
"""How deep layouts, types and constants may nest."""

_OPENING: Final = {"(": ")", "[": "]", "{": "}"}
_CLOSING: Final = frozenset(_OPENING.values())


class Recover(Exception):
    """A mistake was reported; whoever parses the enclosing list goes on behind it."""


class Cursor:
    """Tokens of one file, and where we are."""

    def __init__(self, file: SourceFile, tokens: list[Token], reporter: Reporter) -> None:
        self.file = file
        self.reporter = reporter
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    # ---- looking

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._at]

    @property
    def after(self) -> Token:
        """The token behind the next one."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def peek(self, distance: int) -> Token:
        """The token `distance` behind the next one."""
        return self._tokens[min(self._at + distance, len(self._tokens) - 1)]

    def sees(self, text: str) -> bool:
        """True where the next token is that punctuation or word."""
        token = self._tokens[self._at]
        return token.text == text and token.kind is not Kind.STRING

    def sees_kind(self, kind: Kind) -> bool:
        """True where the next token is of that kind."""
        return self._tokens[self._at].kind is kind

    @property
    def at_end(self) -> bool:
        """True where no tokens are left."""
        return self._tokens[self._at].kind is Kind.END

    # ---- taking

    def take(self) -> Token:
        """Take the next token; the end stays where it is."""
        token = self._tokens[self._at]
        if token.kind is not Kind.END:
            self._at += 1
        return token

    def takes(self, text: str) -> bool:
        """Take the next token if it is that punctuation or word."""
        if not self.sees(text):
            return False
        self._at += 1
        return True

    def expect(self, text: str) -> Token:
        """Take that punctuation. Raises: Recover."""
        if not self.sees(text):
            self.unexpected(f"'{text}'")
        return self.take()

    def expect_word(self, word: str) -> Token:
        """Take that keyword. Raises: Recover."""
        if not self.sees(word):
            found = self.token.text[:40] or "the end of the file"
            self.fail("fi-0009", self.span_of(self.token), found, word)
        return self.take()

    def expect_semicolon(self) -> None:
        """Take the `;`; one that is missing is reported, and nothing is skipped for it.

        Raises: Recover: what stands there is no token at all.
        """
        if not self.takes(";"):
            if self.sees_kind(Kind.BAD):
                raise Recover
            self.report("fi-0008", self.span_of(self.token), self._found(), "';'")

    def expect_identifier(self, what: str = "an identifier") -> Identifier:
        """Take a name. Raises: Recover."""
        if not self.sees_kind(Kind.IDENTIFIER):
            self.unexpected(what)
        token = self.take()
        span = self.span_of(token)
        if token.text[0] == "_" or token.text[-1] == "_":
            self.fail("fi-0010", span, token.text)
        return Identifier(span, token.text)

    def expect_compound(self, what: str = "an identifier") -> CompoundIdentifier:
        """Take `a.b.c`. Raises: Recover."""
        parts = [self.expect_identifier(what)]
        while self.takes("."):
            parts.append(self.expect_identifier())
        return CompoundIdentifier(parts[0].span.to(parts[-1].span), parts)

    # ---- places

    def span_of(self, token: Token) -> Span:
        """Where a token stands."""
        return Span(self.file, token.start, token.start + len(token.text))

    def since(self, start: int) -> Span:
        """From an offset to the end of the token taken last."""
        return Span(self.file, start, self.token.gap)

    # ---- mistakes

    def report(self, id_: str, span: Span, *arguments: object, hint: str = "") -> None:
        """Report a mistake and go on as if it were none."""
        self.reporter.error(id_, span, *arguments, hint=hint)

    def fail(self, id_: str, span: Span, *arguments: object, hint: str = "") -> NoReturn:
        """Report a mistake. Raises: Recover, always."""
        if not self.sees_kind(Kind.BAD):
            self.reporter.error(id_, span, *arguments, hint=hint)
        raise Recover

    def unexpected(self, wanted: str) -> NoReturn:
        """Report the next token, in whose place `wanted` should be. Raises: Recover."""
        self.fail("fi-0008", self.span_of(self.token), self._found(), wanted)

    def _found(self) -> str:
        """How messages call the next token."""
        token = self.token
        return "the end of the file" if token.kind is Kind.END else f"'{token.text[:40]}'"

    def skip_member(self) -> None:
        """Go on behind the next `;` of this list, or stand before the brace that closes it."""
        depth = 0
        while not self.at_end:
            text = self.token.text if self.sees_kind(Kind.PUNCTUATION) else ""
            if text in _OPENING:
                depth += 1
            elif text in _CLOSING:
                if depth == 0:
                    if text == "}":
                        return
                else:
                    depth -= 1
            elif text == ";" and depth == 0:
                self.take()
                return
            self.take()

    def enter(self) -> None:
        """One level deeper. Raises: Recover: too deep."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            self._depth -= 1
            self.fail(
                "fi-0007",
                self.span_of(self.token),
                hint=f"types and constants may nest {MAX_NESTING} levels deep",
            )

    def leave(self) -> None:
        """Back up one level."""
        self._depth -= 1


def only_docs(attributes: list[Attribute]) -> bool:
    """True where nothing but doc comments is there."""
    return all(attribute.doc is not None for attribute in attributes)
