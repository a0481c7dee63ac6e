from __future__ import annotations

import pytest

from ipcrt.bindings import bits
from ipcrt.bindings.bits import FlexibleBits8, FlexibleBits64, StrictBits
from ipcrt.bindings.codec import Codec
from ipcrt.errors import RemoteProtocolError


class Access(StrictBits):
    READ = 1
    WRITE = 2


class Options(FlexibleBits8):
    FAST = 1
    LOUD = 4


def test_combinations() -> None:
    assert Access(3) == Access.READ | Access.WRITE
    assert isinstance(Access.READ | Access.WRITE, Access)
    assert Access.READ in Access(3)
    assert [*Access(3)] == [Access.READ, Access.WRITE]
    assert not Access(0)


def test_the_opposite_is_what_is_known_and_not_set() -> None:
    assert ~Options.FAST == Options.LOUD
    assert ~Options(0x81) == Options.LOUD
    assert ~Access(0) == Access(3)
    assert Access(3) & ~Access.READ == Access.WRITE


class Top(StrictBits):
    LOW = 1
    HIGH = 1 << 63


class LooseTop(FlexibleBits64):
    LOW = 1
    HIGH = 1 << 63


@pytest.mark.parametrize("cls", [Top, LooseTop])
def test_the_highest_bit_may_have_a_name(cls: type[Top | LooseTop]) -> None:
    codec = Codec(cls)
    for value in (cls.LOW, cls.HIGH, cls.LOW | cls.HIGH, cls(0)):
        body, _ = codec.encode(value)
        assert codec.decode(memoryview(body), []) == value
    assert codec.decode(memoryview(b"\xcf\x80" + bytes(7)), []) is cls.HIGH
    assert [*cls.HIGH | cls.LOW] == [cls.LOW, cls.HIGH]
    assert ~cls.LOW == cls.HIGH


def test_strict_bits_refuse_unknown_ones() -> None:
    for value in (4, 1 << 64, -1):
        with pytest.raises(ValueError, match=r"invalid|no Access"):
            Access(value)


@pytest.mark.parametrize("width", [8, 16, 32, 64])
def test_flexible_bits_keep_unknown_ones_within_their_width(width: int) -> None:
    cls = getattr(bits, f"FlexibleBits{width}")("Some", {"A": 1})
    assert cls((1 << width) - 1).unknown == (1 << width) - 2
    for value in (1 << width, -1):
        with pytest.raises(ValueError, match="no Some"):
            cls(value)


def test_unknown_bits_are_kept_nowhere() -> None:
    for value in range(256):
        Options(value)
    assert len(Options._value2member_map_) <= 2


def test_on_the_wire() -> None:
    flexible, strict = Codec(Options), Codec(Access)
    assert flexible.encode(Options(0x85))[0] == b"\xcc\x85"
    assert flexible.decode(memoryview(b"\xcc\x85"), []) == Options(0x85)
    assert strict.decode(memoryview(b"\x03"), []) == Access(3)
    for body in (b"\x04", b"\xff", b"\xa1a"):
        with pytest.raises(RemoteProtocolError):
            strict.decode(memoryview(body), [])
    for body in (b"\xcd\x01\x00", b"\xff"):
        with pytest.raises(RemoteProtocolError):
            flexible.decode(memoryview(body), [])
