"""Bounds that msgspec cannot check: a string's bytes, a float32's range, a handle's rights.

FIDL counts a string's bytes, msgspec its characters.

A walker is built once for each payload type; where nothing is left to check there is none, and
text that is plain ASCII costs one flag test.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import inspect

from ipcrt.bindings.needs import NEEDS
from ipcrt.bindings.scalars import FLOAT32, FLOAT32_MAX
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights

Check = Callable[[Any], None]


def check_for(type_: object) -> Check | None:
    """Answer what checks a decoded value of `type_`, or None where there is nothing to check.

    The check raises `msgspec.ValidationError`.
    """
    return _build(inspect.type_info(type_), {})


def _build(info: inspect.Type, seen: dict[type, Check | None]) -> Check | None:
    if isinstance(info, inspect.Metadata):
        extra: dict[Any, Any] = info.extra or {}
        return _extra(extra) or _build(info.type, seen)
    if isinstance(info, inspect.StrType):
        return None if info.max_length is None else _string(info.max_length)
    if isinstance(info, inspect.StructType):
        return _struct(info, seen)
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return _each(_build(info.item_type, seen))
    if isinstance(info, inspect.DictType):
        return _mapping(_build(info.key_type, seen), _build(info.value_type, seen))
    if isinstance(info, inspect.UnionType):
        return _union(info, seen)
    return None


def _extra(extra: dict[Any, Any]) -> Check | None:
    if FLOAT32 in extra:
        return _float32
    return _rights(extra[NEEDS]) if NEEDS in extra else None


def _float32(value: float) -> None:
    if FLOAT32_MAX < abs(value) < math.inf:
        raise msgspec.ValidationError(f"{value} is no float32")


def _rights(needed: Rights) -> Check:
    def check(value: Handle) -> None:
        missing = needed & ~value.rights
        if missing:
            raise msgspec.ValidationError(f"{type(value).__name__} without {missing!r}")

    return check


def _string(limit: int) -> Check:
    def check(value: str) -> None:
        if not value.isascii() and (size := len(value.encode())) > limit:
            raise msgspec.ValidationError(f"string of {size} bytes exceeds {limit}")

    return check


def _struct(info: inspect.StructType, seen: dict[type, Check | None]) -> Check | None:
    if info.cls in seen:  # recursive types: look the check up when it runs
        return lambda value: None if (c := seen[info.cls]) is None else c(value)
    seen[info.cls] = None
    members: list[tuple[Callable[[Any], Any], Check]] = []
    for field in info.fields:
        check = _build(field.type, seen)
        if check is not None:
            members.append((attrgetter(field.name), check))
    if not members:
        return None

    def check_members(value: Any) -> None:
        for get, check in members:
            check(get(value))

    seen[info.cls] = check_members
    return check_members


def _each(check: Check | None) -> Check | None:
    if check is None:
        return None

    def check_items(values: Any) -> None:
        for value in values:
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


def _union(info: inspect.UnionType, seen: dict[type, Check | None]) -> Check | None:
    """Check members of a union by their class, an optional where it is present."""
    by_class: dict[type, Check] = {}
    present = [each for each in info.types if not isinstance(each, inspect.NoneType)]
    for each in present:
        check = _build(each, seen)
        if check is not None and isinstance(each, inspect.StructType):
            by_class[each.cls] = check
        elif check is not None:
            return _optional(check)
    if not by_class:
        return None

    def check_member(value: Any) -> None:
        cls: type[Any] = type(value)
        check = by_class.get(cls)
        if check is not None:
            check(value)

    return check_member


def _optional(check: Check) -> Check:
    def check_present(value: Any) -> None:
        if value is not None:
            check(value)

    return check_present
