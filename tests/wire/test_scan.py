from __future__ import annotations

import re

import pytest

from ipcrt.errors import RemoteProtocolError
from ipcrt.wire._msgpack import unpackb
from ipcrt.wire.scan import scan


def _refused(data: bytes, message: str, handles: int = 0) -> None:
    for form in (data, memoryview(data)):
        with pytest.raises(RemoteProtocolError, match=f"^{re.escape(message)}$"):
            scan(form, handles)


# One value of each first byte, with nothing to spare.
WHOLE = [
    *(bytes([first]) for first in (*range(0x80), 0x80, 0x90, 0xA0, 0xC0, 0xC2, 0xC3)),
    *(bytes([first]) for first in range(0xE0, 0x100)),
    *(bytes([0x80 + count]) + b"\0\xc0" * count for count in range(1, 16)),
    *(bytes([0x90 + count]) + b"\xc0" * count for count in range(1, 16)),
    *(bytes([0xA0 + count]) + b"a" * count for count in range(1, 32)),
    *(bytes.fromhex(head) + b"a" * 3 for head in ("c403", "c50003", "c600000003")),
    *(bytes.fromhex(head) + b"a" * 3 for head in ("d903", "da0003", "db00000003")),
    *(bytes.fromhex(head) + b"\xc0" * 3 for head in ("dc0003", "dd00000003")),
    *(bytes.fromhex(head) + b"\0\xc0\1\xc0" for head in ("de0002", "df00000002")),
    *(bytes([first]) + bytes(1) for first in (0xCC, 0xD0)),
    *(bytes([first]) + bytes(2) for first in (0xCD, 0xD1)),
    *(bytes([first]) + bytes(4) for first in (0xCA, 0xCE, 0xD2)),
    *(bytes([first]) + bytes(8) for first in (0xCB, 0xCF, 0xD3)),
]


def test_the_whole_values_use_every_first_byte_that_is_allowed() -> None:
    extensions_and_none = {0xC1, 0xC7, 0xC8, 0xC9, *range(0xD4, 0xD9)}
    assert {data[0] for data in WHOLE} == set(range(256)) - extensions_and_none


@pytest.mark.parametrize("data", WHOLE, ids=bytes.hex)
def test_a_value_ends_where_msgpack_says_it_ends(data: bytes) -> None:
    unpackb(data, strict_map_key=False)
    assert scan(data, 0) == scan(memoryview(data), 0) == []
    _refused(data + b"\xc0", "1 bytes follow the value [B1]")
    for end in range(len(data)):
        with pytest.raises(RemoteProtocolError, match=r"\[B1\]$"):
            scan(data[:end], 0)


def test_handles_come_in_order_of_appearance() -> None:
    body = "93 d40102 81 a161 92 d40100 05 d40101"
    assert scan(bytes.fromhex(body), 3) == [2, 0, 1]


def test_depth_is_counted_over_arrays_and_maps() -> None:
    scan(b"\x91" * 32 + b"\xc0", 0)
    scan(b"\x81\x01" * 16 + b"\x91" * 16 + b"\xc0", 0)
    _refused(b"\x91" * 33 + b"\xc0", "33 arrays and maps are open at byte 33, at most 32 [B2]")
    _refused(b"\x91" * 32 + b"\x80", "33 arrays and maps are open at byte 33, at most 32 [B2]")
    _refused(b"\x91" * 9999, "33 arrays and maps are open at byte 33, at most 32 [B2]")


def test_many_containers_side_by_side_are_not_deep() -> None:
    scan(b"\xdc\xff\xff" + b"\x91\x80" * 0xFFFF, 0)


SCAN_BREACHES = [
    (b"", "the value is not complete after 0 bytes [B1]"),
    (b"\xc1", "byte 0xc1 begins no value [B1]"),
    (b"\xdd\xff\xff\xff\xff\xc0", "4294967295 values claimed, 1 bytes remain [B1]"),
    (b"\xdf\x80\0\0\0\xc0", "4294967296 values claimed, 1 bytes remain [B1]"),
    (b"\xdb\xff\xff\xff\xff", "the value is not complete after 5 bytes [B1]"),
    (b"\x92\xc6\xff\xff\xff\xff\0\0", "the value is not complete after 8 bytes [B1]"),
    (b"\xd4\x02\0", "extension type 2, expected 1 [B3]"),
    (b"\xd4\xff\0", "extension type 255, expected 1 [B3]"),
    (b"\xd5\x01\0\0", "extension 0xd5, expected a handle as d4 01 NN [B3]"),
    (b"\xc7\x01\x01\0", "extension 0xc7, expected a handle as d4 01 NN [B3]"),
    (b"\xd6\xff\0\0\0\1", "extension 0xd6, expected a handle as d4 01 NN [B3]"),
    (b"\xd4\x01", "handle index of 0 bytes, expected 1 [B3]"),
    (b"\xd4", "the value is not complete after 1 bytes [B1]"),
    (b"\x81\xc0\0", "map key begins with 0xc0, expected a string, bin or integer [B6]"),
    (b"\x81\xc3\0", "map key begins with 0xc3, expected a string, bin or integer [B6]"),
    (b"\x81\xd4\1\0\0", "map key begins with 0xd4, expected a string, bin or integer [B6]"),
    (b"\x82\0\0\x90\0", "map key begins with 0x90, expected a string, bin or integer [B6]"),
    (b"\x81\0\x81\x80\0", "map key begins with 0x80, expected a string, bin or integer [B6]"),
    (b"\xde\1\1" + bytes(514), "integer key in a map of more than 256 pairs [B6]"),
    (
        b"\xde\1\1" + b"\xa0\0" * 256 + b"\xd0\0\0",
        "integer key in a map of more than 256 pairs [B6]",
    ),
]


@pytest.mark.parametrize("data, message", SCAN_BREACHES, ids=[m for _, m in SCAN_BREACHES])
def test_a_breach_is_named(data: bytes, message: str) -> None:
    _refused(data, message)


@pytest.mark.parametrize(
    "body, handles, message",
    [
        ("d40100", 0, "handle index 0, the message has 0 [B4]"),
        ("d40101", 1, "handle index 1, the message has 1 [B4]"),
        ("d40140", 64, "handle index 64, the message has 64 [B4]"),
        ("92 d40100 d40100", 2, "handle index 0 used twice [B4]"),
        ("92 d40100 c0", 2, "the body names 1 handles, the message has 2 [B4]"),
        ("c0", 1, "the body names 0 handles, the message has 1 [B4]"),
    ],
)
def test_handles_are_held_against_the_message(body: str, handles: int, message: str) -> None:
    _refused(bytes.fromhex(body), message, handles)


def test_large_maps_may_have_texts_as_keys_and_small_ones_integers() -> None:
    scan(b"\xde\1\1" + b"\xa0\0" * 257, 0)
    scan(b"\xde\1\1" + b"\xc4\0\0" * 257, 0)
    scan(b"\xde\1\0" + bytes(512), 0)


def test_the_kind_of_the_outer_container_is_remembered() -> None:
    scan(bytes.fromhex("82 01 92 c0 c0 02 c0"), 0)  # after the array, 02 is a key again
    scan(bytes.fromhex("93 81 01 c0 c0 c3"), 0)  # after the map, c0 is a value again
