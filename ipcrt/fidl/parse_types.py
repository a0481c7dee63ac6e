"""Parsing what stands inside declarations: attributes, constants, types, layouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from ipcrt.fidl.ast import (
    Attribute,
    AttributeArg,
    BinaryOr,
    CompoundIdentifier,
    Constant,
    Layout,
    LayoutKind,
    Literal,
    LiteralKind,
    Modifier,
    OrdinalMember,
    Parameter,
    Reference,
    StructMember,
    TypeConstructor,
    ValueMember,
)
from ipcrt.fidl.cursor import Cursor, Recover
from ipcrt.fidl.lexer import Kind, Token

MemberT = TypeVar("MemberT")

_LAYOUTS: Final = {kind.value: kind for kind in LayoutKind}
_MODIFIERS: Final = frozenset(("strict", "flexible", "resource"))
_EXCLUSIVE: Final = (
    frozenset(("strict", "flexible")),
    frozenset(("open", "ajar", "closed")),
)
MAX_ORDINAL: Final = (1 << 32) - 1


class TypeParser(Cursor):
    """The part of the parser that knows types."""

    # ---- attributes

    def parse_attributes(self) -> list[Attribute]:
        """Parse doc comments and attributes, in their order."""
        found: list[Attribute] = []
        while True:
            if self.sees_kind(Kind.DOC_COMMENT):
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
        if "//" in gap:
            self.report("fi-0026", self.span_of(token))
        elif gap.count("\n") > 1:
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
            args.append(self._attribute_arg())
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
        return AttributeArg(self.since(start), name, value)

    # ---- constants

    def parse_constant(self) -> Constant:
        """Parse a literal or a name, or several with `|` between them."""
        start = self.token.start
        left = self._constant_operand()
        while self.takes("|"):
            right = self._constant_operand()
            left = BinaryOr(self.since(start), left, right)
        return left

    def _constant_operand(self) -> Constant:
        if self.takes("("):
            self.enter()
            try:
                inner = self.parse_constant()
            finally:
                self.leave()
            self.expect(")")
            return inner
        literal = self._literal()
        if literal is not None:
            return literal
        name = self.expect_compound("a constant")
        return Reference(name.span, name)

    def _literal(self) -> Literal | None:
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

    # ---- types

    def parse_type(self, attributes: list[Attribute] | None = None) -> TypeConstructor:
        """Parse a type as it is used, or a layout in its place.

        `attributes` are those that stood before the layout, where some may.
        """
        self.enter()
        try:
            return self._type(attributes or [])
        finally:
            self.leave()

    def _type(self, attributes: list[Attribute]) -> TypeConstructor:
        start = self.token.start
        layout: CompoundIdentifier | Layout
        own = self.parse_attributes()
        layout_attributes = attributes + own
        if self._sees_layout():
            layout = self._layout(layout_attributes)
        else:
            if own:
                self.report("fi-0022", own[0].span)
            layout = self.expect_compound("a type")
        parameters: list[Parameter] = []
        parameters_span = constraints_span = None
        if self.sees("<"):
            opening = self.take().start
            parameters = self._separated(self._parameter, ">")
            parameters_span = self.since(opening)
        constraints: list[Constant] = []
        if self.takes(":"):
            opening = self.token.start
            if self.takes("<"):
                constraints = self._separated(self.parse_constant, ">")
            else:
                constraints = [self.parse_constant()]
            constraints_span = self.since(opening)
        return TypeConstructor(
            self.since(start), layout, parameters, parameters_span, constraints, constraints_span
        )

    def _separated(self, parse: Callable[[], MemberT], closing: str) -> list[MemberT]:
        found = [parse()]
        while self.takes(","):
            found.append(parse())
        self.expect(closing)
        return found

    def _parameter(self) -> Parameter:
        if self.sees("("):
            return self._constant_parameter()
        literal = self._literal()
        if literal is None:
            parsed = self.parse_type()
            if not self.sees("|"):
                return parsed
            if isinstance(parsed.layout, Layout) or parsed.parameters or parsed.constraints:
                self.unexpected("',' or '>'")
            first: Constant = Reference(parsed.span, parsed.layout)
        else:
            if not self.sees("|"):
                return literal
            first = literal
        while self.takes("|"):
            first = BinaryOr(self.since(first.span.start), first, self._constant_operand())
        assert isinstance(first, BinaryOr)
        return first

    def _constant_parameter(self) -> Parameter:
        constant = self.parse_constant()
        if isinstance(constant, Reference):
            return TypeConstructor(constant.span, constant.name, [], None, [], None)
        return constant

    # ---- layouts

    def _sees_layout(self) -> bool:
        """True where a layout follows: its kind, behind its modifiers, with a body to come."""
        if not self.sees_kind(Kind.IDENTIFIER):
            return False
        text, after = self.token.text, self.after
        if text in _MODIFIERS:
            return after.kind is Kind.IDENTIFIER or self._modifies()
        return text in _LAYOUTS and after.text in ("{", ":")

    def parse_modifiers(self, known: frozenset[str]) -> list[Modifier]:
        """Parse modifiers while they come, each once, without contradictions."""
        found: list[Modifier] = []
        while self.token.text in known and self._modifies():
            token = self.take()
            modifier = Modifier(self.span_of(token), token.text)
            if self.sees("("):
                start = self.token.start
                args = self.parse_attribute_args()
                span = self.since(start)
                modifier.availability = Attribute(span, "available", span, args)
            found.append(modifier)
        return found

    def _modifies(self) -> bool:
        """True where the word is a modifier, not the name of what it stands before."""
        if self.after.text == "(":
            return self.peek(2).kind is Kind.IDENTIFIER and self.peek(3).text == "="
        return self.after.kind is Kind.IDENTIFIER or self.after.text == "->"

    def _layout(self, attributes: list[Attribute]) -> Layout:
        start = self.token.start
        modifiers = self.parse_modifiers(_MODIFIERS)
        if self.token.text not in _LAYOUTS:
            self.fail("fi-0012", self.span_of(self.token))
        kind = _LAYOUTS[self.take().text]
        subtype = None
        if self.takes(":"):
            subtype = self.parse_type()
            if isinstance(subtype.layout, Layout):
                self.report("fi-0013", subtype.span)
            elif kind not in (LayoutKind.BITS, LayoutKind.ENUM):
                self.report("fi-0031", subtype.span, kind.value)
        parse: Callable[[], ValueMember] | Callable[[], StructMember] | Callable[[], OrdinalMember]
        if kind in (LayoutKind.BITS, LayoutKind.ENUM):
            parse = self._value_member
        elif kind is LayoutKind.STRUCT:
            parse = self.parse_struct_member
        else:
            parse = self._ordinal_member
        members = self.parse_members(parse)
        return Layout(self.since(start), attributes, modifiers, kind, subtype, members)  # type: ignore[arg-type]

    def parse_members(self, parse: Callable[[], MemberT]) -> list[MemberT]:
        """Parse `{ member; member; }`; a member with a mistake is left out."""
        self.expect("{")
        found: list[MemberT] = []
        while not self.sees("}") and not self.at_end:
            before = self.token.start
            try:
                found.append(parse())
                self.expect(";")
            except Recover:
                self.skip_member()
                if self.token.start == before:
                    break
        self.expect("}")
        return found

    def _value_member(self) -> ValueMember:
        start = self.token.start
        attributes = self.parse_attributes()
        name = self.expect_identifier("a member's name")
        self.expect("=")
        value = self.parse_constant()
        return ValueMember(self.since(start), attributes, name, value)

    def parse_struct_member(self) -> StructMember:
        """Parse `name type = default`."""
        start = self.token.start
        attributes = self.parse_attributes()
        name = self.expect_identifier("a member's name")
        type_ = self.parse_type()
        default = self.parse_constant() if self.takes("=") else None
        return StructMember(self.since(start), attributes, name, type_, default)

    def _ordinal_member(self) -> OrdinalMember:
        start = self.token.start
        attributes = self.parse_attributes()
        if not self.sees_kind(Kind.NUMBER):
            self.fail("fi-0016", self.span_of(self.token))
        token = self.take()
        self._check_ordinal(token)
        ordinal = Literal(self.span_of(token), LiteralKind.NUMERIC, token.text)
        self.expect(":")
        if self.sees("reserved") and self.after.text == ";":
            self.fail("fi-0209", self.span_of(self.token))
        name = self.expect_identifier("a member's name")
        type_ = self.parse_type()
        return OrdinalMember(self.since(start), attributes, ordinal, name, type_)

    def _check_ordinal(self, token: Token) -> None:
        try:
            value = int(token.text, 0)
        except ValueError:
            value = -1
        if value == 0:
            self.fail("fi-0018", self.span_of(token))
        if not 0 < value <= MAX_ORDINAL:
            self.fail("fi-0017", self.span_of(token))

    def check_modifiers(self, modifiers: list[Modifier]) -> None:
        """Report modifiers that come twice or contradict each other, without availability."""
        for index, modifier in enumerate(modifiers):
            for other in modifiers[:index]:
                if other.availability is not None and modifier.availability is not None:
                    continue
                if other.name == modifier.name:
                    self.report("fi-0032", modifier.span, modifier.name)
                elif any({other.name, modifier.name} <= group for group in _EXCLUSIVE):
                    self.report("fi-0033", modifier.span, modifier.name, other.name)
