"""A flat struct in one go: the bytes are msgspec's, and so is what is refused."""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, inspect, msgpack

from ipcrt.bindings import checked
from ipcrt.bindings.scalars import Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64
from ipcrt.bindings.structs import Struct
from tests._speedups.twins import growth_in_blocks, native


class Numbers(Struct):
    i8: Int8 = 0
    i16: Int16 = 0
    i32: Int32 = 0
    i64: Int64 = 0
    u8: Uint8 = 0
    u16: Uint16 = 0
    u32: Uint32 = 0
    u64: Uint64 = 0
    any: int = 0


class Others(Struct):
    truth: bool = False
    ratio: float = 0.0
    text: str = ""
    data: bytes = b""


class Empty(Struct):
    pass


class Derived(Others):
    pass


class Above(Struct):
    number: Annotated[int, Meta(ge=5)]


class Even(Struct):
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError(f"{self.number} is odd")


class Long(Struct):
    text: Annotated[str, Meta(max_length=5)]


def made(type_: type[Any], members: tuple[checked.Member, ...] | None = None) -> Any:
    if members is None:
        members = checked._flat_members(inspect.type_info(type_))
    twin = native().twin("checked_encoder", checked._checked_encoder)
    return twin(type_, members, msgpack.Encoder().encode, msgpack.Decoder(type_).decode)


def pure(type_: type[Any]) -> Any:
    encode, decode = msgpack.Encoder().encode, msgpack.Decoder(type_).decode
    return checked._checked_encoder(type_, (), encode, decode)


def outcome(encode: Any, value: Any) -> object:
    try:
        return encode(value)
    except Exception as error:  # noqa: BLE001  (it is compared)
        return type(error), str(error)


EDGES = [sign * (1 << bits) + more for bits in (5, 7, 8, 15, 16, 31, 32, 63, 64) for sign in (1, -1)
         for more in (-1, 0, 1)]  # fmt: skip
INTS = st.sampled_from(EDGES) | st.integers(-(1 << 70), 1 << 70)
WRONG = st.none() | st.booleans() | st.text(max_size=3) | st.floats() | st.binary(max_size=3)
NUMBERS: st.SearchStrategy[Any] = INTS | st.integers(-200, 200)
TEXTS = st.text(max_size=40) | st.integers(0, 1200).map("é".__mul__) | st.just("\ud800")
DATA = st.binary(max_size=40) | st.integers(0, 1200).map(bytes) | st.binary().map(bytearray)


@given(st.integers(0, 8), NUMBERS | WRONG)
def test_numbers(at: int, number: Any) -> None:
    value = Numbers(**{Numbers.__struct_fields__[at]: number})
    assert outcome(made(Numbers), value) == outcome(pure(Numbers), value)


@pytest.mark.parametrize("name", Numbers.__struct_fields__)
def test_every_edge_of_every_number(name: str) -> None:
    encode, expected = made(Numbers), pure(Numbers)
    for number in EDGES:
        value = Numbers(**{name: number})
        assert outcome(encode, value) == outcome(expected, value)


@given(
    st.booleans() | WRONG,
    st.floats() | st.sampled_from([math.nan, math.inf, -0.0]) | WRONG | NUMBERS,
    TEXTS | WRONG,
    DATA | WRONG,
)
def test_others(truth: Any, ratio: Any, text: Any, data: Any) -> None:
    value = Others(truth, ratio, text, data)
    assert outcome(made(Others), value) == outcome(pure(Others), value)


@pytest.mark.parametrize("size", [30, 31, 32, 33, 254, 255, 256, 257, 1015, 1020, 1024, 70_000])
def test_every_length_of_text_and_bytes(size: int) -> None:
    for value in (Others(text="x" * size), Others(data=bytes(size))):
        assert made(Others)(value) == pure(Others)(value)


@pytest.mark.parametrize(
    "value", [Derived(), Numbers(), None, 5, [False, 0.0, "", b""], object(), Others]
)
def test_another_type(value: object) -> None:
    assert outcome(made(Others), value) == outcome(pure(Others), value)


def test_what_is_flat() -> None:
    class Nested(Struct):
        inner: Others
        number: int

    many = msgspec.defstruct("Many", [(f"m{at}", int, 0) for at in range(16)], bases=(Struct,))
    assert len(checked._flat_members(inspect.type_info(Numbers))) == 9
    assert len(checked._flat_members(inspect.type_info(Others))) == 4
    for type_ in (Empty, Nested, Above, Long, many, int):
        assert checked._flat_members(inspect.type_info(type_)) == ()
    for value in (Empty(), Above(7), Above(3), Long("12345"), Long("123456"), many()):
        assert outcome(made(type(value)), value) == outcome(pure(type(value)), value)


def test_what_a_struct_itself_refuses() -> None:
    value = Even(2)
    assert outcome(made(Even), value) == outcome(pure(Even), value)
    msgspec.structs.force_setattr(value, "number", 3)
    assert outcome(made(Even), value) == outcome(pure(Even), value)
    assert isinstance(outcome(made(Even), value), tuple)


def test_it_is_used_for_what_it_is_for() -> None:
    """Where nothing is refused, msgspec is not called."""

    def refuse(value: object) -> Any:
        raise AssertionError(value)

    members = checked._flat_members(inspect.type_info(Others))
    twin = native().twin("checked_encoder", checked._checked_encoder)
    assert twin(Others, members, refuse, refuse)(Others(True, 1.5, "é", b"1")) == pure(Others)(
        Others(True, 1.5, "é", b"1")
    )


def test_a_maker_wants_members_that_are_there() -> None:
    for members in (
        (("truth", dict, 0, 0),),
        (("nonesuch", int, 0, 0),),
        (("__doc__", int, 0, 0),),
        (("truth", bool, 0, 0),) * 16,
        ((1, 2),),
        (5,),
    ):
        with pytest.raises((TypeError, AttributeError)):
            made(Others, members)  # type: ignore[arg-type]


def test_it_keeps_nothing() -> None:
    encode = made(Others)
    values = [Others(True, 0.5, "é", b"1"), Others(1), Others(text="x" * 2000)]  # type: ignore[arg-type]

    def call() -> None:
        for value in values:
            outcome(encode, value)

    assert growth_in_blocks(call, 300) < 20
    assert growth_in_blocks(lambda: made(Others), 300) < 20
