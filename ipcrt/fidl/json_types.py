"""The parts of the JSON IR that others are made of: places, constants, attributes, types."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ipcrt.fidl.canonical import lower_snake
from ipcrt.fidl.constants import Const, LiteralConst, RefConst, Value
from ipcrt.fidl.elements import Attr, Builtin, Element
from ipcrt.fidl.source import Span
from ipcrt.fidl.types import (
    MAX_SIZE,
    ArrayType,
    BoxType,
    EndpointType,
    HandleType,
    IdentifierType,
    InternalType,
    Invocation,
    PointerType,
    PrimitiveType,
    Shape,
    StringType,
    Type,
    TypeCtor,
    VectorType,
)

Json: TypeAlias = dict[str, Any]

_SUBTYPES: Final = {
    "none": "handle",
    "log": "debuglog",
    "pci_device": "pcidevice",
    "suspend_token": "suspendtoken",
}


def location(span: Span) -> Json:
    """A place: file, line, column, and characters."""
    line, column = span.file.position(span.start)
    return {
        "filename": span.file.name,
        "line": line,
        "column": column,
        "length": span.end - span.start,
    }


def shape_json(shape: Shape | None) -> Json:
    """A shape."""
    assert shape is not None
    return {
        "inline_size": shape.inline_size,
        "alignment": shape.alignment,
        "depth": shape.depth,
        "max_handles": shape.max_handles,
        "max_out_of_line": shape.max_out_of_line,
        "has_padding": shape.has_padding,
        "has_flexible_envelope": shape.has_flexible_envelope,
    }


# ---- constants


def _value_text(value: Value | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def constant(const: Const) -> Json:
    """A constant: what it is, what it came to, and how it was written."""
    text = const.span.text
    value = _value_text(const.value)
    if isinstance(const, LiteralConst):
        literal = {"kind": const.kind.value, "value": value, "expression": text}
        return {"kind": "literal", "value": value, "expression": text, "literal": literal}
    if isinstance(const, RefConst):
        name = _ref_name(const)
        return {"kind": "identifier", "value": value, "expression": text, "identifier": name}
    return {"kind": "binary_operator", "value": value, "expression": text}


def _ref_name(const: RefConst) -> str:
    target, decl = const.ref.target, const.ref.decl
    if target is None or decl is None or isinstance(target, Builtin):
        return f"fidl/{const.ref.text}"
    return decl.qualified if target is decl else f"{decl.qualified}.{target.name}"


# ---- attributes


def _attribute(attribute: Attr) -> Json:
    return {
        "name": lower_snake(attribute.name),
        "arguments": [
            {
                "name": arg.name,
                "type": _arg_type(arg.value.type),
                "value": constant(arg.value),
                "location": location(arg.span),
            }
            for arg in attribute.args
        ],
        "location": location(attribute.span),
    }


def _arg_type(type_: Type | None) -> str:
    return type_.subtype if isinstance(type_, PrimitiveType) else "string"


def attributes(element: Element) -> list[Json]:
    """An element's attributes."""
    return [_attribute(attribute) for attribute in element.attributes]


# ---- types


def type_json(ctor: TypeCtor) -> Json:
    """A type as it is used; its elements remember the aliases that they came from."""
    type_ = ctor.type
    assert type_ is not None
    source = ctor
    holds_others = isinstance(type_, ArrayType | VectorType)
    alias = ctor.invocation.alias if holds_others else None
    while alias is not None:
        source = alias.ctor
        alias = source.invocation.alias
    return bare_type(type_, source.invocation.element)


def bare_type(type_: Type, element: TypeCtor | None = None) -> Json:
    """A type; `element` is how its elements' type was written, where it was."""
    found = _type(type_, element)
    found["type_shape_v2"] = shape_json(type_.shape)
    return found


def _element(type_: Type, element: TypeCtor | None) -> Json:
    if element is None or element.type is None:
        return {"element_type": bare_type(type_)}
    found: Json = {"element_type": type_json(element)}
    if element.invocation.alias is not None:
        found["experimental_maybe_from_alias"] = from_alias(element.invocation)
    return found


