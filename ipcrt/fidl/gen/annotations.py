"""FIDL types as Python annotations: with bounds for members, without for signatures.

`hidden` names what the class around the annotation defines itself: a builtin among them is
written `builtins.list`, or the method `list` would stand in its place.
"""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.gen import names
from ipcrt.fidl.gen.imports import Imports
from ipcrt.fidl.gen.ir import Ir, Json, library_of

_UNBOUNDED: Final = (1 << 32) - 1
_SAME_RIGHTS: Final = 1 << 31

_SCALARS: Final = {
    **{f"{sign}int{bits}": "int" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "usize64": "int",
    "uintptr64": "int",
    "uchar": "int",
    "float32": "float",
    "float64": "float",
    "bool": "bool",
}
_BOUNDED: Final = {
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "usize64": "uint64",
    "uintptr64": "uint64",
    "uchar": "uint8",
    "float32": "float32",
}
_OBJECTS: Final = {
    "channel": "Channel",
    "event": "Event",
    "eventpair": "EventPair",
    "fifo": "Fifo",
    "process": "Process",
    "socket": "Socket",
    "timer": "Timer",
    "vmo": "Vmo",
}
_RIGHTS: Final = (
    ("DUPLICATE", 1 << 0),
    ("TRANSFER", 1 << 1),
    ("READ", 1 << 2),
    ("WRITE", 1 << 3),
    ("EXECUTE", 1 << 4),
    ("MAP", 1 << 5),
    ("GET_PROPERTY", 1 << 6),
    ("SET_PROPERTY", 1 << 7),
    ("DESTROY", 1 << 9),
    ("SIGNAL", 1 << 12),
    ("SIGNAL_PEER", 1 << 13),
    ("WAIT", 1 << 14),
    ("INSPECT", 1 << 15),
)
NOTHING_HIDDEN: Final[frozenset[str]] = frozenset()


class Annotations:
    """Writes annotations and imports what they need."""

    def __init__(self, ir: Ir, named: dict[str, str], imports: Imports, prefix: str) -> None:
        self._ir = ir
        self._named = named
        self._imports = imports
        self._prefix = prefix

    def named(self, identifier: str) -> str:
        """Answer how a declared type is called here."""
        library, name = library_of(identifier), self._named[identifier]
        if library == self._ir.name:
            return name
        module = names.module(library)
        if self._ir.is_provided(library):
            return f"{self._imports.name('ipcrt.bindings', module)}.{name}"
        if self._prefix:
            return f"{self._imports.name(self._prefix, module)}.{name}"
        return f"{self._imports.module(module)}.{name}"

    def bare(self, type_: Json, hidden: frozenset[str] = NOTHING_HIDDEN) -> str:
        """Answer the annotation of a parameter."""
        return self._optional(type_, self._write(type_, hidden, bounded=False))

    def bounded(
        self, member: Json, hidden: frozenset[str] = NOTHING_HIDDEN, *, is_optional: bool = False
    ) -> str:
        """Answer the annotation of a member, by its alias where it has one."""
        text = self._alias(member, hidden) or self._element(member["type"], hidden)
        return f"{text} | None" if is_optional else text

    def _element(self, type_: Json, hidden: frozenset[str]) -> str:
        return self._optional(type_, self._write(type_, hidden, bounded=True))

    @staticmethod
    def _optional(type_: Json, text: str) -> str:
        return f"{text} | None" if type_.get("nullable") else text

    def _alias(self, member: Json, hidden: frozenset[str]) -> str | None:
        """Answer the alias that a member was declared with, where it says all there is to say."""
        used: Json | None = member.get("experimental_maybe_from_alias")
        if used is None or used["args"] or not self._ir.is_local(used["name"]):
            return None
        alias = self._ir.find(used["name"])
        if alias is None:
            return None
        meant, is_meant = _essence(member["type"]), _essence(alias["type"])
        name = self._named[used["name"]]
        if meant == is_meant:
            return name
        if meant == {**is_meant, "nullable": True}:
            return f"{name} | None"
        return None

    def _write(self, type_: Json, hidden: frozenset[str], *, bounded: bool) -> str:
        kind: str = type_["kind_v2"]
        if kind == "primitive":
            return self._primitive(type_["subtype"], hidden, bounded=bounded)
        if kind in ("string", "string_array"):
            count = type_.get("maybe_element_count", type_.get("element_count"))
            return self._bound(self._builtin("str", hidden), None, count, bounded=bounded)
        if kind in ("vector", "array"):
            return self._sequence(type_, hidden, bounded=bounded)
        if kind == "identifier":
            return self.named(type_["identifier"])
        if kind == "endpoint":
            return self._end(type_)
        if kind == "handle":
            return self._handle(type_, bounded=bounded)
        if kind == "experimental_pointer":
            return self._write(type_["pointee_type"], hidden, bounded=bounded)
        raise ValueError(f"a type of kind {kind} has no Python form")

    def _primitive(self, subtype: str, hidden: frozenset[str], *, bounded: bool) -> str:
        if bounded and subtype in _BOUNDED:
            return self._imports.name("ipcrt.bindings.scalars", _BOUNDED[subtype].capitalize())
        return self._builtin(_SCALARS[subtype], hidden)

    def _sequence(self, type_: Json, hidden: frozenset[str], *, bounded: bool) -> str:
        element: Json = type_["element_type"]
        is_array = type_["kind_v2"] == "array"
        count: int | None = type_.get("element_count" if is_array else "maybe_element_count")
        if not is_array and element.get("subtype") == "uint8" and element["kind_v2"] == "primitive":
            return self._bound(self._builtin("bytes", hidden), None, count, bounded=bounded)
        inner = self._item(type_, hidden) if bounded else self.bare(element, hidden)
        text = f"{self._builtin('list', hidden)}[{inner}]"
        return self._bound(text, count if is_array else None, count, bounded=bounded)

    def _item(self, type_: Json, hidden: frozenset[str]) -> str:
        """Answer a vector's element; the IR notes the element's alias at the vector."""
        member = {**type_, "type": type_["element_type"]}
        return self._alias(member, hidden) or self._element(type_["element_type"], hidden)

    def _bound(self, text: str, least: int | None, most: int | None, *, bounded: bool) -> str:
        if not bounded or most is None or most >= _UNBOUNDED:
            return text
        annotated = self._imports.name("typing", "Annotated")
        meta = self._imports.name("msgspec", "Meta")
        minimum = "" if least is None else f"min_length={least}, "
        return f"{annotated}[{text}, {meta}({minimum}max_length={most})]"

    def _builtin(self, name: str, hidden: frozenset[str]) -> str:
        return f"{self._imports.module('builtins')}.{name}" if name in hidden else name

    def _end(self, type_: Json) -> str:
        end = "ClientEnd" if type_["role"] == "client" else "ServerEnd"
        protocol = self.named(type_["protocol"])
        return f"{self._imports.name('ipcrt.bindings.ends', end)}[{protocol}]"

    def _handle(self, type_: Json, *, bounded: bool) -> str:
        name = _OBJECTS.get(type_["subtype"], "Handle")
        text = self._imports.name(f"ipcrt.objects.{name.lower()}", name)
        rights: int = type_["rights"]
        known = [label for label, bit in _RIGHTS if rights & bit]
        if not bounded or rights & _SAME_RIGHTS or not known:
            return text
        annotated = self._imports.name("typing", "Annotated")
        needs = self._imports.name("ipcrt.bindings.needs", "needs")
        flags = self._imports.name("ipcrt.objects.rights", "Rights")
        return f"{annotated}[{text}, {needs}({' | '.join(f'{flags}.{n}' for n in known)})]"


def _essence(type_: Json) -> Json:
    """Answer what two equal types have in common."""
    ignored = ("type_shape_v2", "experimental_maybe_from_alias")
    essence = {key: value for key, value in type_.items() if key not in ignored}
    if "element_type" in essence:
        essence["element_type"] = _essence(essence["element_type"])
    return essence
