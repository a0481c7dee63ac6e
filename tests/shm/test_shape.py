from __future__ import annotations

import ctypes
import dataclasses
import enum
import math
import struct
from typing import Any

import pytest

from ipcrt.errors import InvalidArgs, OutOfRange, ProtocolError
from ipcrt.shm.shape import MAX_SHAPE_BYTES, SCALARS, Member, Shape

U8, U16, U32, F64 = (SCALARS[name] for name in ("uint8", "uint16", "uint32", "float64"))


@dataclasses.dataclass
class Inner:
    small: int
    large: float


@dataclasses.dataclass
class Outer:
    first: int
    inner: Inner
    pair: tuple[Inner, ...]
    halves: tuple[int, ...]
    last: int


class Colour(enum.IntEnum):
    RED = 1
    BLUE = 2


INNER = Shape("Inner", (Member("small", U8), Member("large", F64)), Inner)
OUTER = Shape(
    "Outer",
    (
        Member("first", U16),
        Member("inner", INNER),
        Member("pair", INNER, 2),
        Member("halves", U16, 3),
        Member("last", U8),
    ),
    Outer,
)
VALUE = Outer(1, Inner(2, 3.5), (Inner(4, 5.5), Inner(6, 7.5)), (8, 9, 10), 11)


class CInner(ctypes.Structure):
    _fields_ = [  # type: ignore[mutable-override]
        ("small", ctypes.c_uint8),
        ("large", ctypes.c_double),
    ]


class COuter(ctypes.Structure):
    _fields_ = [  # type: ignore[mutable-override]
        ("first", ctypes.c_uint16),
        ("inner", CInner),
        ("pair", CInner * 2),
        ("halves", ctypes.c_uint16 * 3),
        ("last", ctypes.c_uint8),
    ]


def _same(value: Any) -> Any:
    return value


def _outer(**changed: Any) -> Outer:
    return dataclasses.replace(VALUE, **changed)


def test_members_lie_as_in_c() -> None:
    assert OUTER.size == ctypes.sizeof(COuter)
    assert OUTER.alignment == ctypes.alignment(COuter)
    assert OUTER.offsets == tuple(getattr(COuter, member.name).offset for member in OUTER.members)
    seen = COuter.from_buffer_copy(OUTER.pack(VALUE))
    assert (seen.first, seen.inner.large, seen.pair[1].small, seen.last) == (1, 3.5, 6, 11)
    assert list(seen.halves) == [8, 9, 10]


def test_a_value_comes_back_as_it_was() -> None:
    assert OUTER.unpack(OUTER.pack(VALUE)) == VALUE
    assert INNER.unpack(INNER.pack(Inner(255, -1.0))) == Inner(255, -1.0)


def test_every_number_has_its_size() -> None:
    for name, scalar in SCALARS.items():
        shape: Shape[Any] = Shape("One", (Member("it", scalar),), dict)
        assert shape.size == scalar.size, name
    assert SCALARS["bool"].size == 1
    assert Shape("One", (Member("it", SCALARS["int64"]),), _same).unpack(b"\xff" * 8) == -1


def test_an_array_is_of_the_class_that_was_asked_for() -> None:
    shape: Shape[Any] = Shape("Items", (Member("items", U8, 3, container=list),), _same)
    assert shape.unpack(b"\1\2\3") == [1, 2, 3]


def test_an_enum_is_made_of_its_number() -> None:
    shape = Shape("Paint", (Member("colour", U8, convert=Colour),), _same)
    assert shape.unpack(b"\2") is Colour.BLUE
    with pytest.raises(ProtocolError, match="Paint"):
        shape.unpack(b"\3")


@pytest.mark.parametrize(
    "value, error",
    [
        (Inner(256, 0.0), OutOfRange),
        (Inner(-1, 0.0), OutOfRange),
        (object(), InvalidArgs),
        (_outer(halves=(1, 2)), InvalidArgs),
        (_outer(inner=None), InvalidArgs),
        (_outer(pair=5), InvalidArgs),
    ],
)
def test_what_does_not_fit_is_refused(value: Any, error: type[Exception]) -> None:
    shape: Shape[Any] = INNER if isinstance(value, Inner) else OUTER
    with pytest.raises(error, match=shape.name):
        shape.pack(value)


def test_a_float_beyond_its_type_is_infinite() -> None:
    shape = Shape("Short", (Member("small", U8), Member("large", SCALARS["float32"])), Inner)
    assert shape.unpack(shape.pack(Inner(1, -1e300))) == Inner(1, -math.inf)


@pytest.mark.parametrize(
    "members, error",
    [
        ((), InvalidArgs),
        ((Member("a", U8), Member("a", U16)), InvalidArgs),
        ((Member("a", U8, 0),), OutOfRange),
        ((Member("a", U8, MAX_SHAPE_BYTES + 1),), OutOfRange),
    ],
)
def test_a_shape_that_cannot_be_is_refused(
    members: tuple[Member, ...], error: type[Exception]
) -> None:
    with pytest.raises(error, match="Odd"):
        Shape("Odd", members, dict)


def test_every_number_is_described() -> None:
    assert list(INNER.lines("at")) == ["at.small uint8 0", "at.large float64 8"]
    assert "pair[2].large" not in list(OUTER.lines())
    assert list(OUTER.lines())[:4] == [
        "first uint16 0",
        "inner struct 8 16",
        "inner.small uint8 8",
        "inner.large float64 16",
    ]
    assert "pair[2] struct 24 16" in list(OUTER.lines())


def test_numpy_sees_the_same() -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.frombuffer(OUTER.pack(VALUE), OUTER.dtype())[0]
    assert OUTER.dtype().itemsize == OUTER.size
    assert array["inner"]["large"] == 3.5
    assert array["pair"][1]["small"] == 6
    assert list(array["halves"]) == [8, 9, 10]


def test_the_bytes_are_the_machines_own() -> None:
    assert INNER.pack(Inner(1, 2.0)) == struct.pack("@Bd", 1, 2.0)
