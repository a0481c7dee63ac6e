from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from ipcrt.bindings import enums
from ipcrt.bindings.codec import Codec
from ipcrt.bindings.enums import FlexibleUint8, FlexibleUint64, StrictUint64
from ipcrt.errors import RemoteProtocolError


class Colour(FlexibleUint8):
    RED = 1


class Taste(FlexibleUint8, unknown=9):
    SWEET = 1
    OTHER = 9


@pytest.mark.parametrize("name", ["Int8", "Int16", "Int32", "Int64"])
def test_signed_ranges(name: str) -> None:
    half = 1 << (int(name.removeprefix("Int")) - 1)
    cls = getattr(enums, f"Flexible{name}")("Some", {"A": 1})
    assert cls(-half).is_unknown
    assert cls(half - 1) == half - 1
    for value in (-half - 1, half):
        with pytest.raises(ValueError, match="not a valid"):
            cls(value)


@pytest.mark.parametrize("name", ["Uint8", "Uint16", "Uint32", "Uint64"])
def test_unsigned_ranges(name: str) -> None:
    top = 1 << int(name.removeprefix("Uint"))
    cls = getattr(enums, f"Flexible{name}")("Some", {"A": 1})
    assert cls(top - 1) == top - 1
    for value in (-1, top):
        with pytest.raises(ValueError, match="not a valid"):
            cls(value)


def test_an_unknown_value_is_a_value_like_others() -> None:
    unknown = Colour(7)
    assert unknown.is_unknown
    assert not Colour.RED.is_unknown
    assert unknown == Colour(7) == 7
    assert hash(unknown) == hash(Colour(7))
    assert unknown.name == "UNKNOWN_7"
    assert copy.copy(unknown) == pickle.loads(pickle.dumps(unknown)) == unknown  # noqa: S301


class Wide(FlexibleUint64):
    SMALL = 1
    LARGE = (1 << 64) - 1


class Odd(FlexibleUint8):
    UNKNOWN_5 = 6


class Narrow(StrictUint64):
    SMALL = 1
    LARGE = 1 << 63


def test_members_over_2_to_the_63() -> None:
    wide: Codec[Any] = Codec(Wide)
    narrow: Codec[Any] = Codec(Narrow)
    for codec, member in ((wide, Wide.LARGE), (wide, Wide.SMALL), (narrow, Narrow.LARGE)):
        body, _ = codec.encode(member)
        assert codec.decode(memoryview(body), []) is member
        assert type(member)(int(member)) is member
    assert not Wide.LARGE.is_unknown
    assert wide.decode(memoryview(b"\x02"), []).is_unknown
    for bad in (b"\x02", b"\xcf" + b"\xff" * 8):
        with pytest.raises(RemoteProtocolError):
            narrow.decode(memoryview(bad), [])
    with pytest.raises(ValueError, match="not a valid Narrow"):
        Narrow(2)


def test_a_member_may_be_called_as_an_unknown_one_would() -> None:
    assert Odd(5).is_unknown
    assert not Odd(6).is_unknown


def test_a_member_may_stand_for_what_is_unknown() -> None:
    assert Taste.OTHER.is_unknown
    assert Taste.OTHER.name == "OTHER"
    assert [*Taste] == [Taste.SWEET, Taste.OTHER]
    assert not Taste.SWEET.is_unknown
    assert Taste(7).is_unknown
    assert Taste(7) != Taste.OTHER
    assert Codec(Taste).encode(Taste(7))[0] == b"\x07"
    assert copy.copy(Taste.OTHER) is pickle.loads(pickle.dumps(Taste.OTHER)) is Taste.OTHER  # noqa: S301


def test_unknown_values_are_kept_nowhere() -> None:
    for value in range(2, 256):
        Colour(value)
    assert len(Colour) == 1
    assert len(Colour._value2member_map_) == 1


def test_nothing_but_an_integer_is_a_value() -> None:
    odd: list[Any] = ["1", 7.0, None]
    for value in odd:
        with pytest.raises(ValueError, match="not a valid"):
            Colour(value)


def test_on_the_wire() -> None:
    codec = Codec(Colour)
    assert codec.encode(Colour(9))[0] == b"\x09"
    assert codec.decode(memoryview(b"\x01"), []) is Colour.RED
    assert codec.decode(memoryview(b"\xcc\xff"), []).is_unknown
    for body in (b"\xcd\x01\x00", b"\xff", b"\xa1a"):
        with pytest.raises(RemoteProtocolError):
            codec.decode(memoryview(body), [])
