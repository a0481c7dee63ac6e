"""Accepting: the client's side of a listen channel, such as `tcp-listen:` opens.

    listener = await client.open_handle("tcp-listen://127.0.0.1:8080")
    async with Accepting(listener, port) as accepting:
        async with await accepting.accept() as data:
            ...

What nobody has accepted yet waits here, a bounded number; more waits at the server.
"""

from __future__ import annotations

import collections
from typing import Final, Self

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.errors import IpcError, PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.waiter import Waiter
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import Listen

AHEAD: Final = 8
"""Connections that wait here."""


class Accepting(Server[Listen]):
    """Owns a listen channel and the connections that nobody has accepted."""

    PROTOCOL = Listen

    def __init__(self, listener: Handle, port: AsyncPort) -> None:
        """Move `listener` here. Raises: WrongType: it is no channel; BadHandle."""
        self._port = port
        self._here: collections.deque[Channel] = collections.deque()
        self._taken: Waiter[None] = port.create_waiter()
        self._come: Waiter[None] = port.create_waiter()
        self._closed = False
        end = ServerEnd[Listen](Channel.from_handle(listener))
        self._binding = ServerBinding(end, self, port, Limits(calls_in_flight=1))

    async def connect(self, handle: Channel) -> None:
        """Handle a Connect: keep it, and read no further while enough are here."""
        self._here.append(handle)
        self._wake()
        while len(self._here) >= AHEAD and not self._closed:
            self._taken = self._port.create_waiter()
            await self._taken

    def client_gone(self, reason: IpcError) -> None:
        del reason
        self._wake()

    async def accept(self, timeout: float | None = None) -> DataChannel:
        """Await the next connection: a data channel, owned by the caller.

        `timeout` in seconds. One task at a time. Raises: PeerClosed: no more will come. TimedOut.
        """
        until = self._port.until(timeout)
        while not self._here:
            if self._binding.closed:
                raise PeerClosed("the listen channel is closed")
            self._come = self._port.create_waiter()
            await self._port.wait_result(self._come, self._port.left(until))
        channel = self._here.popleft()
        if not self._taken.done():
            self._taken.set_result(None)
        return DataChannel(channel, self._port)

    def _wake(self) -> None:
        if not self._come.done():
            self._come.set_result(None)

    def close(self) -> None:
        """Listen no more, and close what nobody has accepted. Idempotent."""
        self._closed = True
        self._binding.close()
        self._wake()
        while self._here:
            self._here.popleft().close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
