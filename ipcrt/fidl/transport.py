"""Transports: which handles and endpoints may travel over which."""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import Decl, FieldLayout, Method, NewType, Protocol
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
from ipcrt.fidl.typing_rules import transport_of

_CARRIES: Final = {
    "Channel": frozenset(("zircon",)),
    "Driver": frozenset(("zircon", "driver")),
    "Banjo": frozenset(("zircon", "banjo")),
    "Syscall": frozenset(("zircon",)),
}
"""The classes of handles that each transport carries."""
_CLASS_OF_ENDS: Final = {"Channel": "zircon", "Driver": "driver", "Banjo": "banjo"}


def check_transports(library: Library, reporter: Reporter) -> None:
    """Report what a protocol's methods send that its transport does not carry."""
    for decl in library.decls:
        if isinstance(decl, Protocol) and transport_of(decl) in _CARRIES:
            check = _Check(decl, reporter)
            for method in decl.methods:
                check.method(method)


class _Check:
    def __init__(self, protocol: Protocol, reporter: Reporter) -> None:
        self._protocol = protocol
        self._transport = transport_of(protocol)
        self._carries = _CARRIES[self._transport]
        self._reporter = reporter
        self._seen: set[Decl] = set()

    def method(self, method: Method) -> None:
        """Look at whatever a method sends, each declaration once for a protocol."""
        waiting = [ctor.type for ctor in (method.request, method.response) if ctor is not None]
        while waiting:
            type_ = waiting.pop()
            if type_ is not None:
                waiting += self._look(type_, method)

    def _look(self, type_: Type, method: Method) -> list[Type | None]:
        """Check one type; answer those in it."""
        if isinstance(type_, ArrayType | VectorType):
            return [type_.element]
        if isinstance(type_, PointerType):
            return [type_.pointee]
        if isinstance(type_, BoxType):
            return [type_.boxed]
        if isinstance(type_, IdentifierType):
            return self._open(type_.decl)
        if isinstance(type_, HandleType):
            self._check_handle(type_, method)
        elif isinstance(type_, EndpointType):
            ends = _CLASS_OF_ENDS.get(type_.transport)
            if ends not in self._carries:
                self._report("fi-0118", method, type_.transport)
        return []

    def _open(self, decl: Decl) -> list[Type | None]:
        if decl in self._seen:
            return []
        self._seen.add(decl)
        if isinstance(decl, FieldLayout):
            return [member.ctor.type for member in reversed(decl.members)]
        return [decl.ctor.type] if isinstance(decl, NewType) else []

    def _check_handle(self, type_: HandleType, method: Method) -> None:
        resource = type_.resource
        known = {"zx/Handle": "zircon", "fdf/handle": "driver"}.get(resource.qualified)
        if known is None or known not in self._carries:
            self._report("fi-0117", method, resource.qualified.replace("/", "."))

    def _report(self, id_: str, method: Method, what: str) -> None:
        name = f"protocol '{self._protocol.name}'"
        self._reporter.error(id_, method.span, what, self._transport, name)
