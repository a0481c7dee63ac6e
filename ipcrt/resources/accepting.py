"""Accepting: the client's side of a listen channel, such as `tcp-listen:` opens.

    listener = await client.open_handle("tcp-listen://127.0.0.1:8080")
    async with Accepting(listener, port) as accepting:
        async with await accepting.accept() as data:
            ...

All timeouts are in seconds; None: for ever.
"""

from __future__ import annotations

from typing import Self

from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.arrivals import Arrivals
from ipcrt.resources.data import DataChannel


class Accepting:
    """Owns a listen channel and the connections that nobody has accepted."""

    __slots__ = ("_arrivals", "_port")

    def __init__(self, listener: Handle, port: AsyncPort) -> None:
        """Move `listener` here. Raises: WrongType: it is no channel, and stays. BadHandle."""
        self._arrivals = Arrivals(listener, port)
        self._port = port

    async def accept(self, *, timeout: float | None = None) -> DataChannel:
        """Await the next connection: a data channel, owned by the caller.

        Raises: PeerClosed, or the epitaph's error: no more will come. TimedOut. Canceled: closed
        meanwhile; BadHandle: before. RemoteProtocolError: the server broke the contract.
        """
        until = self._port.until(timeout)
        while (channel := self._arrivals.take()) is None:
            waiter = self._arrivals.wait()
            try:
                await self._port.wait_result(waiter, self._port.left(until))
            finally:
                self._arrivals.forget(waiter)
        return DataChannel(channel, self._port)

    def statistics(self) -> dict[str, int]:
        """See `Arrivals.statistics`."""
        return self._arrivals.statistics()

    def close(self) -> None:
        """Listen no more, and turn away who has not been accepted. Idempotent."""
        self._arrivals.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
