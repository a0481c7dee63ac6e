"""Constants given values: of the type that is wanted, or of their own."""

from __future__ import annotations

from ipcrt.fidl.ast import LiteralKind
from ipcrt.fidl.attribute_names import ArgType
from ipcrt.fidl.constants import Const, LiteralConst, OrConst, RefConst, Value
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import Builtin, ConstDecl, Decl, Kind, ValueLayout, ValueMember
from ipcrt.fidl.numbers import convert, parse_number, string_length, string_value
from ipcrt.fidl.types import (
    MAX_SIZE,
    IdentifierType,
    PrimitiveType,
    StringType,
    Type,
    UntypedNumeric,
)


def underlying(type_: Type) -> Type | None:
    """Answer the primitive under bits or an enum; any other type itself."""
    if isinstance(type_, IdentifierType) and isinstance(type_.decl, ValueLayout):
        return type_.decl.subtype.type
    return type_


def can_be_const(type_: Type) -> bool:
    """True for the types that a constant may have."""
    if isinstance(type_, StringType):
        return not type_.nullable
    if isinstance(type_, IdentifierType):
        return isinstance(type_.decl, ValueLayout)
    return isinstance(type_, PrimitiveType)


class Evaluator:
    """Gives constants values; what they refer to must have been checked."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.uint32 = PrimitiveType("uint32")
        self.bool = PrimitiveType("bool")
        self.string = StringType()

    # ---- entrances

    def evaluate(self, constant: Const, wanted: Type | None) -> bool:
        """Give a constant a value, once; answer whether it has one. Mistakes are reported."""
        if constant.tried:
            return constant.value is not None
        constant.tried = True
        if isinstance(constant, LiteralConst):
            return self._literal(constant, wanted)
        if isinstance(constant, RefConst):
            return self._reference(constant, wanted)
        return self._or(constant, wanted)

    def attribute_arg(self, constant: Const, wanted: ArgType | None) -> bool:
        """Give an attribute's argument a value: a string where that is wanted, else its own."""
        if wanted is not None:
            return self.evaluate(constant, self.string)
        if isinstance(constant, OrConst):
            return False
        if isinstance(constant, LiteralConst) and constant.kind is LiteralKind.NUMERIC:
            constant.tried, constant.value = True, 0
            constant.type = UntypedNumeric()
            return True
        return self.evaluate(constant, None)

    def size(self, constant: Const) -> int | None:
        """Answer a size or bound; None where it is none."""
        if isinstance(constant, RefConst):
            target = constant.ref.target
            if isinstance(target, Builtin) and target.name == "MAX":
                constant.tried, constant.value, constant.type = True, MAX_SIZE, self.uint32
        if not self.evaluate(constant, self.uint32):
            return None
        value = constant.value
        return value if isinstance(value, int) else None

    # ---- literals

    def _literal(self, constant: LiteralConst, wanted: Type | None) -> bool:
        own = self._own_type(constant)
        type_ = own if wanted is None else wanted
        if not self._converts(own, type_):
            return self._cannot(constant, constant.text, own, type_)
        if constant.kind is LiteralKind.BOOL:
            constant.value, constant.type = constant.text == "true", self.bool
        elif constant.kind is LiteralKind.STRING:
            text = string_value(constant.text) if constant.doc is None else constant.doc
            constant.value, constant.type = text, self.string
        else:
            return self._number(constant, type_, own)
        return True

    def _own_type(self, constant: LiteralConst) -> Type:
        if constant.kind is LiteralKind.BOOL:
            return self.bool
        if constant.kind is LiteralKind.NUMERIC:
            return UntypedNumeric()
        if constant.doc is not None:
            return self.string
        return StringType(string_length(string_value(constant.text)))

    def _number(self, constant: LiteralConst, type_: Type, own: Type) -> bool:
        primitive = underlying(type_)
        if not isinstance(primitive, PrimitiveType) or primitive.subtype == "bool":
            return False
        value = parse_number(constant.text, primitive.subtype)
        if value is None:
            self.reporter.error("fi-0066", constant.span, constant.text, primitive.subtype)
            return False
        if primitive is not type_ and value != 0:
            return self._cannot(constant, constant.text, own, type_)
        constant.value, constant.type = value, type_
        return True

    def _converts(self, own: Type, wanted: Type) -> bool:
        if isinstance(wanted, StringType):
            if not isinstance(own, StringType) or (own.nullable and not wanted.nullable):
                return False
            mine = MAX_SIZE if own.size is None else own.size
            return mine <= (MAX_SIZE if wanted.size is None else wanted.size)
        if isinstance(wanted, PrimitiveType):
            if isinstance(own, UntypedNumeric):
                return wanted.subtype != "bool"
            if not isinstance(own, PrimitiveType):
                return False
            return (own.subtype == "bool") == (wanted.subtype == "bool")
        if isinstance(wanted, IdentifierType):
            return wanted.decl.kind is Kind.BITS and isinstance(own, UntypedNumeric)
        return isinstance(wanted, UntypedNumeric) and isinstance(own, UntypedNumeric)

    def _cannot(self, constant: Const, text: str, own: Type, wanted: Type) -> bool:
        self.reporter.error("fi-0065", constant.span, text, own.name, wanted.name)
        return False

    # ---- references

    def _reference(self, constant: RefConst, wanted: Type | None) -> bool:
        target, decl = constant.ref.target, constant.ref.decl
        if target is None or decl is None:
            return False
        source: Type | None
        if isinstance(target, Builtin):
            return False
        if isinstance(target, ConstDecl):
            source, value = target.ctor.type, target.value.value
        elif isinstance(target, ValueMember) and isinstance(decl, ValueLayout):
            source, value = decl.subtype.type, target.value.value
        else:
            self.reporter.error("fi-0063", constant.span, decl.qualified)
            return False
        if value is None or source is None:
            return False
        return self._take(constant, source, value, wanted or source, decl)

    def _take(
        self, constant: RefConst, source: Type, value: Value, wanted: Type, decl: Decl
    ) -> bool:
        """Give a constant the value of another, if that is a value of the type wanted."""
        primitive = wanted
        if isinstance(wanted, IdentifierType):
            found = underlying(wanted)
            if found is None:
                return False
            primitive = found
            if not self._same_decl(constant, source, wanted, decl):
                return False
        taken = self._convert(source, value, primitive)
        if taken is None:
            return self._cannot(constant, constant.ref.text, source, wanted)
        constant.value, constant.type = taken, wanted
        return True

    def _same_decl(
        self, constant: RefConst, source: Type, wanted: IdentifierType, decl: Decl
    ) -> bool:
        """True where a value belongs to just the bits or enum that is wanted."""
        theirs: Decl | None = decl
        if isinstance(decl, ConstDecl):
            theirs = source.decl if isinstance(source, IdentifierType) else None
        if theirs is wanted.decl:
            return True
        name = source.name if theirs is None else theirs.qualified
        self.reporter.error("fi-0064", constant.span, wanted.name, name)
        return False

    def _convert(self, source: Type, value: Value, wanted: Type) -> Value | None:
        if isinstance(wanted, StringType):
            return value if self._converts(source, wanted) else None
        if not isinstance(wanted, PrimitiveType) or isinstance(value, str):
            return None
        if (wanted.subtype == "bool") != isinstance(value, bool):
            return None
        return value if isinstance(value, bool) else convert(value, wanted.subtype)

    # ---- or

    def _or(self, constant: OrConst, wanted: Type | None) -> bool:
        if wanted is None:
            return False
        if not self.evaluate(constant.left, wanted) or not self.evaluate(constant.right, wanted):
            return False
        primitive = underlying(wanted)
        if not isinstance(primitive, PrimitiveType):
            self.reporter.error("fi-0061", constant.span)
            return False
        left, right = constant.left.value, constant.right.value
        if not isinstance(left, int) or not isinstance(right, int) or primitive.subtype == "bool":
            return False
        if left < 0 or right < 0:
            return False
        value = convert(left | right, primitive.subtype)
        constant.value, constant.type = value, wanted
        return value is not None
