from __future__ import annotations

from typing import Any

import pytest

from ipcrt.bindings import scalars
from ipcrt.bindings.codec import Codec
from ipcrt.errors import LocalProtocolError


def _accepts(type_: Any, value: object) -> bool:
    codec: Codec[Any] = Codec(type_)
    try:
        body, _ = codec.encode(value)
    except LocalProtocolError:
        return False
    found = codec.decode(memoryview(body), [])
    return bool(found == value or found != found)  # noqa: PLR0124  (NaN)


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_integers_hold_their_range_and_no_more(bits: int) -> None:
    signed, unsigned = getattr(scalars, f"Int{bits}"), getattr(scalars, f"Uint{bits}")
    half = 1 << (bits - 1)
    for value in (-half, -1, 0, half - 1):
        assert _accepts(signed, value)
    for value in (-half - 1, half):
        assert not _accepts(signed, value)
    for value in (0, half, 2 * half - 1):
        assert _accepts(unsigned, value)
    for value in (-1, 2 * half):
        assert not _accepts(unsigned, value)


def test_a_float32_has_its_range_infinities_and_nan() -> None:
    for value in (0.1, -scalars.FLOAT32_MAX, float("inf"), float("-inf"), float("nan")):
        assert _accepts(scalars.Float32, value)
    for value in (1e39, -3.5e38):
        assert not _accepts(scalars.Float32, value)
