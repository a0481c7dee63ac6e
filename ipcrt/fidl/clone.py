"""A declaration as it is in one piece of its time: a copy, nothing in it resolved or compiled."""

from __future__ import annotations

from typing import TypeVar

from ipcrt.fidl.constants import Const
from ipcrt.fidl.elements import (
    Alias,
    Arg,
    Attr,
    Compose,
    ConstDecl,
    Decl,
    Element,
    FieldLayout,
    FieldMember,
    Method,
    Modifier,
    NewType,
    Protocol,
    Resource,
    Service,
    ValueLayout,
    ValueMember,
)
from ipcrt.fidl.types import TypeCtor
from ipcrt.fidl.versions import Range, overlap

ElementT = TypeVar("ElementT", bound=Element)


def clone(decl: Decl, piece: Range) -> Decl:
    """Copy a declaration with what of it exists in `piece`."""
    copy = _copy(decl, piece)
    copy.context, copy.provenance = decl.context, decl.provenance
    return _finish(copy, decl, piece)


def _copy(decl: Decl, piece: Range) -> Decl:
    kind, name, span, library = decl.kind, decl.name, decl.span, decl.library
    if isinstance(decl, ValueLayout):
        values = [_value(member, piece) for member in _within(decl.members, piece)]
        return ValueLayout(kind, name, span, [], library, decl.subtype.copy(), values)
    if isinstance(decl, FieldLayout):
        return FieldLayout(kind, name, span, [], library, _fields(decl.members, piece))
    if isinstance(decl, Service):
        return Service(kind, name, span, [], library, _fields(decl.members, piece))
    if isinstance(decl, Resource):
        members = _fields(decl.members, piece)
        return Resource(kind, name, span, [], library, decl.subtype.copy(), members)
    if isinstance(decl, Alias):
        return Alias(kind, name, span, [], library, decl.ctor.copy())
    if isinstance(decl, NewType):
        return NewType(kind, name, span, [], library, decl.ctor.copy())
    if isinstance(decl, ConstDecl):
        return ConstDecl(kind, name, span, [], library, decl.ctor.copy(), decl.value.copy())
    assert isinstance(decl, Protocol)
    composed = [_compose(member, piece) for member in _within(decl.composed, piece)]
    methods = [_method(member, piece) for member in _within(decl.methods, piece)]
    return Protocol(kind, name, span, [], library, composed, methods)


def _within(elements: list[ElementT], piece: Range) -> list[ElementT]:
    return [
        element
        for element in elements
        if any(overlap(found, piece) for found in element.availability.ranges)
    ]


def _finish(copy: ElementT, original: Element, piece: Range) -> ElementT:
    copy.attributes = [_attribute(attribute) for attribute in original.attributes]
    copy.availability = original.availability.narrowed(piece)
    copy.modifiers = [
        _finish(Modifier(found.kind, found.name, found.span, []), found, piece)
        for found in _within(original.modifiers, piece)
    ]
    return copy


def _attribute(attribute: Attr) -> Attr:
    if attribute.compiled:
        return attribute
    args = [Arg(arg.span, arg.name, arg.name_span, arg.value.copy()) for arg in attribute.args]
    return Attr(attribute.span, attribute.name, attribute.name_span, args, attribute.is_doc)


def _value(member: ValueMember, piece: Range) -> ValueMember:
    copy = ValueMember(member.kind, member.name, member.span, [], member.value.copy())
    return _finish(copy, member, piece)


def _fields(members: list[FieldMember], piece: Range) -> list[FieldMember]:
    return [_field(member, piece) for member in _within(members, piece)]


def _field(member: FieldMember, piece: Range) -> FieldMember:
    default: Const | None = None if member.default is None else member.default.copy()
    copy = FieldMember(
        member.kind,
        member.name,
        member.span,
        [],
        member.ctor.copy(),
        member.ordinal,
        member.ordinal_span,
        default,
    )
    return _finish(copy, member, piece)


def _compose(member: Compose, piece: Range) -> Compose:
    copy = Compose(member.kind, member.name, member.span, [], member.ref.copy())
    return _finish(copy, member, piece)


def _method(member: Method, piece: Range) -> Method:
    copy = Method(
        member.kind,
        member.name,
        member.span,
        [],
        member.method_kind,
        _type(member.request),
        _type(member.response),
        member.result,
        member.has_error,
    )
    return _finish(copy, member, piece)


def _type(ctor: TypeCtor | None) -> TypeCtor | None:
    return None if ctor is None else ctor.copy()
