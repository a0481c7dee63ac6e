"""Values: what a person gave, read by the types of a contract.

A struct is given by its members, a table by those that are there, a union by the one that it is; a
list in JSON; a VMO or an open file as @PATH. What may be absent may be left out, or be null. All
members go by their FIDL names. What comes out is within its bounds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

from msgspec import NODEFAULT, inspect

from ipcrt.bindings.ends import ClientEnd, ProtocolEnd, ServerEnd
from ipcrt.bindings.plain import is_list, is_map
from ipcrt.bindings.table import Table, members_of
from ipcrt.bindings.union import UnknownVariant, Variant
from ipcrt.cli.complaint import Misused
from ipcrt.cli.leaves import Word, read_bits, read_json, read_leaf, unfit
from ipcrt.cli.members import fidl_name, find_member, variant_name
from ipcrt.errors import from_oserror
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo

Tree: TypeAlias = dict[str, Any]

_WHOLE = "payload"
"""What the request itself is called where it has no members of its own name."""


class Reader:
    """Reads values by their types; whoever calls it owns what it opened."""

    def __init__(self, *, makes_ends: bool = False) -> None:
        """`makes_ends`: a server end may be given as `-`, for one of a new channel."""
        self._makes_ends = makes_ends
        self.opened: list[Handle | ProtocolEnd[Any]] = []
        """What stands in the values."""
        self.clients: list[Channel] = []
        """The other ends of the channels that were made."""

    def read(self, info: inspect.Type, value: Any, path: str = "") -> Any:
        """Answer `value` as one of the type `info`. Raises: Misused; IpcError: no such file."""
        if isinstance(info, inspect.Metadata) and isinstance(info.type, inspect.CustomType):
            return self.read(info.type, value, path)
        if isinstance(info, inspect.UnionType):
            return self._choice(info, value, path)
        if isinstance(info, inspect.StructType):
            is_variant = issubclass(info.cls, Variant)
            return (
                self._union([info], value, path) if is_variant else self._struct(info, value, path)
            )
        if isinstance(info, inspect.CustomType):
            return self._custom(info.cls, value, path)
        if isinstance(info, inspect.ListType):
            return self._list(info, value, path)
        return read_leaf(info, value, path or _WHOLE)

    def _choice(self, info: inspect.UnionType, value: Any, path: str) -> Any:
        """Read a union, or what may be absent."""
        present = [each for each in info.types if not isinstance(each, inspect.NoneType)]
        if len(present) < len(info.types) and _is_null(value, present[0]):
            return None
        variants = [each for each in present if isinstance(each, inspect.StructType)]
        if len(variants) == len(present) and issubclass(variants[0].cls, Variant):
            return self._union(variants, value, path)
        return self.read(present[0], value, path)

    def _struct(self, info: inspect.StructType, value: Any, path: str) -> Any:
        types = {field.name: field.type for field in info.fields}
        members: Tree = self._members(types, value, path, f"the struct {info.cls.__name__}")
        for field in info.fields:
            if field.name in members:
                continue
            if _may_be_absent(field.type):
                members[field.name] = None
            elif field.default is NODEFAULT and field.default_factory is NODEFAULT:
                raise Misused(f"{_inside(path, field.name)} is missing; {_usage(types)}")
        return info.cls(**members)

    def _table(self, table: type[Table], value: Any, path: str) -> Table:
        types = {each.name: inspect.type_info(each.type) for each in members_of(table).values()}
        present = value
        if is_map(value):
            present = {name: item for name, item in value.items() if item is not None}
        return table(**self._members(types, present, path, f"the table {table.__name__}"))

    def _members(self, types: dict[str, inspect.Type], value: Any, path: str, owner: str) -> Tree:
        """Read the members that are given, by Python's names."""
        expected = f"the members of {owner}"
        found: Tree = {}
        for given, item in _map(value, path, expected).items():
            name = find_member(given, types)
            if name is None:
                raise Misused(f"{_inside(path, given)} is unknown; {_usage(types)}")
            if name in found:
                raise Misused(f"{_inside(path, given)} is given twice")
            found[name] = self.read(types[name], item, _inside(path, name))
        return found

    def _union(self, variants: Sequence[inspect.StructType], value: Any, path: str) -> Any:
        known = {
            variant_name(each.cls): each
            for each in variants
            if not issubclass(each.cls, UnknownVariant)
        }
        names = ", ".join(known)
        given = _map(value, path, f"a union's member, one of {names}")
        if len(given) != 1:
            got = ", ".join(given) or "none"
            raise Misused(f"{path or _WHOLE}: expected exactly one of {names}, got {got}")
        [(name, item)] = given.items()
        found = find_member(name, known)
        if found is None:
            raise Misused(f"{_inside(path, name)} is unknown; {_usage(known)}")
        info = known[found]
        return info.cls(self.read(info.fields[0].type, item, _inside(path, found)))

    def _list(self, info: inspect.ListType, value: Any, path: str) -> list[Any]:
        least, most = info.min_length or 0, info.max_length
        expected = "a list"
        if most is not None:
            expected = f"a list of {'' if least == most else 'at most '}{most}"
        if isinstance(value, Word):
            value = read_json(value, path, expected)
        if not is_list(value):
            raise unfit(path, expected, value)
        if not least <= len(value) <= (len(value) if most is None else most):
            raise Misused(f"{path}: expected {expected}, got {len(value)}")
        return [self.read(info.item_type, each, f"{path}[{i}]") for i, each in enumerate(value)]

    def _custom(self, kind: Any, value: Any, path: str) -> Any:
        if issubclass(kind, Table):
            return self._table(kind, value, path)
        if issubclass(kind, Handle):
            return self._handle(kind, value, path)
        if issubclass(kind, ProtocolEnd):
            return self._end(cast("type[ProtocolEnd[Any]]", kind), value, path)
        return read_bits(kind, value, path)

    def _handle(self, kind: type, value: Any, path: str) -> Handle:
        if kind not in (Handle, Vmo):
            raise Misused(f"{path}: a handle of the kind {kind.__name__} cannot be given by hand")
        if not isinstance(value, str) or not value.startswith("@"):
            raise unfit(path, f"a file as @PATH, for a {kind.__name__}", value)
        handle = _open(Path(value[1:]), kind)
        self.opened.append(handle)
        return handle

    def _end(self, kind: type[ProtocolEnd[Any]], value: Any, path: str) -> ProtocolEnd[Any]:
        if kind is ClientEnd or not self._makes_ends:
            side = "client" if kind is ClientEnd else "server"
            raise Misused(f"{path}: a protocol's {side} end cannot be given by hand here")
        if value != "-":
            raise unfit(path, "-, for the server end of a new channel", value)
        client, server = Channel.create()
        self.clients.append(client)
        end = ServerEnd[Any](server)
        self.opened.append(end)
        return end

    def close(self) -> None:
        """Close all that was opened: it is not going to be sent."""
        for each in (*self.opened, *self.clients):
            each.close()


def _open(path: Path, kind: type) -> Handle:
    try:
        if kind is Vmo:
            return Vmo.from_bytes(path.read_bytes(), "argument")
        return Handle(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise from_oserror(error, f"open {path}") from error


def _map(value: Any, path: str, expected: str) -> Tree:
    if isinstance(value, Word):
        value = read_json(value, path or _WHOLE, expected)
    if not is_map(value):
        raise unfit(path or _WHOLE, expected, value)
    return value


def _is_null(value: Any, info: inspect.Type) -> bool:
    """True for what says that nothing is there; to text, the word null is a word."""
    return value is None or (
        isinstance(value, Word)
        and value == "null"
        and not isinstance(info, inspect.StrType | inspect.BytesType)
    )


def _may_be_absent(info: inspect.Type) -> bool:
    return isinstance(info, inspect.UnionType) and any(
        isinstance(each, inspect.NoneType) for each in info.types
    )


def _inside(path: str, name: str) -> str:
    return f"{path}.{fidl_name(name)}" if path else fidl_name(name)


def _usage(names: dict[str, Any]) -> str:
    return f"it takes {', '.join(map(fidl_name, names))}" if names else "it takes nothing"
