"""Where everything lies in an inspect VMO; docs/inspect-format.md is the normative text.

Numbers are in the machine's own byte order: the VMO never leaves it. All offsets are in bytes
from the VMO's beginning, and all records begin at multiples of eight.
"""

from __future__ import annotations

import enum
import struct
from typing import Final

from ipcrt.errors import ProtocolError

MAGIC: Final = b"IPCRTINS"
VERSION: Final = 1

HEADER_BYTES: Final = 64
HEADER: Final = struct.Struct("=8s7Q")
"""magic, version, generation, used, dropped, refreshed, period, reserved."""

WORD_BYTES: Final = 8
GENERATION: Final = 2
"""Where a word of the header is, in words; so are those below."""
USED: Final = 3
DROPPED: Final = 4
REFRESHED: Final = 5
PERIOD: Final = 6

RECORD: Final = struct.Struct("=IBBHII")
"""size, kind, name's length, flags, parent, count."""
RECORD_BYTES: Final = RECORD.size

MAX_BYTES: Final = 1 << 20
"""Bytes of a VMO, all in all."""
MAX_NAME_BYTES: Final = 255
MAX_DEPTH: Final = 32
"""Nodes from the root, which is one, down to the deepest."""
MAX_BUCKETS: Final = 128
"""Buckets of a histogram, those for what is too low and too high included."""

CUT: Final = 1
"""Flag: the text or bytes are the beginning of something longer."""


class Kind(enum.IntEnum):
    """What a record is."""

    FREE = 0
    NODE = 1
    INT = 2
    UINT = 3
    DOUBLE = 4
    BOOL = 5
    STRING = 6
    BYTES = 7
    INT_ARRAY = 8
    UINT_ARRAY = 9
    DOUBLE_ARRAY = 10
    LINEAR_HISTOGRAM = 11
    EXPONENTIAL_HISTOGRAM = 12


class InspectError(ProtocolError):
    """What was to be read is no inspect VMO, or breaks the format; the message says where."""


def padded(size: int) -> int:
    """Answer `size` rounded up to whole words."""
    return -(-size // WORD_BYTES) * WORD_BYTES


def encode_text(text: str) -> bytes:
    """Answer `text` in UTF-8; a character that it has not is `?`."""
    return text.encode("utf-8", "replace")


def cut_text(data: bytes, max_bytes: int) -> bytes:
    """Answer as much of a text in UTF-8 as fits, whole characters only."""
    if len(data) <= max_bytes:
        return data
    return data[:max_bytes].decode("utf-8", "ignore").encode()
