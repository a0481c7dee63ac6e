"""Pieced: data whose long parts lie beside it rather than in it, so that nobody copies them.

Where a part was taken out stands a *stub*: 0xc1, which no MessagePack value begins with, and the
part's length (u32, big-endian). Put together, 0xc1 becomes 0xc6 and the part follows: MessagePack's
bin 32. So what is made of a `Pieced` without putting it together is never mistaken for its meaning.
Source: docs/wire-format.md, "Long messages".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, Self, TypeAlias

_STUB: Final = struct.Struct(">BI")
_TAKEN_OUT: Final = 0xC1
_PUT_BACK: Final = 0xC6
STUB_BYTES: Final = _STUB.size

Piece: TypeAlias = tuple[int, bytes]
"""Where the stub stands, in bytes from the start, and the part that belongs behind it."""


class Pieced(bytes):
    """The rest, with stubs; `len` counts the parts with it, its buffer does not hold them.

    `prefix + pieced` is `Pieced` again. Other operators of bytes answer the rest alone.
    """

    pieces: tuple[Piece, ...]
    """In the order of their stubs."""
    size: int

    def __new__(cls, rest: bytes, pieces: Sequence[Piece]) -> Self:
        """Take what `rest` has stubs for."""
        self = super().__new__(cls, rest)
        self.pieces = tuple(pieces)
        self.size = memoryview(rest).nbytes + sum(len(part) for _, part in pieces)
        return self

    def __len__(self) -> int:
        """Answer how long it is when put together."""
        return self.size

    def __radd__(self, prefix: bytes) -> Pieced:
        """Put `prefix` in front."""
        shift = len(prefix)
        pieces = [(start + shift, part) for start, part in self.pieces]
        return Pieced(b"".join((prefix, self)), pieces)


def stub(length: int) -> bytes:
    """Answer what stands in the place of a part of `length` bytes."""
    return _STUB.pack(_TAKEN_OUT, length)


def length_at(rest: bytes | memoryview, start: int) -> int:
    """Answer the length in the stub at `start`. Raises: ValueError: there is none."""
    if start + STUB_BYTES > memoryview(rest).nbytes:
        raise ValueError(f"stub at {start} reaches beyond {memoryview(rest).nbytes} bytes")
    first, length = _STUB.unpack_from(rest, start)
    if first != _TAKEN_OUT:
        raise ValueError(f"0x{first:02x} at {start}, expected a stub")
    return int(length)


def pieced(data: object) -> Pieced | None:
    """Answer the data in pieces that `data` is, or is a view into; else None."""
    if type(data) is memoryview:
        data = data.obj
    return data if type(data) is Pieced else None


def put_together(data: bytes | memoryview) -> bytes | memoryview:
    """Answer data that holds everything itself: `data`, or a copy where it is in pieces.

    A view has to reach to the end.
    """
    whole = pieced(data)
    if whole is None:
        return data
    rest = memoryview(whole)
    end = rest.nbytes - memoryview(data).nbytes
    chunks: list[bytes | memoryview] = []
    for start, part in whole.pieces:
        if start < end:  # the view begins behind it
            continue
        chunks += (rest[end:start], _STUB.pack(_PUT_BACK, len(part)), part)
        end = start + STUB_BYTES
    chunks.append(rest[end:])
    return b"".join(chunks)
