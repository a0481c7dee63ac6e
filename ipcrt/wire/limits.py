"""What one packet and one message may hold; every receiver enforces these.

Source: docs/wire-format.md, "Limits".
"""

from __future__ import annotations

from typing import Final

MAX_PACKET_BYTES: Final = 65_536
"""Bytes of one packet with all its headers; longer data travels in a memfd."""

MAX_INLINE_BODY_BYTES: Final = 65_520
"""Bytes of a body whose message still fits a packet; a longer one is SPILLED."""

MAX_HANDLES: Final = 64
"""Handles of one packet, shared out among its messages (the spill memfd not counted)."""

MAX_DEPTH: Final = 32
"""Arrays and maps open at once inside a body."""

MAX_INTEGER_KEYED_PAIRS: Final = 256
"""Pairs of a map that has an integer key. Python's hash of an integer is no secret: keys may be
chosen so that an insertion visits thousands of earlier ones, and a large map stalls its reader."""

MAX_MESSAGE_BYTES: Final = 256 * 1024 * 1024
"""Bytes of the largest SPILLED message accepted, header included, unless the receiver says less."""
