"""Checksum: what tells a whole value from a torn one where stores may be seen out of order.

1. On x86-64 all processors see one writer's stores in their order, and CPython copies an aligned
   word in one piece, so a version that is the same before and after a copy is proof enough. No
   other machine is trusted with that, nor another interpreter: there each value bears a checksum.
2. The version goes into the sum, so that an old value with its old sum does not pass for a new one.
3. It is no defence against a writer that lies; nothing is, but checking what was read.
Source: Intel SDM 3A, 9.2.2; CPython, Objects/memoryobject.c, unpack_single and pack_single.
"""

from __future__ import annotations

import platform
import sys
import zlib
from typing import Final

_STRONGLY_ORDERED: Final = frozenset(("x86_64", "amd64"))
_WORD_MASK: Final = (1 << 32) - 1


def needs_checksum(
    machine: str | None = None, implementation: str = sys.implementation.name
) -> bool:
    """True where values must bear a checksum (rule 1); `machine` as `platform.machine` has it."""
    name = platform.machine() if machine is None else machine
    is_64_bit = sys.maxsize > _WORD_MASK
    return implementation != "cpython" or name.lower() not in _STRONGLY_ORDERED or not is_64_bit


def checksum(data: bytes | memoryview, version: int) -> int:
    """Answer the sum, under 2**32, of a value that is `version` of its section (rule 2)."""
    return zlib.crc32(data, version & _WORD_MASK)
