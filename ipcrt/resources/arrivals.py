"""Arrivals: who comes by a listen channel, for the client's side of one; whoever waits for them.

It never waits itself. What nobody has taken waits here, a bounded number; more waits at the server.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Final

from ipcrt.bindings.connection import Connection
from ipcrt.bindings.errors import again
from ipcrt.errors import BadHandle, Canceled, IpcError, RemoteProtocolError, error_for
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.port.port import Port
from ipcrt.port.waiter import Waiter
from ipcrt.resources.messages import CONNECT, Listen
from ipcrt.resources.waiters import Waiters
from ipcrt.wire.epitaph import decode_epitaph
from ipcrt.wire.frames import Body
from ipcrt.wire.header import EPITAPH_ORDINAL, NO_TXID

_NAME: Final = Listen.TABLE.name

AHEAD: Final = 8
"""Connections that may wait here."""


class Arrivals:
    """Owns a listen channel, and the channels of those who have come by it."""

    __slots__ = ("_here", "_waiters", "connection")

    def __init__(self, listener: Handle, port: Port) -> None:
        """Move `listener` here. Raises: WrongType: it is no channel; BadHandle. Then it stays."""
        channel = listener if isinstance(listener, Channel) else Channel.from_handle(listener)
        self._here: collections.deque[Channel] = collections.deque()
        self._waiters = Waiters(port.create_waiter)
        self.connection: Final = Connection(_NAME, channel, port, self._message, self._closed)
        try:
            self.connection.resume()
        except BaseException:
            self.close()
            raise

    def _message(
        self, txid: int, ordinal: int, flags: int, body: Body, handles: Sequence[Handle]
    ) -> None:
        del flags
        if ordinal == CONNECT.ordinal and txid == NO_TXID:
            self._here.append(CONNECT.request.decode(body, handles).handle)
            if len(self._here) >= AHEAD:
                self.connection.pause()
            self._waiters.wake()
            return
        close_all(handles)
        if ordinal != EPITAPH_ORDINAL or txid != NO_TXID:
            raise RemoteProtocolError(f"{_NAME}: ordinal {ordinal:#x} with txid {txid}")
        status = decode_epitaph(body)
        self.connection.fail(error_for(status, f"{_NAME}: closed with {status}"))

    def take(self) -> Channel | None:
        """Take the channel of who came first; None: nobody is here. Raises: why no more come."""
        if self._here:
            self.connection.resume()
            return self._here.popleft()
        if self.connection.error is not None:
            raise again(self.connection.error)
        return None

    def wait(self) -> Waiter[None]:
        """Answer what is done when somebody has come, or no more will."""
        return self._waiters.add()

    def forget(self, waiter: Waiter[None]) -> None:
        """Nobody waits for it any more."""
        self._waiters.forget(waiter)

    def _closed(self, error: IpcError) -> None:
        del error  # whoever is woken finds it
        self._waiters.wake()

    def statistics(self) -> dict[str, int]:
        """Count those who have come and wait, and who waits for them."""
        return {"arrived": len(self._here), "waiters": len(self._waiters)}

    def close(self) -> None:
        """Listen no more, and turn away who has come; who waits is told Canceled. Idempotent."""
        if self.connection.error is None:
            self.connection.close(BadHandle(f"{_NAME}: closed"))
            self._waiters.wake(Canceled(f"{_NAME}: closed while it was waited for"))
        while self._here:
            self._here.popleft().close()