def _type(type_: Type, element: TypeCtor | None) -> Json:
    if isinstance(type_, PrimitiveType):
        return {"kind_v2": "primitive", "subtype": type_.subtype}
    if isinstance(type_, IdentifierType):
        return _identifier(type_.decl.qualified, type_.nullable)
    if isinstance(type_, BoxType):
        assert isinstance(type_.boxed, IdentifierType)
        return _identifier(type_.boxed.decl.qualified, True)
    if isinstance(type_, StringType):
        return {"kind_v2": "string", **_bound(type_.size), "nullable": type_.nullable}
    if isinstance(type_, VectorType):
        found = {"kind_v2": "vector", **_element(type_.element, element)}
        return {**found, **_bound(type_.size), "nullable": type_.nullable}
    if isinstance(type_, ArrayType):
        inner = {} if type_.is_string else _element(type_.element, element)
        kind = "string_array" if type_.is_string else "array"
        return {"kind_v2": kind, **inner, "element_count": type_.count}
    if isinstance(type_, HandleType):
        return _handle(type_)
    if isinstance(type_, EndpointType):
        return _endpoint(type_)
    if isinstance(type_, PointerType):
        return {"kind_v2": "experimental_pointer", "pointee_type": bare_type(type_.pointee)}
    assert isinstance(type_, InternalType)
    return {"kind_v2": "internal", "subtype": "framework_error"}


def _identifier(name: str, nullable: bool) -> Json:
    return {"kind_v2": "identifier", "identifier": name, "nullable": nullable}


def _bound(size: int | None) -> Json:
    return {} if size is None or size == MAX_SIZE else {"maybe_element_count": size}


def _handle(type_: HandleType) -> Json:
    name = type_.subtype_name
    return {
        "kind_v2": "handle",
        "obj_type": type_.subtype,
        "subtype": _SUBTYPES.get(name, name),
        "rights": type_.rights,
        "nullable": type_.nullable,
        "resource_identifier": type_.resource.qualified,
    }


def _endpoint(type_: EndpointType) -> Json:
    assert type_.protocol is not None
    return {
        "kind_v2": "endpoint",
        "role": type_.role,
        "protocol": type_.protocol.qualified,
        "nullable": type_.nullable,
        "protocol_transport": type_.transport,
    }


# ---- aliases


def from_alias(invocation: Invocation) -> Json:
    """What an alias was given where it was used."""
    assert invocation.alias is not None
    found: Json = {
        "name": invocation.alias.qualified,
        "args": [],
        "nullable": invocation.nullable,
    }
    if invocation.size is not None:
        found["maybe_size"] = constant(invocation.size)
    return found


def partial_type(ctor: TypeCtor) -> Json:
    """What an alias stands for, in the words of the source."""
    type_, invocation = ctor.type, ctor.invocation
    name = ctor.layout.text
    args: list[Json] = []
    nullable = invocation.nullable
    if isinstance(type_, EndpointType) and type_.protocol is not None:
        name = type_.protocol.qualified if type_.role == "client" else "request"
        if type_.role == "server":
            args = [{"name": type_.protocol.qualified, "args": [], "nullable": False}]
    elif isinstance(type_, BoxType) and isinstance(type_.boxed, IdentifierType):
        name, nullable = type_.boxed.decl.qualified, True
        if invocation.boxed is not None:
            args = [partial_type(invocation.boxed)]
    elif type_ is not None:
        name = _partial_name(type_)
        if invocation.element is not None:
            args = [partial_type(invocation.element)]
    found: Json = {"name": name, "args": args, "nullable": nullable}
    if invocation.size is not None:
        found["maybe_size"] = constant(invocation.size)
    if invocation.rights is not None:
        found["handle_rights"] = constant(invocation.rights)
    return found


def _partial_name(type_: Type) -> str:
    if isinstance(type_, VectorType):
        return "vector"
    if isinstance(type_, ArrayType):
        return "string_array" if type_.is_string else "array"
    if isinstance(type_, StringType):
        return "string"
    if isinstance(type_, PointerType):
        return "experimental_pointer"
    return type_.name
