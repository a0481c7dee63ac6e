"""Bounds that msgspec cannot check: FIDL counts a string's bytes, msgspec its characters.

A walker is built once for each payload type; where nothing is left to check there is none, and
text that is plain ASCII costs one flag test.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import inspect

Check = Callable[[Any], None]


def check_for(type_: object) -> Check | None:
    """Answer what checks a decoded value of `type_`, or None where there is nothing to check.

    The check raises `msgspec.ValidationError`.
    """
    return _build(inspect.type_info(type_), {})


def _build(info: inspect.Type, seen: dict[type, Check | None]) -> Check | None:
    if isinstance(info, inspect.StrType):
        return None if info.max_length is None else _string(info.max_length)
    if isinstance(info, inspect.StructType):
        return _struct(info, seen)
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return _each(_build(info.item_type, seen))
    if isinstance(info, inspect.DictType):
        return _mapping(_build(info.key_type, seen), _build(info.value_type, seen))
    if isinstance(info, inspect.UnionType):
        checks = [c for c in (_build(t, seen) for t in info.types) if c is not None]
        return _optional(checks[0]) if checks else None
    return None


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


def _optional(check: Check) -> Check:
    def check_present(value: Any) -> None:
        if value is not None:
            check(value)

    return check_present
