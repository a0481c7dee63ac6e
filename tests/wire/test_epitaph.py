from __future__ import annotations

import pytest

from ipcrt.errors import LocalProtocolError, RemoteProtocolError, Status
from ipcrt.wire.epitaph import decode_epitaph, encode_epitaph
from ipcrt.wire.frames import split
from ipcrt.wire.header import EPITAPH_ORDINAL

HEAD = bytes.fromhex("00000000 0100 00 20 ffffffffffffffff")


def test_literal_bytes() -> None:
    assert encode_epitaph(Status.PEER_CLOSED) == HEAD + b"\xe8"


def test_with_a_txid_it_ends_one_call() -> None:
    assert encode_epitaph(Status.INTERNAL, 7) == b"\x07" + HEAD[1:] + b"\xff"


@pytest.mark.parametrize("status", [0, -1, -24, 7, -(2**31), 2**31 - 1])
def test_a_status_comes_back(status: int) -> None:
    [(txid, ordinal, _, body, _, handles)] = split(memoryview(encode_epitaph(status)), 0)
    assert (txid, ordinal, handles) == (0, EPITAPH_ORDINAL, 0)
    assert decode_epitaph(body) == status


@pytest.mark.parametrize("status", [2**31, -(2**31) - 1])
def test_a_status_that_is_too_large_is_not_sent(status: int) -> None:
    with pytest.raises(LocalProtocolError, match=rf"epitaph {status} is not in .* \[R9\]"):
        encode_epitaph(status)


def test_a_txid_of_any_32_bits_is_sent() -> None:
    for txid in (0, 1, 2**31, 2**32 - 1):
        [(found, *_)] = split(memoryview(encode_epitaph(Status.INTERNAL, txid)), 0)
        assert found == txid


@pytest.mark.parametrize("txid", [-1, 2**32])
def test_a_txid_that_no_header_holds_is_not_sent(txid: int) -> None:
    with pytest.raises(LocalProtocolError, match=rf"txid {txid}, .* 0\.\.4294967295 \[R9\]"):
        encode_epitaph(Status.INTERNAL, txid)


@pytest.mark.parametrize(
    "body", [b"\xc0", b"\xc3", b"\xce\x80\0\0\0", b"\x90", b"\xcb" + bytes(8)], ids=bytes.hex
)
def test_anything_but_one_small_integer_is_refused(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"is no 32-bit integer \[R9\]"):
        decode_epitaph(body)


@pytest.mark.parametrize("body", [b"", b"\xe8\xe8"])
def test_a_body_that_is_no_single_value_is_refused(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"\[B1\]"):
        decode_epitaph(body)
