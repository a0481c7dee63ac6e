from __future__ import annotations

from typing import Any, TypeAlias

import pytest

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.structs import Struct
from ipcrt.bindings.union import UnknownVariant, Variant, as_payload
from ipcrt.bindings.unknown import UnknownMember
from ipcrt.errors import LocalProtocolError, RemoteProtocolError


class ShapeRound(Variant, frozen=True, tag=1):
    value: int


class ShapeSquare(Variant, frozen=True, tag=300):
    value: list[Shape]


Shape: TypeAlias = ShapeRound | ShapeSquare | UnknownVariant
StrictShape: TypeAlias = ShapeRound | ShapeSquare


class Holder(Struct, frozen=True):
    shape: Shape | None


@pytest.fixture
def codec() -> Codec[Shape]:
    return Codec(as_payload(Shape))


def test_ordinal_and_value(codec: Codec[Shape]) -> None:
    assert codec.encode(ShapeRound(7))[0] == b"\x92\x01\x07"
    nested = ShapeSquare([ShapeRound(1), ShapeSquare([])])
    body = codec.encode(nested)[0]
    assert body == b"\x92\xcd\x01\x2c\x92\x92\x01\x01\x92\xcd\x01\x2c\x90"
    assert codec.decode(memoryview(body), []) == nested


def test_an_unknown_member_wherever_it_stands(codec: Codec[Shape]) -> None:
    found = codec.decode(memoryview(b"\x92\x05\x93\x01\x02\x03"), [])
    assert isinstance(found, UnknownVariant)
    assert found.ordinal == 5
    assert found.data == b"\x93\x01\x02\x03"
    assert found == UnknownVariant(UnknownMember(5, b"\x93\x01\x02\x03"))
    nothing = UnknownVariant(UnknownMember(5, b"\xc0"))
    nested = codec.decode(memoryview(b"\x92\xcd\x01\x2c\x92\x92\x05\xc0\x92\x01\x07"), [])
    assert isinstance(nested, ShapeSquare)
    assert nested.value == [nothing, ShapeRound(7)]
    holder = Codec(Holder)
    assert holder.decode(memoryview(b"\x91\x92\x05\xc0"), []) == Holder(nothing)
    assert holder.decode(memoryview(b"\x91\xc0"), []) == Holder(None)


@pytest.mark.parametrize(
    "body",
    [
        b"\x92\x05\x93\x01\x02\x03",
        b"\x92\x05\xc0",
        b"\x92\x05\x90",
        b"\x92\xce\x00\x01\x00\x00\x92\x00\x01",  # looks like what stands for one
        b"\x92\xcd\x01\x2c\x93\x92\x05\xc0\x92\x01\x07\x92\x06\x81\xa1a\x90",
    ],
)
def test_an_unknown_member_is_sent_as_it_came(codec: Codec[Shape], body: bytes) -> None:
    found = codec.decode(memoryview(body), [])
    assert codec.encode(found)[0] == body
    assert Codec(Holder).encode(Holder(found))[0] == b"\x91" + body


@pytest.mark.parametrize(
    "unknown",
    [
        UnknownMember(5, None),  # it held handles
        UnknownMember(0, b"\xc0"),
        UnknownMember(-1, b"\xc0"),
        UnknownMember(1 << 64, b"\xc0"),
        UnknownMember(5, b""),
        UnknownMember(5, b"\xc0\xc0"),
        UnknownMember(5, b"\xd4\x01\x00"),
        UnknownMember(1, b"\xa1a"),  # a member that is known, and is no text
    ],
    ids=repr,
)
def test_what_is_no_member_cannot_be_sent(codec: Codec[Shape], unknown: UnknownMember) -> None:
    for shape in (UnknownVariant(unknown), ShapeSquare([UnknownVariant(unknown)])):
        with pytest.raises(LocalProtocolError):
            codec.encode(shape)


@pytest.mark.parametrize(
    "body",
    [
        b"\x92\x00\x07",  # no ordinal
        b"\x92\xff\x07",
        b"\x92\xa1a\x07",
        b"\x91\x01",
        b"\x93\x01\x07\x07",
        b"\x93\x05\x07\x07",
        b"\x92\x01\xa1a",
        b"\xc0",
        b"\x92\x05",
        b"\x92\x05" + b"\x91" * 40 + b"\x90",  # too deep
        b"\x92\x05\x82\x01\xc0\x01\xc0",  # a key twice, where nobody looks
        b"\x92\x05\xa1\xff",  # no UTF-8
    ],
)
def test_what_is_no_union_is_refused(codec: Codec[Shape], body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        codec.decode(memoryview(body), [])


def test_a_strict_union_refuses_the_unknown() -> None:
    codec: Codec[StrictShape] = Codec(as_payload(StrictShape))
    with pytest.raises(RemoteProtocolError):
        codec.decode(memoryview(b"\x92\x05\x07"), [])
    stray: Any = UnknownVariant(UnknownMember(5, b"\x07"))
    with pytest.raises(LocalProtocolError):
        codec.encode(stray)
