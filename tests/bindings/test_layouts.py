from __future__ import annotations

import enum
from pathlib import Path as FilePath
from typing import Annotated, Any

import pytest
from msgspec import Meta

from ipcrt.bindings.bits import FlexibleBits16, StrictBits
from ipcrt.bindings.enums import FlexibleInt8, FlexibleUint32
from ipcrt.bindings.layouts import layout_of, section_of, shape_of
from ipcrt.bindings.scalars import (
    Float32,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
)
from ipcrt.bindings.structs import Struct
from ipcrt.errors import InvalidArgs, ProtocolError
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.layout import Layout, Section
from ipcrt.shm.record import F32, U32, Array, Record
from ipcrt.shm.shape import Scalar
from ipcrt.shm.shared_state import SharedState
from ipcrt.shm.state_reader import StateReader
from tests.fidl.gen.compiling import compile_ir, load


class Colour(FlexibleUint32):
    RED = 1


class Side(FlexibleInt8):
    LEFT = -1


class Strict(enum.IntEnum):
    ONE = 1
    TWO = 2


class Flags(FlexibleBits16):
    A = 1
    B = 2


class Few(StrictBits):
    A = 1


class Every(Struct):
    a: Int8
    b: Int16
    c: Int32
    d: Int64
    e: Uint8
    f: Uint16
    g: Uint32
    h: Uint64
    i: Float32
    j: float
    k: bool
    m: Colour
    n: Side
    o: Strict
    p: Flags
    q: Few


class Point(Struct):
    x: Float32
    y: Float32


class Path(Struct):
    start: Point
    points: Annotated[list[Point], Meta(min_length=2, max_length=2)]
    sizes: Annotated[list[Uint32], Meta(min_length=3, max_length=3)]
    colours: Annotated[list[Colour], Meta(min_length=2, max_length=2)]


class Devices(Struct):
    start: Point
    path: Path


class TwinPoint(Record):
    x: F32
    y: F32


class TwinPath(Record):
    start: TwinPoint
    points: Annotated[tuple[TwinPoint, ...], Array(TwinPoint, 2)]
    sizes: Annotated[tuple[int, ...], Array(U32, 3)]
    colours: Annotated[tuple[int, ...], Array(U32, 2)]


PATH = Path(Point(1.0, 2.0), [Point(3.0, 4.0), Point(5.0, 6.0)], [7, 8, 9], [Colour.RED, Colour(9)])


def test_each_member_has_its_width() -> None:
    kinds = [member.kind for member in shape_of(Every).members]
    names = [kind.name for kind in kinds if isinstance(kind, Scalar)]
    assert names == [
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float32", "float64", "bool", "uint32", "int8", "int64", "uint16", "uint64"),
    ]


def test_values_come_back_as_the_contracts_classes() -> None:
    value = Every(
        *(-1, -2, -3, -4, 1, 2, 3, (1 << 64) - 1, 0.5, 0.25, True),
        *(Colour.RED, Side.LEFT, Strict.TWO, Flags.A | Flags.B, Few.A),
    )
    shape = shape_of(Every)
    back = shape.unpack(shape.pack(value))
    assert back == value
    assert type(back.m) is Colour
    assert type(back.p) is Flags
    assert shape_of(Path).unpack(shape_of(Path).pack(PATH)) == PATH


def test_what_a_strict_type_does_not_list_is_refused() -> None:
    class One(Struct):
        it: Strict

    with pytest.raises(ProtocolError, match="One"):
        shape_of(One).unpack((3).to_bytes(8, "little"))


def test_a_class_and_a_contract_with_the_same_members_agree() -> None:
    by_class = Layout("paths", (Section("path", TwinPath),))
    assert Layout("paths", (section_of("path", Path),)).hash == by_class.hash


def test_a_struct_of_structs_is_a_layout() -> None:
    layout = layout_of(Devices)
    assert layout.name == "Devices"
    path = layout.section("path", Path)
    with (
        SharedState.create(layout) as state,
        StateReader.attach(state.share(), layout_of(Devices)) as reader,
    ):
        state.publish(path, PATH)
        assert reader.read("path") == PATH
        assert reader.version("start") == 0
    with pytest.raises(InvalidArgs, match=r"Path\.points is no section"):
        layout_of(Path)


@pytest.mark.parametrize(
    "hint",
    [
        str,
        bytes,
        int,
        Vmo,
        "list[Uint8]",
        "Annotated[list[Uint8], Meta(max_length=3)]",
        "Point | None",
        "dict[str, Uint8]",
    ],
)
def test_what_has_no_fixed_size_is_refused(hint: Any) -> None:
    odd: Any = type("Odd", (Struct,), {"__annotations__": {"it": hint}, "__module__": __name__})
    with pytest.raises(InvalidArgs, match=r"Odd\.it has no fixed size"):
        shape_of(odd)
    with pytest.raises(InvalidArgs, match="int is no struct"):
        shape_of(int)  # type: ignore[type-var]


CONTRACT = """
library example.devices;

type Hand = strict enum : uint8 { LEFT = 1; RIGHT = 2; };
type Seen = flexible bits : uint8 { POSITION = 1; ROTATION = 2; };
type Quat = struct { x float32; y float32; z float32; w float32; };
type Head = struct { timestamp int64; seen Seen; rotation Quat; position array<float32, 3>; };
type Hands = struct { hand Hand; joints array<Quat, 26>; };
type Devices = struct { head Head; hands Hands; };
"""


def test_a_layout_is_declared_in_fidl(tmp_path: FilePath) -> None:
    made = load(compile_ir(tmp_path, CONTRACT), "generated_devices")
    layout = layout_of(made.Devices, "devices")
    head = layout.section("head", made.Head)
    value = made.Head(5, made.Seen.POSITION, made.Quat(0.0, 0.0, 0.0, 1.0), [1.0, 2.0, 3.0])
    hands = made.Hands(made.Hand.RIGHT, [made.Quat(1.0, 0.0, 0.0, float(n)) for n in range(26)])
    with (
        SharedState.create(layout) as state,
        StateReader.attach(state.share(), layout) as reader,
    ):
        state.publish(head, value)
        state.publish("hands", hands)
        assert reader.read(head) == value
        assert reader.read("hands") == hands
