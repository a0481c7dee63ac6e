from __future__ import annotations

import re
import struct

import pytest

from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import Frame, encode, split
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE, MAX_ORDINAL, MORE, SPILLED, VERSION_1
from ipcrt.wire.limits import MAX_INLINE_BODY_BYTES, MAX_MESSAGE_BYTES, MAX_PACKET_BYTES

ORDINAL = 0x497C7A205CA2F6E7
LITERAL = bytes.fromhex("07000000 0300 02 23 e7f6a25c207a7c49 920203")


def _header(
    txid: int = 7,
    length: int = 0,
    handles: int = 0,
    flags: int = VERSION_1,
    ordinal: int = ORDINAL,
) -> bytes:
    return struct.pack("<IHBBQ", txid, length, handles, flags, ordinal)


def _refused(packet: bytes, handles: int, message: str, limit: int = MAX_MESSAGE_BYTES) -> None:
    with pytest.raises(RemoteProtocolError, match=f"^{re.escape(message)}$"):
        split(memoryview(packet), handles, limit)


def _plain(frame: Frame) -> tuple[int, int, int, bytes, int, int]:
    txid, ordinal, flags, body, first, count = frame
    return txid, ordinal, flags, bytes(body), first, count


def test_one_message_is_these_bytes() -> None:
    assert encode(7, ORDINAL, MORE | FLEXIBLE, b"\x92\x02\x03", 2) == LITERAL


def test_these_bytes_are_one_message() -> None:
    [frame] = split(memoryview(LITERAL), 2)
    flags = VERSION_1 | MORE | FLEXIBLE
    assert _plain(frame) == (7, ORDINAL, flags, b"\x92\x02\x03", 0, 2)


@pytest.mark.parametrize("size", [0, 1, MAX_INLINE_BODY_BYTES])
def test_a_body_that_fits_is_inline(size: int) -> None:
    packet = encode(0xFFFF_FFFF, MAX_ORDINAL, 0, bytes(size), 64)
    assert len(packet) == 16 + size <= MAX_PACKET_BYTES
    [frame] = split(memoryview(packet), 64)
    assert _plain(frame) == (0xFFFF_FFFF, MAX_ORDINAL, VERSION_1, bytes(size), 0, 64)


def test_messages_that_share_a_packet_share_its_handles_in_order() -> None:
    packet = b"".join(
        encode(txid, ORDINAL + txid, 0, bytes([txid] * txid), handles)
        for txid, handles in enumerate((1, 0, 3, 60))
    )
    frames = [_plain(frame) for frame in split(memoryview(packet), 64)]
    assert frames == [
        (0, ORDINAL, VERSION_1, b"", 0, 1),
        (1, ORDINAL + 1, VERSION_1, b"\1", 1, 0),
        (2, ORDINAL + 2, VERSION_1, b"\2\2", 1, 3),
        (3, ORDINAL + 3, VERSION_1, b"\3\3\3", 4, 60),
    ]


