"""The JSON IR: a compiled library as other tools read it, keys in their published order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ipcrt.fidl import json_types as parts
from ipcrt.fidl.attributes import string_arg
from ipcrt.fidl.dependencies import external_structs, needed_libraries
from ipcrt.fidl.elements import (
    Alias,
    ConstDecl,
    Decl,
    Element,
    FieldLayout,
    FieldMember,
    Kind,
    MethodInfo,
    NewType,
    Protocol,
    Resource,
    Service,
    ValueLayout,
    ValueMember,
)
from ipcrt.fidl.json_types import Json
from ipcrt.fidl.library import FLAGS, Library, Session
from ipcrt.fidl.types import PrimitiveType, TypeCtor
from ipcrt.fidl.verify import locations
from ipcrt.fidl.versions import UNVERSIONED, version_name

_LISTS = {
    Kind.BITS: "bits",
    Kind.CONST: "const",
    Kind.ENUM: "enum",
    Kind.RESOURCE: "experimental_resource",
    Kind.PROTOCOL: "protocol",
    Kind.SERVICE: "service",
    Kind.STRUCT: "struct",
    Kind.TABLE: "table",
    Kind.UNION: "union",
    Kind.OVERLAY: "overlay",
    Kind.ALIAS: "alias",
    Kind.NEW_TYPE: "new_type",
}


def generate(library: Library, session: Session) -> str:
    """Answer the IR of a compiled library, for the versions that the session selects."""
    plain = library_json(library, session)
    try:
        return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n"
    except UnicodeEncodeError:
        # A string may hold half of a surrogate pair; only the slow encoder takes that.
        return json.dumps(plain, indent=2) + "\n"


def selected(library: Library, session: Session) -> list[Decl]:
    """Answer the declarations that exist at the selected version, in declaration order."""
    version = session.selection.lookup(library.platform or UNVERSIONED)
    return [
        decl
        for decl in library.order
        if decl.availability.added <= version < decl.availability.removed
    ]


def library_json(library: Library, session: Session) -> Json:
    """Answer the IR as plain values."""
    order = selected(library, session)
    by_kind: dict[Kind, list[Decl]] = {kind: [] for kind in _LISTS}
    for decl in sorted(order, key=lambda decl: decl.name):
        by_kind[decl.kind].append(decl)
    found: Json = {
        "name": library.name,
        "platform": library.platform,
        "available": {
            platform: [version_name(version) for version in versions]
            for platform, versions in sorted(session.selection.platforms.items())
        },
    }
    found["experiments"] = sorted(flag for flag in FLAGS if flag in session.flags)
    found["library_dependencies"] = [
        {"name": other.name, "declarations": _external(other, session)}
        for other in needed_libraries(library, order, session)
    ]
    for kind, word in _LISTS.items():
        if kind is Kind.OVERLAY and "zx_c_types" not in session.flags:
            continue
        found[f"{word}_declarations"] = [_declaration(decl) for decl in by_kind[kind]]
        if kind is Kind.STRUCT:
            structs = external_structs(library, by_kind[Kind.PROTOCOL])
            found["external_struct_declarations"] = [_declaration(decl) for decl in structs]
    found["declaration_order"] = [decl.qualified for decl in order]
    found["declarations"] = {
        decl.qualified: word for kind, word in _LISTS.items() for decl in by_kind[kind]
    }
    if library.attributes:
        found["maybe_attributes"] = parts.attributes(library.element)
    return found


def _external(library: Library, session: Session) -> Json:
    """What others need to know of a library's declarations."""
    decls = sorted(selected(library, session), key=lambda decl: decl.name)
    return {
        decl.qualified: _external_one(decl, word)
        for kind, word in _LISTS.items()
        for decl in decls
        if decl.kind is kind
    }


def _external_one(decl: Decl, word: str) -> Json:
    found: Json = {"kind": word}
    if decl.shape is not None:
        found["type_shape_v2"] = parts.shape_json(decl.shape)
    if isinstance(decl, FieldLayout):
        found["resource"] = decl.resource
    return found


# ---- declarations


def _declaration(decl: Decl) -> Json:
    if isinstance(decl, ValueLayout):
        return _bits(decl) if decl.kind is Kind.BITS else _enum(decl)
    if isinstance(decl, FieldLayout):
        return _FIELD_LAYOUTS[decl.kind](decl)
    head = {"name": decl.qualified, **_place(decl)}
    if isinstance(decl, ConstDecl):
        tail = {**_type(decl.ctor), "value": parts.constant(decl.value)}
        return {**head, **_attributes(decl), **_alias_last(tail)}
    if isinstance(decl, Protocol):
        return {**head, **_attributes(decl), **_protocol(decl)}
    if isinstance(decl, Service):
        return {**head, "members": _each(decl.members, _typed_member), **_attributes(decl)}
    if isinstance(decl, Resource):
        members = _each(decl.members, _property)
        return {**head, **_attributes(decl), **_type(decl.subtype), "properties": members}
    if isinstance(decl, NewType):
        return {**head, **_attributes(decl), **_type(decl.ctor)}
    assert isinstance(decl, Alias)
    partial = parts.partial_type(decl.ctor)
    return {**head, **_attributes(decl), "partial_type_ctor": partial, **_type(decl.ctor)}


def _each(elements: Iterable[Any], make: Callable[[Any], Json]) -> list[Json]:
    return [make(element) for element in elements]


def _place(element: Element) -> Json:
    deprecated = element.availability.is_deprecated
    return {"location": parts.location(element.span), "deprecated": deprecated}


def _attributes(element: Element) -> Json:
    return {"maybe_attributes": parts.attributes(element)} if element.attributes else {}


