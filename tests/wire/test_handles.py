from __future__ import annotations

import pytest

from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.wire.handles import HANDLE_EXT, check_claimed, claim_index, index_ext


@pytest.mark.parametrize("index", [0, 1, 63])
def test_an_index_is_one_byte_and_comes_back(index: int) -> None:
    claimed: list[int] = []
    assert index_ext(index) == bytes([index])
    assert claim_index(HANDLE_EXT, memoryview(index_ext(index)), claimed, 64) == index
    assert claimed == [index]


@pytest.mark.parametrize("index", [-1, 64, 256])
def test_an_index_that_no_message_has_is_ours_to_blame(index: int) -> None:
    with pytest.raises(LocalProtocolError, match=rf"index {index} is not in 0\.\.63 \[B4\]"):
        index_ext(index)


@pytest.mark.parametrize(
    "code, data, message",
    [
        (2, b"\0", r"extension type 2, expected 1 \[B3\]"),
        (-1, b"\0\0\0\0", r"extension type -1, expected 1 \[B3\]"),
        (1, b"", r"handle index of 0 bytes, expected 1 \[B3\]"),
        (1, b"\0\0", r"handle index of 2 bytes, expected 1 \[B3\]"),
        (1, b"\2", r"handle index 2, the message has 2 \[B4\]"),
        (1, b"\0", r"handle index 0 used twice \[B4\]"),
    ],
)
def test_what_is_no_claim_is_refused(code: int, data: bytes, message: str) -> None:
    claimed = [0]
    with pytest.raises(RemoteProtocolError, match=message):
        claim_index(code, data, claimed, 2)
    assert claimed == [0]


def test_each_handle_must_be_named() -> None:
    check_claimed([], 0)
    check_claimed([1, 0], 2)
    with pytest.raises(RemoteProtocolError, match=r"names 1 handles, the message has 2 \[B4\]"):
        check_claimed([1], 2)
