"""Checked: what encodes a plain struct, and refuses what its receiver would refuse.

msgspec checks nothing when it encodes, so what it wrote is decoded again. A short flat struct, with
members that are numbers, truths, text and bytes, is checked and written in one go where the
extension is in use (`ipcrt/_speedups/checked.c`); the bytes are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from msgspec import inspect

from ipcrt._speedups.chosen import choose
from ipcrt.wire.frames import Body

Encode: TypeAlias = Callable[[Any], bytes]
Decode: TypeAlias = Callable[[Body], Any]
Member: TypeAlias = tuple[str, type[Any], int, int]
"""A flat member: its name, its exact type, and of an int the least and the greatest; else zeros."""

_LEAST: Final = -(1 << 63)
_GREATEST: Final = (1 << 64) - 1
_MOST_MEMBERS: Final = 15
"""A longer array has another head."""


def _checked_encoder(
    type_: type[Any], members: tuple[Member, ...], encode: Encode, decode: Decode
) -> Encode:
    del type_, members

    def encode_checked(value: Any) -> bytes:
        body = encode(value)
        decode(body)
        return body

    return encode_checked


_make: Final = choose("checked_encoder", _checked_encoder)


def checked_encoder(type_: type[Any], encode: Encode, decode: Decode) -> Encode:
    """Answer what encodes a struct as `encode` does, and raises where `decode` would.

    It raises what they raise.
    """
    members = _flat_members(inspect.type_info(type_))
    return _make(type_, members, encode, decode)


def _flat_members(info: inspect.Type) -> tuple[Member, ...]:
    """Answer the members of a flat struct; none for another type."""
    if not isinstance(info, inspect.StructType) or not info.array_like or info.tag is not None:
        return ()
    if hasattr(info.cls, "__post_init__"):  # which decoding calls, and which may refuse
        return ()
    members = [_flat_member(field.name, field.type) for field in info.fields]
    flat = tuple(each for each in members if each is not None)
    return flat if len(flat) == len(members) <= _MOST_MEMBERS else ()


def _flat_member(name: str, info: inspect.Type) -> Member | None:
    match info:
        case inspect.IntType(gt=None, lt=None, multiple_of=None, ge=ge, le=le):
            least, greatest = _LEAST if ge is None else ge, _GREATEST if le is None else le
            return (name, int, least, greatest) if least <= 0 <= greatest else None
        case inspect.BoolType():
            return (name, bool, 0, 0)
        case inspect.FloatType(gt=None, ge=None, lt=None, le=None, multiple_of=None):
            return (name, float, 0, 0)
        case inspect.StrType(min_length=None, max_length=None, pattern=None):
            return (name, str, 0, 0)
        case inspect.BytesType(min_length=None, max_length=None):
            return (name, bytes, 0, 0)
        case _:
            return None
