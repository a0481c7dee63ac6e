from __future__ import annotations

import re
import tracemalloc
from typing import Any

import pytest

from ipcrt.errors import LocalProtocolError, NotFound, RemoteProtocolError
from ipcrt.wire._msgpack import ext_type
from ipcrt.wire.body import decode_value, encode_value
from ipcrt.wire.limits import MAX_INLINE_BODY_BYTES

LONG = MAX_INLINE_BODY_BYTES + 1


class Handle:
    """Stands for whatever the caller means by a handle; no value of MessagePack's."""


def _refused(data: bytes, handles: int, message: str) -> None:
    for form in (data, memoryview(data)):
        with pytest.raises(RemoteProtocolError, match=re.escape(message)):
            decode_value(form, lambda index: index, handles)


VALUES: list[Any] = [
    None,
    True,
    -1,
    2**64 - 1,
    -(2**63),
    1.5,
    "",
    "café",
    b"\xff\xd6\xff",
    [],
    {},
    [1, [2, {"a": b"b", 3: None, b"k": []}]],
    {number: number for number in range(256)},
    {str(number): number for number in range(300)},
    [[number] for number in range(100)],
    b"\x91" * LONG,
    [None] * LONG,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_a_value_comes_back(value: Any) -> None:
    data = encode_value(value)
    for form in (data, memoryview(data), memoryview(bytearray(data))):
        back = decode_value(form)
        assert back == value
        assert type(back) is type(value)


def test_what_is_decoded_outlives_the_buffer() -> None:
    buffer = bytearray(encode_value(["text", b"bin"]))
    value = decode_value(memoryview(buffer))
    buffer[:] = bytes(len(buffer))
    assert value == ["text", b"bin"]


def test_tuples_and_subclasses_go_out_as_their_kind() -> None:
    class Number(int):
        pass

    assert decode_value(encode_value((1, Number(2), bytearray(b"x")))) == [1, 2, b"x"]


def test_handles_go_through_the_callers_hands() -> None:
    first, second = Handle(), Handle()
    placed: list[object] = []

    def put(item: object) -> int:
        placed.append(item)
        return len(placed) - 1

    data = encode_value({"a": [first, 5], "b": second}, put)
    assert placed == [first, second]
    assert data == bytes.fromhex("82 a161 92 d40100 05 a162 d40101")
    assert decode_value(data, placed.__getitem__, 2) == {"a": [first, 5], "b": second}


def test_without_get_a_body_with_handles_is_refused_by_name() -> None:
    with pytest.raises(LocalProtocolError, match="2 handles, and nobody to take them"):
        decode_value(bytes.fromhex("92 d40100 d40101"), None, 2)


def test_get_is_asked_once_for_each_handle_and_its_error_passes() -> None:
    asked: list[int] = []

    def get(index: int) -> object:
        asked.append(index)
        if index == 0:
            raise NotFound("no such handle")
        return index

    with pytest.raises(NotFound, match="no such handle"):
        decode_value(bytes.fromhex("93 d40101 d40100 d40102"), get, 3)
    assert asked == [1, 0]


@pytest.mark.parametrize(
    "body", ["93 d40101 d40100 c1", "93 d40101 d40100", "93 d40101 d40100 81 c0 c0"]
)
def test_get_is_never_asked_about_a_body_with_a_broken_form(body: str) -> None:
    def get(index: int) -> object:
        pytest.fail(f"asked for {index}")

    with pytest.raises(RemoteProtocolError):
        decode_value(bytes.fromhex(body), get, 2)


BODY_BREACHES = [
    ("", 0, "the value is not complete after 0 bytes [B1]"),
    ("9202", 0, "2 values claimed, 1 bytes remain [B1]"),
    ("92cc", 0, "2 values claimed, 1 bytes remain [B1]"),
    ("91cc", 0, "the value is not complete after 2 bytes [B1]"),
    ("c0c0", 0, "1 bytes follow the value [B1]"),
    ("c1", 0, "byte 0xc1 begins no value [B1]"),
    ("91" * 33 + "c0", 0, "33 arrays and maps are open at byte 33, at most 32 [B2]"),
    ("91" * 70000, 0, "33 arrays and maps are open at byte 33, at most 32 [B2]"),
    ("d6ff00000001", 0, "extension 0xd6, expected a handle as d4 01 NN [B3]"),
    ("c70cff" + "00" * 12, 0, "extension 0xc7, expected a handle as d4 01 NN [B3]"),
    ("d40200", 1, "extension type 2, expected 1 [B3]"),
    ("d40100", 0, "handle index 0, the message has 0 [B4]"),
    ("d40101", 1, "handle index 1, the message has 1 [B4]"),
    ("c0", 1, "the body names 0 handles, the message has 1 [B4]"),
    ("91d40100", 2, "the body names 1 handles, the message has 2 [B4]"),
    ("a2c328", 0, "[B5]"),
    ("a3eda080", 0, "[B5]"),  # a lone surrogate
    ("81a2c32800", 0, "[B5]"),
    ("819000", 0, "map key is list [B6]"),
    ("818000", 0, "map key is dict [B6]"),
    ("81c000", 0, "map key is NoneType [B6]"),
    ("81c200", 0, "map key is bool [B6]"),
    ("81cb" + "00" * 9, 0, "map key is float [B6]"),
    ("8201c001c3", 0, "1 of 2 map keys appear twice [B6]"),
    ("8301c0cc01c301c0", 0, "2 of 3 map keys appear twice [B6]"),
    ("82a161c0a161c3", 0, "1 of 2 map keys appear twice [B6]"),
    ("de0101" + "00" * 514, 0, "integer key in a map of 257 pairs, at most 256 [B6]"),
]


@pytest.mark.parametrize(
    "body, handles, message", BODY_BREACHES, ids=[m for *_, m in BODY_BREACHES]
)
def test_a_breach_is_named(body: str, handles: int, message: str) -> None:
    _refused(bytes.fromhex(body), handles, message)


def test_every_rule_has_its_breach() -> None:
    named = {message[-3:-1] for *_, message in BODY_BREACHES}
    assert named == {f"B{number}" for number in range(1, 7)}


# The digits of each count are plain bytes: the short cut finds nothing to be suspicious about.
@pytest.mark.parametrize(
    "size, count", [(5000, 0x0707), (MAX_INLINE_BODY_BYTES, 0x7070), (LONG * 16, 0x070707)]
)
@pytest.mark.parametrize("head, key", [("dd", ""), ("df", "a0"), ("db", "")])
def test_a_claim_allocates_nothing_to_speak_of(size: int, count: int, head: str, key: str) -> None:
    claim = bytes.fromhex(f"{head}{count:08x}{key}")
    data = (claim * 31 + bytes(size))[:size]
    tracemalloc.start()
    try:
        with pytest.raises(RemoteProtocolError):
            decode_value(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20


def test_a_cycle_is_too_deep_to_send() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(LocalProtocolError, match="value cannot be sent"):
        encode_value(cycle)


def _nested(depth: int) -> object:
    value: object = None
    for _ in range(depth):
        value = [value]
    return value


def test_what_is_too_deep_to_receive_is_not_sent() -> None:
    assert decode_value(encode_value(_nested(32))) == _nested(32)
    with pytest.raises(LocalProtocolError, match=r"33 arrays and maps .* \[B2\]"):
        encode_value(_nested(33))


UNSENDABLE: list[Any] = [
    {1, 2},
    Handle(),
    2**64,
    -(2**63) - 1,
    "\ud800",
    {None: 1},
    {True: 1},
    {1.5: 1},
    {(1, 2): 3},
    dict.fromkeys(range(257)),
    ext_type(5, b"x"),
    ext_type(1, b"\0"),  # a handle that nobody put
]


@pytest.mark.parametrize("value", UNSENDABLE, ids=lambda value: repr(value)[:30])
def test_what_no_receiver_accepts_is_not_sent(value: Any) -> None:
    with pytest.raises(LocalProtocolError, match=r"^value cannot be sent: "):
        encode_value(value)


@pytest.mark.parametrize("index", [-1, 1, 64])
def test_put_must_name_an_index_that_the_message_has(index: int) -> None:
    with pytest.raises(LocalProtocolError, match=rf"handle index {index}[ ,]"):
        encode_value([Handle()], lambda _: index)


def test_put_must_not_name_an_index_twice() -> None:
    with pytest.raises(LocalProtocolError, match=r"handle index 1 used twice \[B4\]"):
        encode_value([Handle(), Handle()], lambda _: 1)


def test_puts_own_error_passes() -> None:
    def put(_: object) -> int:
        raise NotFound("closed")

    with pytest.raises(NotFound, match="closed"):
        encode_value([Handle()], put)
