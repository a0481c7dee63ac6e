"""Parsing types and layouts, wherever they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from ipcrt.fidl.ast import (
    Attribute,
    CompoundIdentifier,
    Constant,
    Layout,
    LayoutKind,
    Literal,
    LiteralKind,
    Modifier,
    OrdinalMember,
    Parameter,
    StructMember,
    TypeConstructor,
    ValueMember,
)
from ipcrt.fidl.cursor import Recover
from ipcrt.fidl.lexer import Kind, Token
from ipcrt.fidl.numbers import parse_integer
from ipcrt.fidl.parse_constants import ConstantParser
from ipcrt.fidl.source import Span

MemberT = TypeVar("MemberT")

_LAYOUTS: Final = {kind.value: kind for kind in LayoutKind}
_MODIFIERS: Final = frozenset(("strict", "flexible", "resource"))
_STRICTNESS: Final = frozenset(("strict", "flexible"))
_RESOURCE: Final = frozenset(("resource",))
_ALLOWED: Final = {
    LayoutKind.BITS: _STRICTNESS,
    LayoutKind.ENUM: _STRICTNESS,
    LayoutKind.STRUCT: _RESOURCE,
    LayoutKind.TABLE: _RESOURCE,
    LayoutKind.UNION: _MODIFIERS,
    LayoutKind.OVERLAY: _MODIFIERS,
}
_IN_SUBTYPE: Final = (Kind.IDENTIFIER, Kind.NUMBER, Kind.STRING)
MAX_ORDINAL: Final = (1 << 32) - 1


class TypeParser(ConstantParser):
    """The part of the parser that knows types."""

    flags: frozenset[str] = frozenset()
    """The experiments that are enabled."""

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
        own = self.parse_attributes()
        layout: CompoundIdentifier | Layout
        modifiers = self.parse_modifiers(_MODIFIERS) if self._sees_modifier() else []
        if self._sees_layout():
            layout = self._layout(start, attributes + own, modifiers)
        else:
            layout = self._named(attributes + own, modifiers)
        parameters: list[Parameter] = []
        parameters_span = None
        if self.sees("<"):
            opening = self.take().start
            parameters = self._separated(self._parameter, ">")
            parameters_span = self.since(opening)
        constraints, constraints_span = self._constraints()
        return TypeConstructor(
            self.since(start), layout, parameters, parameters_span, constraints, constraints_span
        )

    def _named(self, own: list[Attribute], modifiers: list[Modifier]) -> CompoundIdentifier:
        """Parse the name of a type; neither attributes nor modifiers go with one."""
        name = self.expect_compound("a type")
        if self.sees("{"):
            self.fail("fi-0012", name.span)
        for modifier in modifiers:
            self.report("fi-0030", modifier.span, modifier.name, f"'{name.text}'")
        if own:
            self.report("fi-0022", own[0].span)
        return name

    def _constraints(self) -> tuple[list[Constant], Span | None]:
        if not self.takes(":"):
            return [], None
        opening = self.token.start
        if self.takes("<"):
            constraints = self._separated(self.parse_constant, ">")
        else:
            constraints = [self.parse_constant()]
        span = self.since(opening)
        if self.sees(":"):
            self.fail("fi-0163", self.span_of(self.token))
        return constraints, span

    def _separated(self, parse: Callable[[], MemberT], closing: str) -> list[MemberT]:
        found = [parse()]
        while self.takes(","):
            found.append(parse())
        self.expect(closing)
        return found

    def _parameter(self) -> Parameter:
        literal = self.parse_literal()
        return self.parse_type() if literal is None else literal

    # ---- layouts

    def _sees_modifier(self) -> bool:
        """True where a modifier follows, and not a type that is called like one."""
        if self.token.text not in _MODIFIERS or not self.sees_kind(Kind.IDENTIFIER):
            return False
        return self.after.kind is Kind.IDENTIFIER or self.after.text == "("

    def _sees_layout(self) -> bool:
        """True where a layout follows: its kind, with a body to come."""
        if self.token.text not in _LAYOUTS or not self.sees_kind(Kind.IDENTIFIER):
            return False
        if self.token.text == "overlay" and "zx_c_types" not in self.flags:
            return False
        if self.after.text != ":":
            return self.after.text == "{"
        distance = 2
        while self.peek(distance).kind in _IN_SUBTYPE or self.peek(distance).text == ".":
            distance += 1
        return self.peek(distance).text == "{"

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
        if self.token.kind is not Kind.IDENTIFIER:
            return False
        if self.after.text == "(":
            return self.peek(2).kind is Kind.IDENTIFIER and self.peek(3).text == "="
        return self.after.kind is Kind.IDENTIFIER or self.after.text == "->"

    def _layout(self, start: int, attributes: list[Attribute], modifiers: list[Modifier]) -> Layout:
        token = self.take()
        kind = _LAYOUTS[token.text]
        for modifier in modifiers:
            if modifier.name not in _ALLOWED[kind]:
                self.report("fi-0030", modifier.span, modifier.name, kind.value)
        subtype = self._subtype(kind, token) if self.takes(":") else None
        members = self._layout_members(kind)
        return Layout(self.since(start), attributes, modifiers, kind, subtype, members)

    def _subtype(self, kind: LayoutKind, token: Token) -> TypeConstructor | None:
        if not self.sees_kind(Kind.IDENTIFIER) or self.token.text in ("true", "false"):
            self.report("fi-0013", self.parse_constant().span)
            return None
        name = self.expect_compound("the type of the values")
        if kind not in (LayoutKind.BITS, LayoutKind.ENUM):
            self.fail("fi-0031", self.span_of(token), kind.value)
        return TypeConstructor(name.span, name, [], None, [], None)

    def _layout_members(
        self, kind: LayoutKind
    ) -> list[ValueMember] | list[StructMember] | list[OrdinalMember]:
        if kind in (LayoutKind.BITS, LayoutKind.ENUM):
            return self.parse_members(self._value_member)
        if kind is LayoutKind.STRUCT:
            return self.parse_members(self._struct_member)
        return self.parse_members(self._ordinal_member)

    def parse_members(self, parse: Callable[[], MemberT]) -> list[MemberT]:
        """Parse `{ member; member; }`; a member with a mistake is left out."""
        self.expect("{")
        found: list[MemberT] = []
        while not self.sees("}") and not self.at_end:
            before = self.token.start
            try:
                found.append(parse())
                self.expect_semicolon()
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

    def parse_field(self) -> StructMember:
        """Parse `name type`, of which no value is given."""
        start = self.token.start
        attributes = self.parse_attributes()
        name = self.expect_identifier("a member's name")
        return StructMember(self.since(start), attributes, name, self.parse_type(), None)

    def _struct_member(self) -> StructMember:
        """Parse `name type = default`."""
        start = self.token.start
        field = self.parse_field()
        if not self.takes("="):
            return field
        default = self.parse_constant()
        return StructMember(self.since(start), field.attributes, field.name, field.type, default)

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
        value = parse_integer(token.text)
        if value == 0:
            self.fail("fi-0018", self.span_of(token))
        if value is None or not 0 < value <= MAX_ORDINAL:
            self.fail("fi-0017", self.span_of(token))
