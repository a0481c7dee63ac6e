"""Layouts of shared state from a contract's structs.

    type Devices = struct { head Head; hands Hands; };

    DEVICES = layout_of(Devices)
    HEAD = DEVICES.section("head", Head)

Members of fixed size only: numbers, bool, enums, bits, arrays, structs. The generated classes are
the values, arrays are lists.

1. An integer is as wide as its bounds say; so are flexible enums and bits. A strict enum's class
   does not tell its width: it takes eight bytes, and so do strict bits.
2. Values that a reader gets from memory are whole, but not checked against the contract, save that
   a strict enum or strict bits refuse what they do not list.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar, cast

from msgspec import inspect

from ipcrt.bindings import bits, enums
from ipcrt.bindings.scalars import FLOAT32
from ipcrt.bindings.structs import Struct
from ipcrt.errors import InvalidArgs
from ipcrt.shm.layout import Layout, Section
from ipcrt.shm.shape import SCALARS, Member, Scalar, Shape

StructT = TypeVar("StructT", bound=Struct)

_BY_BOUNDS: Final[dict[tuple[int | None, int | None], str]] = {
    (0, None): "uint64",
    **{(-(1 << width - 1), (1 << width - 1) - 1): f"int{width}" for width in (8, 16, 32, 64)},
    **{(0, (1 << width) - 1): f"uint{width}" for width in (8, 16, 32)},
}
_BY_BASE: Final[dict[type, str]] = {
    enums.FlexibleInt8: "int8",
    enums.FlexibleInt16: "int16",
    enums.FlexibleInt32: "int32",
    enums.FlexibleInt64: "int64",
    enums.FlexibleUint8: "uint8",
    enums.FlexibleUint16: "uint16",
    enums.FlexibleUint32: "uint32",
    enums.FlexibleUint64: "uint64",
    enums.StrictUint64: "uint64",
    bits.FlexibleBits8: "uint8",
    bits.FlexibleBits16: "uint16",
    bits.FlexibleBits32: "uint32",
    bits.FlexibleBits64: "uint64",
    bits.StrictBits: "uint64",
    enum.IntEnum: "int64",
}
"""What a class of enum or bits is kept as, by the nearest of its bases (rule 1)."""


def layout_of(cls: type[Struct], name: str = "") -> Layout:
    """Answer the layout of a struct of structs: one section for each member.

    Raises: InvalidArgs: a member is no struct, or has no fixed size. OutOfRange: too large.
    """
    return Layout.of_shape(shape_of(cls), name)


def section_of(name: str, cls: type[StructT]) -> Section[StructT]:
    """Answer a section whose values are of `cls`. Raises: as `layout_of`."""
    return Section(name, shape_of(cls))


def shape_of(cls: type[StructT]) -> Shape[StructT]:
    """Answer how values of `cls` lie in memory. Raises: as `layout_of`."""
    info = inspect.type_info(cls)
    if not isinstance(info, inspect.StructType):
        raise InvalidArgs(f"{cls.__name__} is no struct")
    return _shape(info)


def _shape(info: inspect.StructType) -> Shape[Any]:
    members = [_member(info.cls, field.name, field.type) for field in info.fields]
    return Shape(info.cls.__name__, members, info.cls)


def _member(cls: type, name: str, info: inspect.Type) -> Member:
    if not isinstance(info, inspect.ListType):
        kind, convert = _kind(cls, name, info)
        return Member(name, kind, None, convert)
    if info.max_length is None or info.min_length != info.max_length:
        _refuse(cls, name)
    kind, convert = _kind(cls, name, info.item_type)
    return Member(name, kind, info.max_length, convert, list)


def _kind(
    cls: type, name: str, info: inspect.Type
) -> tuple[Scalar | Shape[Any], Callable[[Any], Any] | None]:
    """Answer what one element is kept as, and what makes its value."""
    if isinstance(info, inspect.StructType):
        return _shape(info), None
    if isinstance(info, inspect.EnumType | inspect.CustomType):
        base = next((base for base in info.cls.__mro__ if base in _BY_BASE), None)
        if base is not None:
            return SCALARS[_BY_BASE[base]], info.cls
    scalar = _number(info)
    if scalar is None:
        _refuse(cls, name)
    return SCALARS[scalar], None


def _number(info: inspect.Type) -> str | None:
    if isinstance(info, inspect.BoolType):
        return "bool"
    if isinstance(info, inspect.FloatType):
        return "float64"
    if isinstance(info, inspect.IntType):
        return _BY_BOUNDS.get((info.ge, info.le))
    if isinstance(info, inspect.Metadata):
        extra: dict[str, Any] = cast("Any", info).extra or {}
        return "float32" if FLOAT32 in extra else None
    return None


def _refuse(cls: type, name: str) -> NoReturn:
    raise InvalidArgs(f"{cls.__name__}.{name} has no fixed size, or is no number: not for a layout")
