"""Which types may carry handles, and the declarations that must say so."""

from __future__ import annotations

from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import FieldLayout, Kind, NewType
from ipcrt.fidl.library import Library
from ipcrt.fidl.types import (
    ArrayType,
    BoxType,
    EndpointType,
    HandleType,
    IdentifierType,
    PointerType,
    Type,
    VectorType,
)


def is_resource(type_: Type) -> bool:
    """True for a type that may carry handles; layouts in it say so themselves."""
    while True:
        if isinstance(type_, HandleType | EndpointType):
            return True
        if isinstance(type_, ArrayType | VectorType):
            type_ = type_.element
        elif isinstance(type_, BoxType):
            type_ = type_.boxed
        elif isinstance(type_, PointerType):
            type_ = type_.pointee
        elif isinstance(type_, IdentifierType) and isinstance(type_.decl, NewType):
            if type_.decl.ctor.type is None:
                return False
            type_ = type_.decl.ctor.type
        else:
            decl = type_.decl if isinstance(type_, IdentifierType) else None
            return isinstance(decl, FieldLayout) and (
                decl.resource or any(found.name == "resource" for found in decl.modifiers)
            )


def check_resourceness(library: Library, reporter: Reporter) -> None:
    """Report members that may carry handles, in declarations that do not say `resource`."""
    for decl in library.decls:
        if not isinstance(decl, FieldLayout) or decl.resource or decl.kind is Kind.OVERLAY:
            continue
        for member in decl.members:
            type_ = member.ctor.type
            if type_ is not None and is_resource(type_):
                kind = decl.kind.value
                reporter.error(
                    "fi-0110", decl.span, kind, decl.name, member.name, member.span, kind, decl.name
                )
