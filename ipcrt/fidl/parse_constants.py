"""Parsing attributes and constants, which stand in every other thing that is parsed."""

from __future__ import annotations

from ipcrt.fidl.ast import (
    Attribute,
    AttributeArg,
    BinaryOr,
    Constant,
    Literal,
    LiteralKind,
    Reference,
)
from ipcrt.fidl.cursor import Cursor
from ipcrt.fidl.lexer import Kind, Token


class ConstantParser(Cursor):
    """The part of the parser that knows attributes and constants."""

    # ---- attributes

    def parse_attributes(self) -> list[Attribute]:
        """Parse doc comments and attributes, in their order."""
        found: list[Attribute] = []
        while True:
            if self.sees_kind(Kind.DOC_COMMENT) and not found:
                found.append(self._doc_comment())
            elif self.sees("@"):
                found.append(self._attribute())
            else:
                return found

    def _doc_comment(self) -> Attribute:
        first = self.token
        lines: list[str] = []
        while self.sees_kind(Kind.DOC_COMMENT):
            token = self.take()
            if lines:
                self._check_doc_gap(token)
            lines.append(token.text[3:].rstrip("\r"))
        span = self.since(first.start)
        if self.at_end:
            self.report("fi-0028", span)
        text = "".join(line + "\n" for line in lines)
        return Attribute(span, "doc", span, [], doc=text)

    def _check_doc_gap(self, token: Token) -> None:
        gap = self.file.text[token.gap : token.start]
        comment = gap.rfind("//")
        if comment >= 0:
            self.report("fi-0026", self.span_of(token))
        if gap.count("\n", max(comment, 0)) > 1:
            self.report("fi-0027", self.span_of(token))

    def _attribute(self) -> Attribute:
        start = self.take().start
        name = self.expect_identifier("the attribute's name")
        args: list[AttributeArg] = []
        if self.sees("("):
            args = self.parse_attribute_args()
        return Attribute(self.since(start), name.name, name.span, args)

    def parse_attribute_args(self) -> list[AttributeArg]:
        """Parse `(value)` or `(name=value, ...)`."""
        opening = self.expect("(")
        if self.takes(")"):
            self.report("fi-0014", self.since(opening.start))
            return []
        args = [self._attribute_arg()]
        while self.takes(","):
            if args[0].name is not None and not self.sees_kind(Kind.IDENTIFIER):
                self.unexpected("an argument's name")
            args.append(self._attribute_arg())
        if len(args) == 1 and args[0].name is None and not self.sees(")"):
            self.fail("fi-0007", self.span_of(self.token), hint="')' should be here")
        self.expect(")")
        if len(args) > 1:
            for arg in args:
                if arg.name is None:
                    self.report("fi-0015", arg.span)
                    break
        return args

    def _attribute_arg(self) -> AttributeArg:
        start = self.token.start
        name = None
        if self.sees_kind(Kind.IDENTIFIER) and self.after.text == "=":
            name = self.expect_identifier()
            self.expect("=")
        value = self.parse_constant()
        if self.sees("="):
            self.fail("fi-0010", value.span, value.span.text)
        return AttributeArg(self.since(start), name, value)

    # ---- constants

    def parse_constant(self) -> Constant:
        """Parse a literal or a name, or several with `|` between them."""
        operands = [self._constant_operand()]
        while self.takes("|"):
            operands.append(self._constant_operand())
        return self._balanced(operands)

    def _balanced(self, operands: list[Constant]) -> Constant:
        """Join operands so that no chain of them makes a deep tree."""
        if len(operands) == 1:
            return operands[0]
        middle = len(operands) // 2
        left, right = self._balanced(operands[:middle]), self._balanced(operands[middle:])
        return BinaryOr(left.span.to(right.span), left, right)

    def _constant_operand(self) -> Constant:
        if self.takes("("):
            self.enter()
            try:
                inner = self.parse_constant()
            finally:
                self.leave()
            self.expect(")")
            return inner
        literal = self.parse_literal()
        if literal is not None:
            return literal
        if not self.sees_kind(Kind.IDENTIFIER):
            self.fail("fi-0007", self.span_of(self.token))
        name = self.expect_compound("a constant")
        return Reference(name.span, name)

    def parse_literal(self) -> Literal | None:
        """Parse a literal, where one comes."""
        token = self.token
        if token.kind is Kind.STRING:
            kind = LiteralKind.STRING
        elif token.kind is Kind.NUMBER:
            kind = LiteralKind.NUMERIC
        elif token.text in ("true", "false"):
            kind = LiteralKind.BOOL
        else:
            return None
        self.take()
        return Literal(self.span_of(token), kind, token.text)
