"""The records that go through the scene's ring: whoever reads one can tell that it is the next."""

from __future__ import annotations

import struct
import zlib
from typing import Final

_HEAD: Final = struct.Struct("<QI")
_LONGEST: Final = 700


def record(number: int) -> bytes:
    """Answer the record of this number."""
    body = (b"%d " % number * _LONGEST)[: number * 7919 % _LONGEST]
    return _HEAD.pack(number, zlib.crc32(body)) + body


def check(found: bytes, number: int) -> None:
    """Raises: AssertionError: it is not the record of this number, whole."""
    assert len(found) >= _HEAD.size, f"record {number}: {len(found)} bytes"
    seen, checksum = _HEAD.unpack_from(found)
    assert seen == number, f"record {seen} came instead of {number}"
    assert zlib.crc32(found[_HEAD.size :]) == checksum, f"record {number} is torn"
