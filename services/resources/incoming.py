"""Incoming: what a client streams to a server, and where it ends.

1. The bytes are StreamData. An empty FramedData ends them, and the other direction goes on; that
   is the half-close which a channel itself does not have. Any other frame is refused.
2. Behind the end nothing may come but the closing of the channel.
3. Several messages that are here are taken together: one call to the kernel writes them all.
"""

from __future__ import annotations

from typing import Final

from ipcrt.errors import InvalidArgs, IpcError, ShouldWait
from ipcrt.resources.data import DataChannel
from ipcrt.resources.link import Received
from ipcrt.resources.messages import FramedData

END: Final = b""
"""What the frame holds that ends a stream."""

MAX_TAKEN: Final = 8
"""Messages that are taken together: half a mebibyte."""


class Incoming:
    """The messages that come by a data channel, which stays the caller's."""

    def __init__(self, data: DataChannel) -> None:
        self._data = data
        self._ended = False
        self._error: IpcError | None = None

    async def take(self) -> list[bytes] | None:
        """Await the next bytes, or None: the end, which is told again.

        Raises: PeerClosed: closed without an end. InvalidArgs: a frame that is no end.
        """
        if self._error is not None:
            raise self._error
        if self._ended:
            return None
        parts: list[bytes] = []
        going = self._add(parts, await self._data.recv())
        while going and len(parts) < MAX_TAKEN:
            try:
                going = self._add(parts, self._data.try_recv())
            except ShouldWait:
                break
            except IpcError as error:  # told when what came before it has been dealt with
                self._error = error
                break
        return parts if parts or going else None

    def _add(self, parts: list[bytes], message: Received) -> bool:
        """Add a message's bytes; False: it is the end."""
        if not isinstance(message, FramedData):
            parts.append(message.data)
            return True
        if message.data != END:
            raise InvalidArgs(f"a frame of {len(message.data)} bytes in a stream")
        self._ended = True
        return False

    async def wait_gone(self) -> None:
        """Await the closing of the channel, which is raised; never returns.

        Raises: PeerClosed. InvalidArgs: something came behind the end.
        """
        if self._error is not None:
            raise self._error
        await self._data.recv()
        raise InvalidArgs("data behind the end of a stream")
