"""Payload types: which may stand in a message, and what it takes to decode and check one.

msgspec decodes more than a contract can name, and does not know the wire's rules B2 (depth) and B6
(map keys). Most types cannot break these, whatever bytes come; `examine` tells the others.
Source: docs/wire-format.md, "Bodies"; the rules stand in `wire.scan`.
"""

from __future__ import annotations

import enum
from typing import Any, Final

from msgspec import inspect

from ipcrt.bindings.ends import ProtocolEnd
from ipcrt.bindings.table import Table, members_of
from ipcrt.bindings.unknown import UnknownMember
from ipcrt.objects.handle import Handle
from ipcrt.wire.limits import MAX_DEPTH

_LEAVES: Final = (
    inspect.NoneType,
    inspect.BoolType,
    inspect.IntType,
    inspect.FloatType,
    inspect.StrType,
    inspect.BytesType,
    inspect.EnumType,
    inspect.LiteralType,
)


class Facts:
    """What is known of a payload type before any message comes."""

    __slots__ = ("has_handles", "has_tables", "is_flexible", "is_loose")

    def __init__(self) -> None:
        self.has_handles = False
        """A value may hold handles, or may where the peer's contract is newer than ours."""
        self.has_tables = False
        """A value may hold tables."""
        self.is_flexible = False
        """A value may hold flexible unions."""
        self.is_loose = False
        """A body may be too deep or repeat a map key, and decode all the same."""


def examine(type_: object) -> Facts:
    """Look at a payload type and all that it is made of.

    Raises: TypeError: something in it has no wire form.
    """
    facts = Facts()
    _visit(inspect.type_info(type_), facts, ())
    return facts


def _visit(info: inspect.Type, facts: Facts, around: tuple[object, ...]) -> None:
    """Look at one type; `around` is what it stands in, one entry for each array or map."""
    if len(around) > MAX_DEPTH:
        facts.is_loose = True
    elif isinstance(info, _LEAVES):
        return
    elif isinstance(info, inspect.AnyType):
        facts.is_loose = True
    elif isinstance(info, inspect.CustomType):
        _visit_custom(info.cls, facts, around)
    elif isinstance(info, inspect.StructType):
        _visit_struct(info, facts, around)
    else:
        around = (*around, None)
        for part in _parts(info, facts):
            _visit(part, facts, around)


def _visit_struct(info: inspect.StructType, facts: Facts, around: tuple[object, ...]) -> None:
    if not info.array_like:
        raise TypeError(f"{info.cls.__name__} is not array_like: derive it from Struct")
    if info.cls in around:  # recursive, so as deep as the sender likes
        facts.is_loose = True
        return
    for field in info.fields:
        _visit(field.type, facts, (*around, info.cls))


def _visit_custom(cls: Any, facts: Facts, around: tuple[object, ...]) -> None:
    if issubclass(cls, enum.Enum):  # bits: msgspec decodes them, and only cannot name their kind
        return
    if issubclass(cls, Table):
        facts.has_tables = True
        inside = () if cls in around else members_of(cls).values()
        for member in inside:
            _visit(inspect.type_info(member.type), facts, (*around, cls))
    elif cls is UnknownMember:
        facts.is_flexible = True
    elif not issubclass(cls, Handle | ProtocolEnd):
        raise TypeError(f"{cls.__name__} has no wire form")
    facts.has_handles = True


def _parts(info: inspect.Type, facts: Facts) -> tuple[inspect.Type, ...]:
    """Answer the types that `info` is made of."""
    if isinstance(info, inspect.Metadata):
        return (info.type,)
    if isinstance(info, inspect.UnionType):
        return info.types
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return (info.item_type,)
    if isinstance(info, inspect.TupleType):
        return info.item_types
    if isinstance(info, inspect.DictType):
        facts.is_loose = True
        return (info.key_type, info.value_type)
    raise TypeError(f"{type(info).__name__} has no wire form")
