"""Bounds that msgspec cannot check: a string's bytes, a float32's range, a handle's rights.

FIDL counts a string's bytes, msgspec its characters.

A walker is built once for each payload type; where nothing is left to check there is none, and
text that is plain ASCII costs one flag test.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import attrgetter
from typing import Any, cast

import msgspec
from msgspec import inspect

from ipcrt.bindings.needs import NEEDS, check_rights
from ipcrt.bindings.scalars import FLOAT32, FLOAT32_MAX
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights

Check = Callable[[Any], None]
_Known = dict[type, Check | None]


def check_for(type_: object) -> Check | None:
    """Answer what checks a decoded value of `type_`, or None where there is nothing to check.

    The check raises `msgspec.ValidationError`.
    """
    return _build(inspect.type_info(type_), {}, ())


def _build(info: inspect.Type, known: _Known, around: tuple[type, ...]) -> Check | None:
    """Build one walker; `known` are the structs that are done, `around` those being built."""
    if isinstance(info, inspect.StrType):
        return None if info.max_length is None else _string(info.max_length)
    if isinstance(info, inspect.StructType):
        return _struct(info, known, around)
    if isinstance(info, inspect.Metadata):
        return _extra(info) or _build(info.type, known, around)
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return _each(_build(info.item_type, known, around))
    if isinstance(info, inspect.TupleType):
        return _positions([_build(item, known, around) for item in info.item_types])
    if isinstance(info, inspect.DictType):
        key, value = (_build(t, known, around) for t in (info.key_type, info.value_type))
        return _mapping(key, value)
    if isinstance(info, inspect.UnionType):
        return _union([(each, _build(each, known, around)) for each in info.types])
    return None


def _extra(info: inspect.Metadata) -> Check | None:
    """Check what our own metadata asks for."""
    extra: dict[str, Any] = cast("Any", info).extra or {}
    if FLOAT32 in extra:
        return _float32
    return _rights(extra[NEEDS]) if NEEDS in extra else None


def _float32(value: float) -> None:
    if FLOAT32_MAX < abs(value) < math.inf:
        raise msgspec.ValidationError(f"{value} is no float32")


def _rights(needed: Rights) -> Check:
    def check(value: Handle) -> None:
        check_rights(value, needed)
        value.asked = needed

    return check


def _string(limit: int) -> Check:
    def check(value: str) -> None:
        if not value.isascii() and (size := len(value.encode())) > limit:
            raise msgspec.ValidationError(f"string of {size} bytes exceeds {limit}")

    return check


def _struct(info: inspect.StructType, known: _Known, around: tuple[type, ...]) -> Check | None:
    cls = info.cls
    if cls in known:
        return known[cls]
    if cls in around:  # recursive: the check is there by the time it runs

        def check_again(value: Any) -> None:
            check = known[cls]
            if check is not None:
                check(value)

        return check_again
    members: list[tuple[Callable[[Any], Any], Check]] = []
    for field in info.fields:
        check = _build(field.type, known, (*around, cls))
        if check is not None:
            members.append((attrgetter(field.name), check))
    known[cls] = _members(members) if members else None
    return known[cls]


def _members(members: list[tuple[Callable[[Any], Any], Check]]) -> Check:
    def check_members(value: Any) -> None:
        for get, check in members:
            check(get(value))

    return check_members


def _each(check: Check | None) -> Check | None:
    if check is None:
        return None

    def check_items(values: Any) -> None:
        for value in values:
            check(value)

    return check_items


def _positions(checks: list[Check | None]) -> Check | None:
    if not any(checks):
        return None

    def check_items(values: Any) -> None:
        for value, check in zip(values, checks, strict=True):
            if check is not None:
                check(value)

    return check_items


def _mapping(key: Check | None, value: Check | None) -> Check | None:
    keys, values = _each(key), _each(value)
    if keys is None and values is None:
        return None

    def check_mapping(mapping: Any) -> None:
        if keys is not None:
            keys(mapping.keys())
        if values is not None:
            values(mapping.values())

    return check_mapping


def _union(members: list[tuple[inspect.Type, Check | None]]) -> Check | None:
    """Check each member of a union by its own rules; msgspec tells them apart by their class."""
    checks = {_class_of(info): check for info, check in members if check is not None}
    if not checks:
        return None

    def check_member(value: Any) -> None:
        check = checks.get(value.__class__)
        if check is not None:
            check(value)

    return check_member


def _class_of(info: inspect.Type) -> type:
    """Answer the class of the values that msgspec makes for `info`."""
    if isinstance(info, inspect.Metadata):
        return _class_of(info.type)
    if isinstance(info, inspect.StructType | inspect.CustomType):
        return info.cls
    if isinstance(info, inspect.FloatType):
        return float
    if isinstance(info, inspect.StrType):
        return str
    if isinstance(info, inspect.DictType):
        return dict
    return tuple if isinstance(info, inspect.TupleType | inspect.VarTupleType) else list
