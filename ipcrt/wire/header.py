"""The 16 bytes before every body.

Flags, bit by bit: 0 MORE, 1 FLEXIBLE, 2 SPILLED, 3 and 4 reserved (zero), 5 to 7 the wire version.
The version bits are the magic: a packet whose version is not ours is not read any further.
Source: docs/wire-format.md, "Header".
"""

from __future__ import annotations

import struct
from typing import Final

HEADER: Final = struct.Struct("<IHBBQ")
"""txid u32, body bytes u16, handle count u8, flags u8, ordinal u64; little-endian, no padding."""

HEADER_BYTES: Final = HEADER.size

MORE: Final = 0x01
"""A hint: another packet follows at once, so reading again is worth the system call."""

FLEXIBLE: Final = 0x02
"""The method or event is flexible: whoever does not know it need not close the channel."""

SPILLED: Final = 0x04
"""The length field is 0 and the body reaches to the end of the data, which came through a memfd."""

RESERVED_BITS: Final = 0x18
VERSION_BITS: Final = 0xE0
VERSION_SHIFT: Final = 5
VERSION: Final = 1
VERSION_1: Final = VERSION << VERSION_SHIFT

NO_TXID: Final = 0
"""The txid of one-way requests, events and epitaphs: nobody answers them."""

MAX_ORDINAL: Final = 0x7FFF_FFFF_FFFF_FFFF
"""Method ordinals leave the top bit clear, and 0 is none."""

EPITAPH_ORDINAL: Final = 0xFFFF_FFFF_FFFF_FFFF
"""The last message before a close: its body is one signed integer, a Status."""
