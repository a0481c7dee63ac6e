"""The libraries that a reader of a library's IR needs, and the structs of theirs that it sends."""

from __future__ import annotations

from collections.abc import Iterator

from ipcrt.fidl.constants import Const, RefConst
from ipcrt.fidl.elements import Decl, FieldLayout, Kind, Protocol
from ipcrt.fidl.library import Library, Session
from ipcrt.fidl.references import constants, refs_of, type_ctors
from ipcrt.fidl.types import IdentifierType, Type, TypeCtor


def needed_libraries(library: Library, decls: list[Decl], session: Session) -> list[Library]:
    """Answer the other libraries that declarations refer to, by name.

    A protocol also needs those of its composed methods' payloads and of structs among them.
    """
    names: set[str] = set()
    for decl in decls:
        names.update(_names(decl))
    names -= {library.name, session.root.name}
    return [session.libraries[name] for name in sorted(names)]


def _names(decl: Decl) -> Iterator[str]:
    if isinstance(decl, Protocol):
        yield from _protocol_names(decl)
        return
    for element in (decl, *decl.each_member()):
        for ctor in type_ctors(element):
            yield from _type_names(ctor)
        for constant in constants(element):
            yield from _constant_names(constant)


def _protocol_names(decl: Protocol) -> Iterator[str]:
    for composed in decl.composed:
        if composed.ref.decl is not None:
            yield composed.ref.decl.library
    for info in decl.all_methods:
        yield info.owner.library
        for ctor in _payloads(info.method.request, info.method.response):
            yield from _payload_names(ctor)


def _payloads(*ctors: TypeCtor | None) -> Iterator[TypeCtor]:
    """Payloads, and what is in a result union."""
    for ctor in ctors:
        if ctor is None:
            continue
        union = _layout_of(ctor.type)
        if union is not None and union.provenance == "result":
            for member in union.members:
                yield member.ctor
        else:
            yield ctor


def _layout_of(type_: Type | None) -> FieldLayout | None:
    if isinstance(type_, IdentifierType) and isinstance(type_.decl, FieldLayout):
        return type_.decl
    return None


def _payload_names(ctor: TypeCtor) -> Iterator[str]:
    yield from _type_names(ctor)
    struct = _layout_of(ctor.type)
    if struct is not None and struct.kind is Kind.STRUCT:
        yield from _names(struct)


def _type_names(ctor: TypeCtor) -> Iterator[str]:
    yield ctor.layout.library
    invocation = ctor.invocation
    for constant in (invocation.size, invocation.protocol):
        if constant is not None:
            yield from _constant_names(constant)
    for inner in (invocation.element, invocation.boxed):
        if inner is not None:
            yield from _type_names(inner)


def _constant_names(constant: Const) -> Iterator[str]:
    if isinstance(constant, RefConst) and constant.ref.decl is not None:
        yield constant.ref.decl.library
        return
    for ref in refs_of(constant):
        if ref.decl is not None:
            yield ref.decl.library


def external_structs(library: Library, protocols: list[Decl]) -> list[Decl]:
    """Answer the structs of other libraries that protocols' methods send, by name."""
    found: dict[str, Decl] = {}
    for protocol in protocols:
        if not isinstance(protocol, Protocol):
            continue
        for info in protocol.all_methods:
            for ctor in _payloads(info.method.request, info.method.response):
                struct = _layout_of(ctor.type)
                if struct is None or struct.kind is not Kind.STRUCT:
                    continue
                if struct.library != library.name:
                    found[struct.qualified] = struct
    return [found[name] for name in sorted(found)]
