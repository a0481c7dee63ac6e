"""Ring layout: where everything is in a ring's memory, and which shapes a ring can have.

All numbers are words of 8 bytes, in the machine's own byte order. One page of header, then
`capacity_bytes` of data:

    word  0  magic, "ipcrtrng"        word  8  head: where the producer writes next
    word  1  version, 1               word 16  tail: where the consumer reads next
    word  2  capacity in bytes        word 24  the producer sleeps until the tail is here; 0: awake
    word  3  bytes of a record, or 0  word 32  the consumer sleeps until the head is here; 0: awake

1. Head and tail count bytes since the ring was made and never wrap; an index modulo the capacity is
   where it is in the data. Words 8 to 32 have cache lines of their own, and one writer each.
2. Records of one size follow each other without gaps, and the capacity is a whole number of them.
3. Records of any size each begin with a word, their length, and are padded to whole words. A record
   is never cut in two: where it does not fit before the data's end, a word of WRAP says that the
   rest is skipped, and it stands at the data's beginning.
4. A record of rule 3 takes at most half the capacity. So it fits into an empty ring wherever the
   ring's end happens to be.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Final

from ipcrt.errors import OutOfRange, RemoteProtocolError

WORD_BYTES: Final = 8
HEADER_BYTES: Final = 4096
MAGIC: Final = int.from_bytes(b"ipcrtrng", "little")
VERSION: Final = 1
WRAP: Final = (1 << 32) - 1
LENGTH_AND_PADDING: Final = 2 * WORD_BYTES - 1
"""`size + LENGTH_AND_PADDING & -WORD_BYTES` is what a record of rule 3 takes."""

MAGIC_WORD: Final = 0
VERSION_WORD: Final = 1
CAPACITY_WORD: Final = 2
RECORD_WORD: Final = 3
HEAD: Final = 8
TAIL: Final = 16
PRODUCER_SLEEPS: Final = 24
CONSUMER_SLEEPS: Final = 32

MAX_RING_BYTES: Final = 1 << 30
"""The greatest capacity."""
MAX_INDEX: Final = 1 << 62
"""No ring ever gets there; an index beyond is a lie."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much a ring holds, and of what."""

    capacity_bytes: int
    record_bytes: int | None
    """The size of each record; None: each has its own."""

    @property
    def unit_bytes(self) -> int:
        """What indices, and the capacity, are multiples of."""
        return self.record_bytes or WORD_BYTES

    @property
    def max_record_bytes(self) -> int:
        """The longest record (rule 4)."""
        if self.record_bytes is not None:
            return self.record_bytes
        return self.capacity_bytes // (2 * WORD_BYTES) * WORD_BYTES - WORD_BYTES

    @property
    def memory_bytes(self) -> int:
        """What the VMO takes: header and data, in whole pages."""
        return -(-(HEADER_BYTES + self.capacity_bytes) // mmap.PAGESIZE) * mmap.PAGESIZE


def make_shape(capacity_bytes: int, record_bytes: int | None) -> Shape:
    """Answer the smallest shape of at least `capacity_bytes`.

    Raises: OutOfRange: a record under one byte, no room for one, or more than 1 GiB.
    """
    if record_bytes is not None and record_bytes < 1:
        raise OutOfRange(f"a record of {record_bytes} bytes is under 1")
    unit = record_bytes or WORD_BYTES
    shape = Shape(-(-capacity_bytes // unit) * unit, record_bytes)
    if capacity_bytes < 1 or shape.max_record_bytes < 1:
        raise OutOfRange(f"a ring of {capacity_bytes} bytes has no room for a record")
    if shape.capacity_bytes > MAX_RING_BYTES:
        raise OutOfRange(f"a ring of {shape.capacity_bytes} bytes exceeds {MAX_RING_BYTES}")
    return shape


def write_shape(words: memoryview, shape: Shape) -> None:
    """Fill the header of a fresh ring; the magic comes last."""
    words[VERSION_WORD] = VERSION
    words[CAPACITY_WORD] = shape.capacity_bytes
    words[RECORD_WORD] = shape.record_bytes or 0
    words[MAGIC_WORD] = MAGIC


def read_shape(words: memoryview) -> Shape:
    """Read the header that a peer wrote, each word once.

    Raises: RemoteProtocolError: no ring, another version, a shape that no ring has, or one that
    does not fit the memory.
    """
    magic, version = words[MAGIC_WORD], words[VERSION_WORD]
    if magic != MAGIC:
        raise RemoteProtocolError("the memory holds no ring")
    if version != VERSION:
        raise RemoteProtocolError(f"a ring of version {version}, expected {VERSION}")
    told = Shape(words[CAPACITY_WORD], words[RECORD_WORD] or None)
    try:
        shape = make_shape(told.capacity_bytes, told.record_bytes)
    except OutOfRange as error:
        raise RemoteProtocolError(f"no ring has such a shape: {error}") from None
    if shape != told or shape.memory_bytes != words.nbytes:
        raise RemoteProtocolError(f"{told} does not fit a memory of {words.nbytes} bytes")
    return shape


def check_indices(head: int, tail: int, shape: Shape) -> None:
    """Refuse indices that no honest producer and consumer leave behind.

    Raises: RemoteProtocolError.
    """
    unit = shape.unit_bytes
    if not 0 <= head - tail <= shape.capacity_bytes or head > MAX_INDEX:
        raise RemoteProtocolError(f"head {head} and tail {tail} cannot be")
    if head % unit or tail % unit:
        raise RemoteProtocolError(f"head {head} or tail {tail} is no multiple of {unit}")