def test_as_many_messages_as_a_packet_can_hold() -> None:
    packet = encode(1, ORDINAL, 0, b"") * (MAX_PACKET_BYTES // 16)
    assert len(split(memoryview(packet), 0)) == 4096


def test_an_epitaph_may_follow_messages() -> None:
    frames = split(memoryview(encode(1, ORDINAL, 0, b"\x90") + encode_epitaph(-24)), 0)
    assert [frame[1] for frame in frames] == [ORDINAL, EPITAPH_ORDINAL]


def test_an_epitaph_of_one_call_may_be_followed() -> None:
    packet = encode_epitaph(-1, 7) + encode(1, ORDINAL, 0, b"\x90")
    frames = split(memoryview(packet), 0)
    assert [frame[:2] for frame in frames] == [(7, EPITAPH_ORDINAL), (1, ORDINAL)]


@pytest.mark.parametrize("count", [1, 2])
def test_bodies_are_views_not_copies(count: int) -> None:
    buffer = bytearray(LITERAL * count)
    frames = split(memoryview(buffer), 2 * count)
    buffer[-1] = 9
    assert bytes(frames[-1][3]) == b"\x92\x02\x09"


def test_a_long_body_is_spilled() -> None:
    body = bytes(MAX_INLINE_BODY_BYTES + 1)
    data = encode(7, ORDINAL, MORE, body, 3)
    assert data[:16] == _header(handles=3, flags=VERSION_1 | MORE | SPILLED)
    [frame] = split(memoryview(data), 3)
    assert _plain(frame) == (7, ORDINAL, VERSION_1 | MORE | SPILLED, body, 0, 3)


# One way to break each rule; more stand in docs/wire-format.md.
SHORT = _header()
LONG = bytes(MAX_INLINE_BODY_BYTES + 1)
EPITAPH = EPITAPH_ORDINAL
BREACHES = [
    (b"", 0, "0 bytes where a header of 16 must be [R1]"),
    (SHORT[:15], 0, "15 bytes where a header of 16 must be [R1]"),
    (SHORT + b"\0", 0, "1 bytes where a header of 16 must be [R1]"),
    (_header(length=0xFFF1) + LONG, 0, "packet of 65537 bytes exceeds 65536 [R2]"),
    (SHORT * 4097, 0, "packet of 65552 bytes exceeds 65536 [R2]"),
    (_header(flags=0xA0), 0, "wire version 5, expected 1 [R3]"),
    (_header(flags=0) + LONG, 0, "wire version 0, expected 1 [R3]"),
    (_header(flags=VERSION_1 | 0x08), 0, "reserved flag bits 0x08 are set [R4]"),
    (_header(flags=VERSION_1 | 0x10), 0, "reserved flag bits 0x10 are set [R4]"),
    (_header(flags=0x3C) + LONG, 0, "reserved flag bits 0x18 are set [R4]"),
    (_header(length=70) + bytes(12), 0, "body of 70 bytes claimed, 12 remain in the packet [R5]"),
    (_header(handles=1), 0, "1 handles claimed, 0 remain in the packet [R6]"),
    (_header(handles=1) * 2, 1, "1 handles claimed, 0 remain in the packet [R6]"),
    (SHORT, 2, "2 of 2 handles belong to no message [R6]"),
    (_header(handles=2) * 2, 5, "1 of 5 handles belong to no message [R6]"),
    (_header(handles=65), 65, "packet with 65 handles exceeds 64 [R6]"),
    (_header(flags=0x24) + LONG, 1, "0 handles claimed, 1 came with the message [R6]"),
    (_header(flags=0x24, handles=1) + LONG, 0, "1 handles claimed, 0 came with the message [R6]"),
    (_header(flags=0x24), 0, "spilled message in a packet of 16 bytes, expected more [R7]"),
    (
        SHORT + _header(flags=0x24) + LONG[:-17],
        0,
        "spilled message in a packet of 65536 bytes, expected more [R7]",
    ),
    (SHORT + _header(flags=0x24) + LONG, 0, "packet of 65553 bytes exceeds 65536 [R2]"),
    (
        _header(flags=0x24, length=1) + LONG,
        0,
        "spilled message with 1 in its length field, expected 0 [R7]",
    ),
    (_header(ordinal=0), 0, "ordinal 0x0 is neither a method's nor the epitaph's [R8]"),
    (
        _header(ordinal=1 << 63),
        0,
        "ordinal 0x8000000000000000 is neither a method's nor the epitaph's [R8]",
    ),
    (
        _header(ordinal=0, flags=0x24) + LONG,
        0,
        "ordinal 0x0 is neither a method's nor the epitaph's [R8]",
    ),
    (_header(txid=0, ordinal=EPITAPH, handles=1), 1, "epitaph with 1 handles, expected 0 [R9]"),
    (_header(txid=0, ordinal=EPITAPH) + SHORT, 0, "16 bytes too many after an epitaph [R9]"),
    (
        _header(txid=0, ordinal=EPITAPH, flags=0x24) + LONG,
        0,
        "65521 bytes too many after an epitaph [R9]",
    ),
]


@pytest.mark.parametrize(
    "packet, handles, message", BREACHES, ids=[message for _, _, message in BREACHES]
)
def test_a_breach_is_named(packet: bytes, handles: int, message: str) -> None:
    _refused(packet, handles, message)


def test_every_rule_has_its_breach() -> None:
    named = {message[-3:-1] for _, _, message in BREACHES}
    assert named == {f"R{number}" for number in range(1, 10)}


def test_a_breach_in_the_last_message_condemns_the_first() -> None:
    good = encode(1, ORDINAL, 0, b"\xc0")
    _refused(good + _header(flags=0x40), 0, "wire version 2, expected 1 [R3]")


def test_a_receiver_may_accept_less() -> None:
    data = encode(7, ORDINAL, 0, LONG)
    assert len(split(memoryview(data), 0, 65537)) == 1
    _refused(data, 0, "message of 65537 bytes exceeds 65536 [R2]", 65536)


def test_no_message_looks_like_a_spill_record() -> None:
    _refused(b"\x89IPCSPL\n" + bytes(8), 1, "wire version 0, expected 1 [R3]")


TRUNCATED = {
    "one": (LITERAL, 2),
    "three": (LITERAL + encode(8, ORDINAL, 0, b"") + encode(0, 9, 0, b"\xc0" * 9, 1), 3),
    "epitaph": (LITERAL + encode_epitaph(-(2**31)), 2),
}


@pytest.mark.parametrize("name", TRUNCATED)
def test_a_packet_cut_anywhere_is_refused(name: str) -> None:
    packet, handles = TRUNCATED[name]
    assert split(memoryview(packet), handles)
    for end in range(len(packet)):
        try:
            frames = split(memoryview(packet[:end]), handles)
        except RemoteProtocolError:
            continue
        # Only a cut between messages leaves a packet, and then all handles are accounted for.
        assert sum(len(frame[3]) + 16 for frame in frames) == end
        assert sum(frame[5] for frame in frames) == handles


@pytest.mark.parametrize(
    "fields, message",
    [
        ((1, 0, 0, 0), "ordinal 0 is not in 1..9223372036854775807 [R8]"),
        ((1, 1 << 63, 0, 0), f"ordinal {1 << 63} is not in 1..9223372036854775807 [R8]"),
        ((0, EPITAPH, 0, 0), f"ordinal {EPITAPH} is not in 1..9223372036854775807 [R8]"),
        ((1, 5, SPILLED, 0), "flags 0x04 hold more than MORE and FLEXIBLE [R4]"),
        ((1, 5, 0x08, 0), "flags 0x08 hold more than MORE and FLEXIBLE [R4]"),
        ((1, 5, 0x40, 0), "flags 0x40 hold more than MORE and FLEXIBLE [R4]"),
        ((1, 5, -1, 0), "flags 0x-1 hold more than MORE and FLEXIBLE [R4]"),
        ((1, 5, 0, 65), "65 handles exceed 64 [R6]"),
    ],
)
@pytest.mark.parametrize("body", [b"", LONG], ids=["inline", "spilled"])
def test_a_message_that_breaks_a_rule_is_not_encoded(
    fields: tuple[int, int, int, int], message: str, body: bytes
) -> None:
    txid, ordinal, flags, handles = fields
    with pytest.raises(LocalProtocolError, match=f"^{re.escape(message)}$"):
        encode(txid, ordinal, flags, body, handles)


@pytest.mark.parametrize(
    "txid, flags, handles", [(-1, 0, 0), (1 << 32, 0, 0), (1, 0, -1), (1, 256, 0)]
)
def test_a_value_that_no_field_holds_is_not_encoded(txid: int, flags: int, handles: int) -> None:
    with pytest.raises(LocalProtocolError):
        encode(txid, ORDINAL, flags, b"", handles)


def test_a_message_beyond_the_limit_is_not_encoded() -> None:
    body = bytes(MAX_MESSAGE_BYTES - 15)  # never written, so never backed by memory
    with pytest.raises(LocalProtocolError, match=r"268435457 bytes exceeds 268435456 \[R2\]"):
        encode(1, ORDINAL, 0, body)
