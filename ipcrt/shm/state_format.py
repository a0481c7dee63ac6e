"""What a shared state's memory begins with; docs/shared-state.md is the normative text.

Numbers are in the machine's own byte order. Where everything else lies is the layout's affair.
"""

from __future__ import annotations

import enum
import struct
from typing import Final

from ipcrt.errors import NotSupported, ProtocolError
from ipcrt.shm.layout import Layout

MAGIC: Final = b"IPCRTSHS"
VERSION: Final = 1

HEADER: Final = struct.Struct("@8sIIQQ")
"""magic, version, flags, layout's hash, size; the rest of the line is zero."""

NOTES: Final = 1
"""Which word of a section's line holds its notes; the word before it tells the version."""


class Flags(enum.IntFlag):
    """What holds for all sections; bits that are not named here mean nothing."""

    NONE = 0
    CHECKED = 1
    """Each value bears a checksum."""


class Notes(enum.IntFlag):
    """What holds for one section; bits that are not named here mean nothing."""

    NONE = 0
    QUIET = 1
    """The writer wakes nobody: those who wait look again by themselves."""


def write_header(memory: memoryview, layout: Layout, flags: Flags) -> None:
    """Begin a shared state of `layout`."""
    HEADER.pack_into(memory, 0, MAGIC, VERSION, int(flags), layout.hash, layout.size)


def read_header(memory: memoryview, layout: Layout) -> Flags:
    """Check that memory of at least a line holds a shared state of `layout`; answer its flags.

    Raises: ProtocolError: it does not. NotSupported: another version of the format.
    """
    magic, version, flags, layout_hash, size = HEADER.unpack(memory[: HEADER.size])
    if magic != MAGIC:
        raise ProtocolError(f"magic {magic!r} is not {MAGIC!r}: no shared state")
    if version != VERSION:
        raise NotSupported(f"shared state of version {version}; this library knows {VERSION}")
    if layout_hash != layout.hash:
        raise ProtocolError(
            f"layout hash {layout_hash:#018x} is not {layout.hash:#018x} of {layout.name}: "
            "writer and reader have different contracts"
        )
    if size != layout.size:
        raise ProtocolError(f"size {size} is not {layout.size} of {layout.name}")
    return Flags(flags & Flags.CHECKED)
