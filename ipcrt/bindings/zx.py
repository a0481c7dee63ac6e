# Library zx: generated; do not edit.
"""The objects that a message may carry, under the names and numbers that Zircon gave them.

Of its many kinds these have a counterpart in Linux.
"""

from __future__ import annotations

import enum
from typing import TypeAlias

from ipcrt.bindings.bits import StrictBits
from ipcrt.bindings.scalars import Int32


class ObjType(enum.IntEnum):
    """A kind of object. `NONE` is any descriptor at all, such as an open file."""

    NONE = 0
    PROCESS = 1
    VMO = 3
    CHANNEL = 4
    EVENT = 5
    SOCKET = 14
    EVENTPAIR = 16
    FIFO = 19
    TIMER = 22


class Rights(StrictBits):
    """What the receiver of a handle may do with it."""

    DUPLICATE = 0x1
    TRANSFER = 0x2
    READ = 0x4
    WRITE = 0x8
    EXECUTE = 0x10
    MAP = 0x20
    GET_PROPERTY = 0x40
    SET_PROPERTY = 0x80
    DESTROY = 0x200
    SIGNAL = 0x1000
    SIGNAL_PEER = 0x2000
    WAIT = 0x4000
    INSPECT = 0x8000
    SAME_RIGHTS = 0x80000000
    """Whatever the sender's handle has."""


Status: TypeAlias = Int32
"""One of the error numbers of `ipcrt.errors.Status`; zero is success."""
