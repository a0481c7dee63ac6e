"""Endings of data channels.

1. An empty FramedData ends a stream in its direction; the other goes on. Closing the channel ends
   both.
2. Who has written all sends that end, and the server answers with its own, or by closing, when
   what came before is dealt with. A server that knows nothing of it is hung up on after GRACE_S.
3. The kernel closes a dead server's channels. So where a stream ends by closing alone, the control
   channel is looked at: where the server has hung up there too, nobody can tell whether this was
   all, and the reader is told ConnectionResetError. (A server that hands its sessions to other
   processes outlives them: who must know compares with the size.)
"""

from __future__ import annotations

import errno
import socket
from typing import Final

from ipcrt.errors import BadHandle, from_oserror
from ipcrt.objects._fd import LentSocket
from ipcrt.objects.channel import Channel
from ipcrt.port.signals import Signals, observe
from ipcrt.resources.control import Requests
from ipcrt.resources.link import Received
from ipcrt.resources.messages import FramedData

END: Final = b""
"""What the frame holds that ends a stream."""

GRACE_S: Final = 1.0
"""Seconds that a server has to answer an end, before it is hung up on."""


def is_end(message: Received) -> bool:
    """True for what ends a stream."""
    return isinstance(message, FramedData) and message.data == END


def hang_up(channel: Channel) -> None:
    """Write no more: the peer reads what is queued, then PeerClosed. Reading goes on.

    Raises: PeerClosed, BadHandle. Source: shutdown(2).
    """
    try:
        LentSocket(channel.fileno(), socket.SOCK_SEQPACKET).shutdown(socket.SHUT_WR)
    except OSError as error:
        raise from_oserror(error, "hang up") from error


def hung_up(client: Requests) -> bool | None:
    """True where the server has hung up on the control channel; None: the client knows why."""
    try:
        return bool(observe(client.channel, Signals.PEER_GONE) & Signals.PEER_GONE)
    except BadHandle:
        return None


def reset() -> ConnectionResetError:
    """Answer the error of a read whose server is gone."""
    return ConnectionResetError(errno.ECONNRESET, "the server is gone; this may not be the end")
