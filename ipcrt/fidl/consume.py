"""From the parser's trees to one library's elements: names given, nothing looked up yet."""

from __future__ import annotations

from ipcrt.fidl import ast
from ipcrt.fidl.attribute_names import typo_of
from ipcrt.fidl.attributes import override_name
from ipcrt.fidl.canonical import canonical
from ipcrt.fidl.constants import Const, LiteralConst, OrConst, Ref, RefConst
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import (
    MEMBER_KINDS,
    Arg,
    Attr,
    Decl,
    FieldLayout,
    FieldMember,
    Kind,
    Modifier,
    ValueLayout,
    ValueMember,
)
from ipcrt.fidl.library import Library, Session
from ipcrt.fidl.naming import NamingContext
from ipcrt.fidl.numbers import parse_integer
from ipcrt.fidl.source import Span
from ipcrt.fidl.types import Param, TypeCtor

_VALUE_KINDS = {ast.LayoutKind.BITS: Kind.BITS, ast.LayoutKind.ENUM: Kind.ENUM}


class Consumer:
    """Turns what may stand inside declarations into elements of `library`."""

    def __init__(self, library: Library, session: Session, reporter: Reporter) -> None:
        self.library = library
        self.session = session
        self.reporter = reporter

    # ---- declarations

    def register(self, decl: Decl) -> None:
        """Add a declaration to the library; report where an import has its name."""
        self.library.insert(decl)
        imports = self.library.imports.get(decl.span.file)
        if not imports:
            return
        if decl.name in imports:
            self.reporter.error("fi-0038", decl.span, decl.name)
        elif canonical(decl.name) in imports:
            self.reporter.error("fi-0039", decl.span, decl.name, canonical(decl.name))

    def synthetic(self, decl: Decl, span: Span) -> TypeCtor:
        """Answer a type that refers to a declaration which the source does not name."""
        ref = Ref(span, (decl.name,), synthetic=True, library=decl.library, name=decl.name)
        ref.target = decl
        return TypeCtor(span, ref, [], None, [], None)

    # ---- attributes and modifiers

    def attributes(self, raw: list[ast.Attribute]) -> list[Attr]:
        """Take attributes over; warn of names that are nearly official ones."""
        return [self._attribute(attribute) for attribute in raw] if raw else []

    def _attribute(self, raw: ast.Attribute) -> Attr:
        if raw.doc is not None:
            literal = LiteralConst(raw.span, ast.LiteralKind.STRING, raw.span.text, raw.doc)
            arg = Arg(raw.span, None, None, literal)
            return Attr(raw.span, "doc", raw.name_span, [arg], is_doc=True)
        args = [
            Arg(
                arg.span,
                None if arg.name is None else arg.name.name,
                None if arg.name is None else arg.name.span,
                self.constant(arg.value),
            )
            for arg in raw.args
        ]
        for official in typo_of(raw.name):
            self.reporter.error("fi-0145", raw.span, raw.name, official)
        return Attr(raw.span, raw.name, raw.name_span, args)

    def modifiers(self, raw: list[ast.Modifier]) -> list[Modifier]:
        """Take modifiers over."""
        return [
            Modifier(
                Kind.MODIFIER,
                modifier.name,
                modifier.span,
                [] if modifier.availability is None else [self._attribute(modifier.availability)],
            )
            for modifier in raw
        ]

    # ---- constants and types

    def constant(self, raw: ast.Constant) -> Const:
        """Take a constant over."""
        if isinstance(raw, ast.Literal):
            return LiteralConst(raw.span, raw.kind, raw.text)
        if isinstance(raw, ast.Reference):
            return RefConst(raw.span, self.ref(raw.name))
        return OrConst(raw.span, self.constant(raw.left), self.constant(raw.right))

    def ref(self, raw: ast.CompoundIdentifier) -> Ref:
        """Take a name over."""
        return Ref(raw.span, tuple(part.name for part in raw.parts))

    def type(self, raw: ast.TypeConstructor, context: NamingContext) -> TypeCtor:
        """Take a type over; a layout in its place becomes a declaration named by `context`."""
        if isinstance(raw.layout, ast.Layout):
            decl = self.layout(raw.layout, raw.layout.attributes, context)
            layout = self.synthetic(decl, raw.span).layout
        else:
            layout = self.ref(raw.layout)
        return TypeCtor(
            raw.span,
            layout,
            [self._parameter(parameter, context) for parameter in raw.parameters],
            raw.parameters_span,
            [self.constant(constraint) for constraint in raw.constraints],
            raw.constraints_span,
        )

    def _parameter(self, raw: ast.Parameter, context: NamingContext) -> Param:
        if isinstance(raw, ast.Literal):
            return Param(raw.span, literal=LiteralConst(raw.span, raw.kind, raw.text))
        ctor = self.type(raw, context)
        if ctor.layout.synthetic or ctor.parameters_span or ctor.constraints_span:
            return Param(raw.span, ctor=ctor)
        return Param(raw.span, ctor=ctor, constant=RefConst(raw.span, ctor.layout))

    # ---- layouts

    def layout(
        self, raw: ast.Layout, attributes: list[ast.Attribute], context: NamingContext
    ) -> Decl:
        """Take a layout over as a declaration."""
        span = raw.span if context.span is None else context.span
        kind = Kind(raw.kind.value)
        own = self.attributes(attributes)
        decl: Decl
        if raw.kind in _VALUE_KINDS:
            decl = self._value_layout(raw, kind, span, own, context)
        else:
            decl = self._field_layout(raw, kind, span, own, context)
        decl.modifiers = self.modifiers(raw.modifiers)
        if context.parent is not None:
            decl.context = context
            override_name(decl, self.reporter)
        self.register(decl)
        return decl

    def _value_layout(
        self, raw: ast.Layout, kind: Kind, span: Span, own: list[Attr], context: NamingContext
    ) -> ValueLayout:
        members = [
            ValueMember(
                MEMBER_KINDS[kind],
                member.name.name,
                member.name.span,
                self.attributes(member.attributes),
                self.constant(member.value),
            )
            for member in raw.members
            if isinstance(member, ast.ValueMember)
        ]
        if raw.subtype is not None:
            subtype = self.type(raw.subtype, context)
        else:
            subtype = self.synthetic(self.session.builtin("uint32"), span)
        return ValueLayout(kind, context.flattened, span, own, self.library.name, subtype, members)

    def _field_layout(
        self, raw: ast.Layout, kind: Kind, span: Span, own: list[Attr], context: NamingContext
    ) -> FieldLayout:
        members: list[FieldMember] = []
        for member in raw.members:
            if isinstance(member, ast.StructMember):
                members.append(self.field(member, MEMBER_KINDS[kind], context))
                found = members[-1]
                if found.default is not None and not found.attribute(
                    "allow_deprecated_struct_defaults"
                ):
                    self.reporter.error("fi-0050", member.span)
            elif isinstance(member, ast.OrdinalMember):
                members.append(self._ordinal_field(member, MEMBER_KINDS[kind], context))
        return FieldLayout(kind, context.flattened, span, own, self.library.name, members)

    def field(self, raw: ast.StructMember, kind: Kind, context: NamingContext) -> FieldMember:
        """Take a member over that has a type and perhaps a default."""
        return FieldMember(
            kind,
            raw.name.name,
            raw.name.span,
            self.attributes(raw.attributes),
            self.type(raw.type, context.member(raw.name.name)),
            default=None if raw.default is None else self.constant(raw.default),
        )

    def _ordinal_field(
        self, raw: ast.OrdinalMember, kind: Kind, context: NamingContext
    ) -> FieldMember:
        return FieldMember(
            kind,
            raw.name.name,
            raw.name.span,
            self.attributes(raw.attributes),
            self.type(raw.type, context.member(raw.name.name)),
            parse_integer(raw.ordinal.text) or 0,
            raw.ordinal.span,
        )
