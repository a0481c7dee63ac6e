"""Sample values of generated types, made from the IR alone: a second opinion on the back end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from ipcrt.bindings.ends import create_endpoints
from ipcrt.fidl.gen.ir import Ir, Json
from ipcrt.fidl.gen.module_scope import Module
from ipcrt.fidl.gen.names import constant, member
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.fifo import Fifo
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from ipcrt.objects.socket import Socket
from ipcrt.objects.timer import Timer
from ipcrt.objects.vmo import Vmo

_DEEP: Final = 4
"""Where a sample ends: what may be absent is, from here on."""
_LONG: Final = 2
"""Elements of a vector, bytes of a string, where the contract allows as many."""

_SINGLE: Final[Mapping[str, Callable[[], Handle]]] = {
    "event": Event.create,
    "process": lambda: Process.open(os.getpid()),
    "timer": Timer.create,
    "vmo": lambda: Vmo.create(4096),
}
_PAIRED: Final[Mapping[str, Callable[[], tuple[Handle, Handle]]]] = {
    "channel": Channel.create,
    "eventpair": EventPair.create,
    "fifo": lambda: Fifo.create(4, 16),
    "socket": Socket.create,
}


class Samples:
    """Makes values of the types of some libraries; the handles in them are the caller's."""

    def __init__(self, irs: Mapping[str, Json], modules: Mapping[str, Any]) -> None:
        """`irs` and `modules` are by the library's name."""
        self._modules = modules
        self._scopes = {name: Module(Ir(ir), "") for name, ir in irs.items()}

    def type_of(self, name: str) -> Any:
        """Answer what `library/Name` is in Python."""
        library = name.partition("/")[0]
        return getattr(self._modules[library], self._scopes[library].named[name])

    def value(self, name: str, depth: int = 0) -> Any:
        """Answer a value of `library/Name`."""
        scope = self._scopes[name.partition("/")[0]]
        decl, kind = scope.ir.find(name), scope.ir.kinds[name]
        assert decl is not None
        if kind in ("alias", "new_type"):
            return self._of(decl["type"], depth)
        if kind in ("enum", "bits"):
            return self._number(name, decl)
        members: list[Json] = decl["members"]
        if kind == "struct":
            return self.type_of(name)(*(self._of(each["type"], depth + 1) for each in members))
        if kind == "table":
            chosen = [] if depth > _DEEP else members
            given = {member(each["name"]): self._of(each["type"], depth + 1) for each in chosen}
            return self.type_of(name)(**given)
        variant = scope.variants[name][members[0]["ordinal"]]
        made = getattr(self._modules[name.partition("/")[0]], variant)
        return made(self._of(members[0]["type"], depth + 1))

    def _number(self, name: str, decl: Json) -> Any:
        if not decl["members"]:
            return 1
        last = decl["members"][-1]
        found = getattr(self.type_of(name), constant(last["name"]))
        assert int(found) == int(last["value"]["value"])
        return found

    def _of(self, type_: Json, depth: int) -> Any:
        kind: str = type_["kind_v2"]
        if type_.get("nullable") and depth > _DEEP:
            return None
        if kind == "primitive":
            return _primitive(type_["subtype"])
        if kind in ("string", "string_array"):
            bound: int = type_.get("maybe_element_count") or type_.get("element_count", _LONG)
            return "x" * min(bound, _LONG)
        if kind in ("vector", "array"):
            return self._sequence(type_, depth)
        if kind == "endpoint":
            return self._end(type_)
        if kind == "handle":
            return _handle(type_["subtype"])
        return self.value(type_["identifier"], depth)

    def _sequence(self, type_: Json, depth: int) -> Any:
        element: Json = type_["element_type"]
        if type_["kind_v2"] == "array":
            return [self._of(element, depth + 1) for _ in range(type_["element_count"])]
        count = 0 if depth > _DEEP else min(type_.get("maybe_element_count", _LONG), _LONG)
        if element.get("subtype") == "uint8" and element["kind_v2"] == "primitive":
            return b"\xff" * count
        return [self._of(element, depth + 1) for _ in range(count)]

    def _end(self, type_: Json) -> Any:
        client, server = create_endpoints(self.type_of(type_["protocol"]))
        kept, dropped = (client, server) if type_["role"] == "client" else (server, client)
        dropped.close()
        return kept


def _primitive(subtype: str) -> bool | int | float:
    if subtype == "bool":
        return True
    if subtype.startswith("float"):
        return -1.5
    if subtype.startswith("int"):
        return -1 << (int(subtype.removeprefix("int")) - 1)
    bits = subtype.removeprefix("u").removeprefix("int").removeprefix("size")
    return (1 << int(bits)) - 1 if bits.isdigit() else 255


def _handle(subtype: str) -> Handle:
    if subtype in _PAIRED:
        kept, dropped = _PAIRED[subtype]()
        dropped.close()
        return kept
    return _SINGLE.get(subtype, Event.create)()
