"""Record: base of classes whose values have a fixed size.

    class Pose(Record):
        timestamp_ns: I64
        position: F32x3
        joints: Annotated[tuple[Joint, ...], Array(Joint, 26)]

A member is one of the numbers below, another record, or an array of either. Annotations are
looked up where the class was defined, when its shape is first asked for.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import Annotated, Any, TypeAlias, TypeVar, dataclass_transform

import msgspec

from ipcrt.errors import InvalidArgs
from ipcrt.shm.shape import SCALARS, Member, Scalar, Shape

RecordT = TypeVar("RecordT", bound="Record")

I8: TypeAlias = Annotated[int, SCALARS["int8"]]
I16: TypeAlias = Annotated[int, SCALARS["int16"]]
I32: TypeAlias = Annotated[int, SCALARS["int32"]]
I64: TypeAlias = Annotated[int, SCALARS["int64"]]
U8: TypeAlias = Annotated[int, SCALARS["uint8"]]
U16: TypeAlias = Annotated[int, SCALARS["uint16"]]
U32: TypeAlias = Annotated[int, SCALARS["uint32"]]
U64: TypeAlias = Annotated[int, SCALARS["uint64"]]
F32: TypeAlias = Annotated[float, SCALARS["float32"]]
F64: TypeAlias = Annotated[float, SCALARS["float64"]]


@dataclasses.dataclass(frozen=True, slots=True)
class Array:
    """Metadata of a tuple: `count` elements of `element`, a number above or a record's class."""

    element: Any
    count: int


F32x2: TypeAlias = Annotated[tuple[float, float], Array(F32, 2)]
F32x3: TypeAlias = Annotated[tuple[float, float, float], Array(F32, 3)]
F32x4: TypeAlias = Annotated[tuple[float, float, float, float], Array(F32, 4)]
F64x3: TypeAlias = Annotated[tuple[float, float, float], Array(F64, 3)]
F64x4: TypeAlias = Annotated[tuple[float, float, float, float], Array(F64, 4)]


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Record(msgspec.Struct, frozen=True):
    """A value of fixed size; immutable, compared by its members."""


def record_shape(cls: type[RecordT]) -> Shape[RecordT]:
    """Answer how values of `cls` lie in memory.

    Raises: InvalidArgs: no Record; or a member without a fixed size, or none at all. OutOfRange:
    too large.
    """
    if not is_record(cls):
        raise InvalidArgs(f"{cls!r} is no Record")
    return _shape(cls, ())


def is_record(kind: object) -> bool:
    """True for a class that is a Record."""
    return isinstance(kind, type) and issubclass(kind, Record)


def _shape(cls: type[RecordT], around: tuple[type, ...]) -> Shape[RecordT]:
    """Make a shape; `around` are the classes that it is to be a part of."""
    if cls in around:
        raise InvalidArgs(f"{cls.__name__} holds itself, so it has no fixed size")
    hints = typing.get_type_hints(cls, include_extras=True)
    within = (*around, cls)
    members = [_member(within, name, hints[name]) for name in cls.__struct_fields__]
    return Shape(cls.__name__, members, cls)


def _member(within: tuple[type, ...], name: str, hint: Any) -> Member:
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, Array):
            return Member(name, _kind(within, name, extra.element), extra.count)
    return Member(name, _kind(within, name, hint))


def _kind(within: tuple[type, ...], name: str, hint: Any) -> Scalar | Shape[Any]:
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, Scalar):
            return extra
    if hint is bool:
        return SCALARS["bool"]
    if hint is float:
        return SCALARS["float64"]
    if is_record(hint):
        return _shape(hint, within)
    owner = within[-1].__name__
    raise InvalidArgs(f"{owner}.{name}: {hint} has no fixed size; use I32, F64, ...")
