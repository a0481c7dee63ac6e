"""Decode by way of plain values: for tables, and for unions with members nobody here knows.

Everything else is decoded in one pass from its bytes (see `codec`). Here the body becomes plain
lists and maps first, under the wire's own rules; then each unknown member of a flexible union
is put aside as its union's `UnknownVariant`; what is left is checked against the contract as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import inspect

from ipcrt.bindings.plain import is_list, is_map
from ipcrt.bindings.table import Hook, Table, convert, members_of
from ipcrt.bindings.union import UnknownResource, UnknownVariant, Variant
from ipcrt.bindings.unknown import UnknownMember, keep
from ipcrt.wire.body import decode_value

Rewrite = Callable[[Any], Any]

_Seen = dict[object, dict[int, Rewrite | None]]
"""For each struct, table or union its members' rewrites; recursive types look them up late."""

_UNKNOWN_TAG: Final = 0


class GenericDecoder:
    """Decodes one type, by way of plain values."""

    __slots__ = ("_rewrite", "_type")

    def __init__(self, type_: Any, *, is_flexible: bool) -> None:
        self._type = type_
        self._rewrite = rewrite_for(type_) if is_flexible else None

    def decode(self, body: bytes | memoryview, handles: Sequence[object], hook: Hook) -> Any:
        """Decode; what nobody asked for stays open in `handles`.

        Raises: RemoteProtocolError, ValidationError.
        """
        value = decode_value(body, handles.__getitem__, len(handles))
        if self._rewrite is not None:
            value = self._rewrite(value)
        return convert(value, self._type, hook)


def rewrite_for(type_: object) -> Rewrite | None:
    """Answer what marks unknown union members in a plain value of `type_`, or None."""
    return _build(inspect.type_info(type_), {})


def _build(info: inspect.Type, seen: _Seen) -> Rewrite | None:
    if isinstance(info, inspect.Metadata):
        return _build(info.type, seen)
    if isinstance(info, inspect.StructType):
        return _variants([info], seen) if issubclass(info.cls, Variant) else _struct(info, seen)
    if isinstance(info, inspect.CustomType) and _is_table(info.cls):
        return _table(info.cls, seen)
    if isinstance(info, inspect.ListType):
        return _list(_build(info.item_type, seen))
    if isinstance(info, inspect.UnionType):
        variants = [each for each in info.types if _is_variant(each)]
        if variants:
            return _variants(variants, seen)
        present = [each for each in info.types if not isinstance(each, inspect.NoneType)]
        return _build(present[0], seen)
    return None


def _struct(info: inspect.StructType, seen: _Seen) -> Rewrite:
    fields = seen.get(info.cls)
    if fields is None:
        fields = seen[info.cls] = {}
        fields.update({i: _build(field.type, seen) for i, field in enumerate(info.fields)})

    def rewrite(value: Any) -> Any:
        if not is_list(value) or len(value) != len(fields):
            return value
        return [v if f is None else f(v) for f, v in zip(fields.values(), value, strict=True)]

    return rewrite


def _table(table: type[Table], seen: _Seen) -> Rewrite:
    members = seen.get(table)
    if members is None:
        members = seen[table] = {}
        types = {ordinal: member.type for ordinal, member in members_of(table).items()}
        members.update({o: _build(inspect.type_info(t), seen) for o, t in types.items()})

    def rewrite(value: Any) -> Any:
        if not is_map(value):
            return value
        found = ((ordinal, members.get(ordinal), item) for ordinal, item in value.items())
        return {ordinal: item if f is None else f(item) for ordinal, f, item in found}

    return rewrite


def _list(item: Rewrite | None) -> Rewrite | None:
    if item is None:
        return None

    def rewrite(value: Any) -> Any:
        return [item(v) for v in value] if is_list(value) else value

    return rewrite


def _variants(infos: list[Any], seen: _Seen) -> Rewrite:
    classes = tuple(info.cls for info in infos)
    flexible = any(issubclass(each, UnknownVariant) for each in classes)
    resource = UnknownResource in classes
    known = seen.get(classes)
    if known is None:
        known = seen[classes] = {}
        inner = {i.tag: i.fields[0].type for i in infos if not issubclass(i.cls, UnknownVariant)}
        known.update({ordinal: _build(type_, seen) for ordinal, type_ in inner.items()})

    def rewrite(value: Any) -> Any:
        if not is_list(value) or len(value) != 2 or type(value[0]) is not int:
            return value
        ordinal, item = value
        if ordinal in known:
            f = known[ordinal]
            return value if f is None else [ordinal, f(item)]
        if not flexible or ordinal < 1:
            return value
        return [_UNKNOWN_TAG, UnknownMember(ordinal, keep(item, "a union", resource=resource))]

    return rewrite


def _is_table(cls: type) -> bool:
    return issubclass(cls, Table)


def _is_variant(info: inspect.Type) -> bool:
    return isinstance(info, inspect.StructType) and issubclass(info.cls, Variant)
