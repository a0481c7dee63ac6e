"""Cancel one call out of many: the client holds one end of an event pair, the call the other.

    async def fetch(self, url: str, cancel: EventPair) -> FetchResponse:
        with cancelled_by(cancel, self._port):
            return FetchResponse(await self._load(url))
        raise FetchFailed(FetchError.CANCELED)

    ours, theirs = EventPair.create()       # at the client; closing `ours` gives the call up
    with ours:
        await loader.fetch(url, theirs)

1. When the client closes its end, or dies, the block is cancelled at its next wait and left; what
   stands behind it is the answer, where anybody still takes one.
2. The block owns its end of the pair, which is closed when it is left: the client sees that, too.
3. Signals on the pair mean nothing, and do not hide the hang-up.
Source: FIDL API Rubric, "Eventpair cancellation".
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import anyio

from ipcrt.objects.eventpair import EventPair
from ipcrt.port.aport import AsyncPort
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals


class CancelledBy:
    """A block of an `async def` that ends when the other end of an event pair is closed."""

    __slots__ = ("_key", "_pair", "_port", "_scope", "canceled")

    def __init__(self, pair: EventPair, port: AsyncPort) -> None:
        self._pair = pair
        self._port = port
        self._scope = anyio.CancelScope()
        self._key = 0
        self.canceled: bool = False
        """True once the other end is closed."""

    def __enter__(self) -> Self:
        """Raises: BadHandle, AlreadyExists, BadState; then the pair is closed."""
        port = self._port
        try:
            self._key = port.new_key()
            port.bind(self._key, self._gone)
            port.wait_async(self._pair, self._key, Signals.PEER_GONE)
            self._scope.__enter__()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._leave()
        return bool(self._scope.__exit__(kind, error, traceback))

    def _gone(self, packet: Packet) -> None:
        if packet.signals & Signals.PEER_GONE:
            self.canceled = True
            self._scope.cancel()

    def _leave(self) -> None:
        if not self._pair.closed and not self._port.closed:
            self._port.cancel(self._pair, self._key)
        self._port.unbind(self._key)
        self._pair.close()


def cancelled_by(pair: EventPair, port: AsyncPort) -> CancelledBy:
    """Move `pair` into a block that ends when its other end is closed."""
    return CancelledBy(pair, port)
