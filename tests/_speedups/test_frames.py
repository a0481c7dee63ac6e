"""encode and its C twin: the same answer or the same refusal for whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipcrt.errors import ProtocolError
from ipcrt.wire import frames
from ipcrt.wire.header import (
    EPITAPH_ORDINAL,
    FLEXIBLE,
    MAX_ORDINAL,
    MORE,
    SPILLED,
)
from tests._speedups.twins import growth_in_blocks, native

# Each number's borders, and what lies beyond them.
BORDERS = [
    *(-1, 0, 1, 2, 3, 4, 8, 32, 63, 64, 65, 127, 128, 255, 256, 0xFFFF_FFFF, 1 << 32),
    *(MAX_ORDINAL, MAX_ORDINAL + 1, EPITAPH_ORDINAL, 1 << 64, 1 << 100),
    *(-(1 << 63), -(1 << 64) - 1, -(1 << 70)),
]

numbers = st.one_of(st.sampled_from(BORDERS), st.integers(), st.booleans())
flags = st.one_of(st.sampled_from([0, MORE, FLEXIBLE, MORE | FLEXIBLE, SPILLED]), numbers)
bodies = st.one_of(
    st.binary(max_size=100),
    st.sampled_from([bytes(65_519), bytes(65_520), bytes(65_521), bytes(70_000)]),
)


def outcome(function: Callable[..., Any], *args: Any, **kwargs: Any) -> object:
    """What a call answers, or the kind and the text of its refusal."""
    try:
        return function(*args, **kwargs)
    except ProtocolError as error:
        return type(error), str(error)


@pytest.fixture(scope="module", name="encode")
def native_encode() -> Callable[..., bytes]:
    twin: Callable[..., bytes] = native().twin("encode", frames._encode)
    return twin


@given(st.tuples(numbers, numbers, flags, bodies, numbers))
@example((1, MAX_ORDINAL, 0, b"", 64))
@example((0xFFFF_FFFF, 1, MORE | FLEXIBLE, bytes(65_520), 0))
@example((True, True, True, b"", True))
def test_encoding_is_the_same(
    encode: Callable[..., bytes], args: tuple[int, int, int, bytes, int]
) -> None:
    txid, ordinal, flags, body, handles = args
    assert outcome(encode, *args) == outcome(frames._encode, *args)
    assert outcome(encode, *args[:4]) == outcome(frames._encode, *args[:4])
    named = {"flags": flags, "body": body, "handle_count": handles}
    assert outcome(encode, txid, ordinal, **named) == outcome(frames._encode, *args)


USUAL_CALL = (1, 77, FLEXIBLE, b"body", 2)
ODD_BODIES = [b"", bytes(65_519), bytes(65_520), bytes(65_521), bytes(65_536), bytearray(b"body")]
ODD_CALLS = [
    (*USUAL_CALL[:at], odd, *USUAL_CALL[at + 1 :])
    for at in range(5)
    for odd in (ODD_BODIES if at == 3 else [*BORDERS, True])
]


@pytest.mark.parametrize("args", ODD_CALLS, ids=lambda args: repr(args)[:60])
def test_encoding_is_the_same_where_one_thing_is_odd(
    encode: Callable[..., bytes], args: tuple[Any, ...]
) -> None:
    expected = outcome(frames._encode, *args)
    assert outcome(encode, *args) == expected
    assert outcome(encode, *args[:4], handle_count=args[4]) == expected


def test_encoding_takes_the_same_arguments(encode: Callable[..., bytes]) -> None:
    for args in ((), (1, 2, 0), (1, 2, 0, b"", 0, 0)):
        with pytest.raises(TypeError):
            encode(*args)
    with pytest.raises(TypeError):
        encode(1, 2, 0, b"", count=1)


@pytest.mark.parametrize("args", [USUAL_CALL, (1, 77, 0, bytes(65_521), 2)])
def test_nothing_is_kept(encode: Callable[..., bytes], args: tuple[Any, ...]) -> None:
    assert growth_in_blocks(lambda: encode(*args)) < 50
