"""What holds for all values, and for all bytes that a hostile peer may send."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ipcrt.errors import RemoteProtocolError
from ipcrt.wire.body import decode_value, encode_value
from ipcrt.wire.epitaph import decode_epitaph
from ipcrt.wire.frames import encode, split
from ipcrt.wire.header import FLEXIBLE, HEADER, MAX_ORDINAL, MORE, VERSION_1

# A slow machine is no failure.
relaxed = settings(deadline=None, max_examples=300)

messages = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(1, MAX_ORDINAL),
    st.sampled_from([0, MORE, FLEXIBLE, MORE | FLEXIBLE]),
    st.binary(max_size=40),
    st.integers(0, 5),
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40)
)
keys = st.text(max_size=5) | st.binary(max_size=5) | st.integers(-(2**63), 2**64 - 1)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=40,
)

headers = st.builds(
    HEADER.pack,
    st.integers(0, 3),
    st.integers(0, 40),
    st.integers(0, 3),
    st.sampled_from([VERSION_1, VERSION_1 | MORE, VERSION_1 | 4, VERSION_1 | 8, 0, 0x40]),
    st.sampled_from([1, MAX_ORDINAL, 0, 2**63, 2**64 - 1]),
)
packets = st.lists(headers | st.binary(max_size=40), max_size=6).map(b"".join) | st.binary()
bodies = st.binary() | st.lists(
    st.sampled_from([b"\xd4\1\0", b"\xd4\1\1", b"\x92", b"\x81", b"\xa1a", b"\xd6\xff", b"\xc0"]),
    max_size=40,
).map(b"".join)


@relaxed
@given(st.lists(messages, min_size=1, max_size=12))
def test_messages_come_back(sent: list[tuple[int, int, int, bytes, int]]) -> None:
    packet = b"".join(encode(*message) for message in sent)
    count = sum(message[4] for message in sent)
    frames = split(memoryview(packet), count)
    assert [
        (txid, ordinal, flags ^ VERSION_1, bytes(body), handles)
        for txid, ordinal, flags, body, _, handles in frames
    ] == sent
    owners = [first + index for *_, first, handles in frames for index in range(handles)]
    assert owners == list(range(count))


@relaxed
@given(packets, st.integers(0, 70))
def test_a_packet_is_split_or_refused(packet: bytes, handles: int) -> None:
    with contextlib.suppress(RemoteProtocolError):
        frames = split(memoryview(packet), handles)
        assert sum(16 + len(frame[3]) for frame in frames) == len(packet)
        assert sum(frame[5] for frame in frames) == handles


@relaxed
@given(values)
def test_values_come_back(value: Any) -> None:
    assert decode_value(encode_value(value)) == value


@relaxed
@given(values, st.data())
def test_a_value_cut_anywhere_is_refused(value: Any, data: st.DataObject) -> None:
    whole = encode_value(value)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        decode_value(cut)
    except RemoteProtocolError:
        return
    raise AssertionError(f"{cut!r} was accepted")


@relaxed
@given(bodies, st.integers(0, 3))
def test_a_body_is_decoded_or_refused(body: bytes, handles: int) -> None:
    with contextlib.suppress(RemoteProtocolError):
        asked: list[int] = []
        decode_value(body, asked.append, handles)
        assert sorted(asked) == list(range(handles))


@relaxed
@given(bodies)
def test_what_is_accepted_can_be_sent(body: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        value = decode_value(body)
        assert repr(decode_value(encode_value(value))) == repr(value)


@relaxed
@given(bodies)
def test_an_epitaph_is_a_number_or_refused(body: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        assert abs(decode_epitaph(body)) <= 2**31
