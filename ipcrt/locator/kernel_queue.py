"""Kernel queues: how much of what was sent on a channel has not been read, on either side.

Source: SIOCOUTQ and SIOCINQ, unix(7); under these names Python knows the same numbers.
"""

from __future__ import annotations

import fcntl
import struct
import termios
from typing import Final

from ipcrt.errors import BadHandle
from ipcrt.objects.channel import Channel

_INT: Final = struct.Struct("=i")


def unread_by_peer(channel: Channel) -> int:
    """Answer how much memory holds what the peer has not read, in bytes; 0 where it is closed.

    It is what the kernel charges to us, with its own overhead: some 700 bytes a packet.
    """
    return _ask(channel, termios.TIOCOUTQ)


def unread_by_us(channel: Channel) -> int:
    """Answer how many bytes of the peer's messages wait for us; 0 where it is closed."""
    return _ask(channel, termios.FIONREAD)


def _ask(channel: Channel, request: int) -> int:
    try:
        (count,) = _INT.unpack(fcntl.ioctl(channel.fileno(), request, bytes(_INT.size)))
    except (BadHandle, OSError):
        return 0
    return int(count)
