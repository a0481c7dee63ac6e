from __future__ import annotations

from typing import Annotated, Any

import pytest

from ipcrt.errors import InvalidArgs
from ipcrt.shm.record import (
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Array,
    F32x2,
    F64x3,
    Record,
    record_shape,
)
from ipcrt.shm.shape import Scalar


class Every(Record):
    a: I8
    b: I16
    c: I32
    d: I64
    e: U8
    f: U16
    g: U32
    h: U64
    i: F32
    j: F64
    k: bool
    m: float


class Point(Record):
    x: F32
    y: F32 = 0.5


class Path(Record):
    start: Point
    points: Annotated[tuple[Point, ...], Array(Point, 3)]
    flags: Annotated[tuple[bool, ...], Array(bool, 2)]
    size: F32x2
    origin: F64x3


def test_every_annotation_is_its_number() -> None:
    kinds = [member.kind for member in record_shape(Every).members]
    assert [kind.name for kind in kinds if isinstance(kind, Scalar)] == [
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float32",
        "float64",
        "bool",
        "float64",
    ]


def test_records_nest_and_come_back() -> None:
    shape = record_shape(Path)
    path = Path(
        Point(1.0), (Point(2.0), Point(3.0, 4.0), Point(5.0)), (True, False), (6.0, 7.0), (1, 2, 3)
    )
    assert shape.unpack(shape.pack(path)) == path
    assert shape.size == 4 * 8 + 2 + 2 + 8 + 4 + 24


def test_a_record_does_not_change() -> None:
    with pytest.raises(AttributeError):
        Point(1.0).x = 2.0  # type: ignore[misc]


@pytest.mark.parametrize("hint", [int, str, "tuple[int, ...]", object])
def test_a_member_without_a_width_is_refused(hint: Any) -> None:
    class Odd(Record):
        pass

    made: Any = type("Odd", (Record,), {"__annotations__": {"a": hint}, "__module__": __name__})
    with pytest.raises(InvalidArgs, match=r"Odd\.a: .* has no fixed size"):
        record_shape(made)
    with pytest.raises(InvalidArgs, match="no members"):
        record_shape(Odd)


class Endless(Record):
    value: I32
    next: Endless


class Ping(Record):
    pong: Pong


class Pong(Record):
    pings: Annotated[tuple[Ping, ...], Array(Ping, 2)]


class Twice(Record):
    first: Inner
    second: Inner


class Inner(Record):
    value: F64


@pytest.mark.parametrize("endless", [Endless, Ping, Pong])
def test_a_record_in_itself_has_no_size(endless: type[Record]) -> None:
    with pytest.raises(InvalidArgs, match="holds itself"):
        record_shape(endless)


def test_a_record_may_be_there_twice() -> None:
    assert record_shape(Twice).size == 16


@pytest.mark.parametrize("kind", [int, 5, None, "Inner", Inner(1.0)])
def test_what_is_no_record_has_no_shape(kind: Any) -> None:
    with pytest.raises(InvalidArgs, match="is no Record"):
        record_shape(kind)


@pytest.mark.parametrize("count", [1.5, "2"])
def test_an_array_has_a_whole_number_of_elements(count: Any) -> None:
    annotation = Annotated[tuple[float, ...], Array(F32, count)]
    wrong = type("Wrong", (Record,), {"__annotations__": {"x": annotation}})
    with pytest.raises(InvalidArgs, match=r"Wrong\.x: .* is no number of elements"):
        record_shape(wrong)