def _named(decl: Decl) -> Json:
    context = [decl.name] if decl.context is None else decl.context.path
    return {"name": decl.qualified, "naming_context": context, **_place(decl)}


def _type(ctor: TypeCtor) -> Json:
    found: Json = {"type": parts.type_json(ctor)}
    if ctor.invocation.alias is not None:
        found["experimental_maybe_from_alias"] = parts.from_alias(ctor.invocation)
    return found


def _alias_last(found: Json) -> Json:
    alias = found.pop("experimental_maybe_from_alias", None)
    return found if alias is None else {**found, "experimental_maybe_from_alias": alias}


def _value_member(member: ValueMember) -> Json:
    value = parts.constant(member.value)
    return {"name": member.name, **_place(member), "value": value, **_attributes(member)}


def _bits(decl: ValueLayout) -> Json:
    return {
        **_named(decl),
        **_attributes(decl),
        **_type(decl.subtype),
        "mask": str(decl.mask),
        "members": _each(decl.members, _value_member),
        "strict": decl.strict,
    }


def _enum(decl: ValueLayout) -> Json:
    type_ = decl.subtype.type
    assert isinstance(type_, PrimitiveType)
    found = {**_named(decl), **_attributes(decl), "type": type_.subtype}
    if decl.subtype.invocation.alias is not None:
        found["experimental_maybe_from_alias"] = parts.from_alias(decl.subtype.invocation)
    found["members"] = _each(decl.members, _value_member)
    found["strict"] = decl.strict
    if not decl.strict:
        found["maybe_unknown_value"] = decl.unknown
    return found


def _struct(decl: FieldLayout) -> Json:
    return {
        **_named(decl),
        "members": _each(decl.members, _struct_member),
        "resource": decl.resource,
        "is_empty_success_struct": decl.provenance == "empty success",
        "type_shape_v2": parts.shape_json(decl.shape),
        **_attributes(decl),
    }


def _struct_member(member: FieldMember) -> Json:
    type_ = _type(member.ctor)
    found = {"type": type_.pop("type"), "name": member.name, **_place(member)}
    found["field_shape_v2"] = {"offset": member.offset, "padding": member.padding}
    found |= {**_attributes(member), **type_}
    if member.default is not None:
        found["maybe_default_value"] = parts.constant(member.default)
    return found


def _table(decl: FieldLayout) -> Json:
    return {
        **_named(decl),
        **_attributes(decl),
        "members": _each(decl.members, _table_member),
        "strict": False,
        "resource": decl.resource,
        "type_shape_v2": parts.shape_json(decl.shape),
    }


def _table_member(member: FieldMember) -> Json:
    head = {"ordinal": member.ordinal, **_type(member.ctor), "name": member.name}
    return {**head, **_place(member), **_attributes(member)}


def _union(decl: FieldLayout) -> Json:
    return {
        **_named(decl),
        "members": _each(decl.members, _union_member),
        "strict": decl.strict,
        "resource": decl.resource,
        "is_result": decl.provenance == "result",
        "type_shape_v2": parts.shape_json(decl.shape),
        **_attributes(decl),
    }


def _union_member(member: FieldMember) -> Json:
    type_ = _type(member.ctor)
    head = {"ordinal": member.ordinal, "name": member.name, "type": type_.pop("type")}
    return {**head, **_place(member), **_attributes(member), **type_}


def _overlay(decl: FieldLayout) -> Json:
    found = _union(decl)
    del found["is_result"]
    return found


_FIELD_LAYOUTS: dict[Kind, Callable[[FieldLayout], Json]] = {
    Kind.STRUCT: _struct,
    Kind.TABLE: _table,
    Kind.UNION: _union,
    Kind.OVERLAY: _overlay,
}


def _typed_member(member: FieldMember) -> Json:
    type_ = _type(member.ctor)
    found = {"type": type_.pop("type"), "name": member.name, **_place(member)}
    return {**found, **_attributes(member), **type_}


def _property(member: FieldMember) -> Json:
    return {"name": member.name, **_place(member), **_type(member.ctor), **_attributes(member)}


# ---- protocols


def _protocol(decl: Protocol) -> Json:
    found: Json = {
        "openness": decl.openness,
        "composed_protocols": [
            {
                "name": composed.ref.decl.qualified if composed.ref.decl else "",
                **_place(composed),
                **_attributes(composed),
            }
            for composed in decl.composed
        ],
        "methods": _each(decl.all_methods, _method),
    }
    attribute = decl.attribute("discoverable")
    sides = {side: string_arg(attribute, side) for side in ("client", "server")}
    if any(sides.values()):
        found["implementation_locations"] = {
            side: ["platform", "external"] if arg is None else locations(arg[0])
            for side, arg in sides.items()
        }
    return found


def _method(info: MethodInfo) -> Json:
    method = info.method
    found: Json = {
        "kind": method.method_kind,
        "ordinal": method.ordinal,
        "name": method.name,
        "strict": method.strict,
        **_place(method),
        "has_request": method.method_kind != "event",
        **_attributes(method),
    }
    if method.request is not None:
        found["maybe_request_payload"] = parts.type_json(method.request)
    found["has_response"] = method.method_kind != "oneway"
    found["is_composed"] = info.composed is not None
    found["has_error"] = method.has_error
    if method.response is not None:
        found["maybe_response_payload"] = parts.type_json(method.response)
    if method.success is not None:
        found["maybe_response_success_type"] = parts.type_json(method.success)
    if method.error is not None:
        found["maybe_response_err_type"] = parts.type_json(method.error)
    return found
