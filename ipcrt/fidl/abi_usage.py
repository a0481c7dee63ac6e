"""Which side reads values of each type: servers read requests, clients read answers and events.

A type that no protocol of its library carries may be carried by another library's: both may read.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipcrt.fidl.abi_change import Side
from ipcrt.fidl.abi_ir import AnyDeclaration, Library, Protocol, Struct, Table, Type, Union


class Usage:
    """Who reads what, in one version of a library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._declarations = library.declarations()
        self._readers: dict[str, Side] = {}
        for declaration in library.protocol_declarations:
            self._protocol(declaration)

    def readers(self, name: str) -> Side:
        """Answer who reads the type of that local name."""
        return self._readers.get(name) or Side.BOTH

    def _protocol(self, protocol: Protocol) -> None:
        for method in protocol.methods:
            self._mark(method.maybe_request_payload, Side.SERVER)
            for answer in (
                method.maybe_response_payload,
                method.maybe_response_success_type,
                method.maybe_response_err_type,
            ):
                self._mark(answer, Side.CLIENT)

    def _mark(self, type_: Type | None, side: Side) -> None:
        waiting = list(_identifiers(type_)) if type_ is not None else []
        while waiting:
            name = self._library.local(waiting.pop())
            known = self._readers.get(name, Side.NONE)
            if side in known:
                continue
            self._readers[name] = known | side
            declaration = self._declarations.get(name)
            if declaration is not None:
                for inner in _types(declaration):
                    waiting += _identifiers(inner)


def _identifiers(type_: Type) -> Iterator[str]:
    inner: Type | None = type_
    while inner is not None:
        if inner.identifier:
            yield inner.identifier
        inner = inner.element_type


def _types(declaration: AnyDeclaration) -> list[Type]:
    if isinstance(declaration, Struct | Table | Union):
        return [member.type for member in declaration.members]
    return []
