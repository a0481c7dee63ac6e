"""A stream's way from socket to socket: the loop waits for them, the worker's thread does the work.

1. Nothing more is read before what came of the last piece is written: a slow reader of the output
   stalls the writer of the input, and a stream holds one piece at a time.
2. Whoever closes without a half-close, or before the end, has failed: the output gets no end then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ipcrt.errors import PeerClosed, ShouldWait
from ipcrt.objects.socket import Socket
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals, observe
from ipcrt_services.codec.bindings import StreamError, StreamFailed
from ipcrt_services.codec.coders import TURN_BYTES, Coder, Malformed
from ipcrt_services.worker import Worker

_NEWS = Signals.READABLE | Signals.PEER_WRITE_DISABLED | Signals.PEER_CLOSED


class Stream:
    """One stream; the sockets are lent."""

    def __init__(
        self,
        port: AsyncPort,
        worker: Worker[Callable[[], Any], Any],
        coder: Coder,
        source: Socket,
        sink: Socket,
    ) -> None:
        self._port = port
        self._worker = worker
        self._coder = coder
        self._source = source
        self._sink = sink
        self._ended = False
        self.read_bytes = 0
        """Bytes read until now."""
        self.written_bytes = 0
        """Bytes written until now."""

    async def run(self) -> None:
        """Pass everything on, and half-close the output.

        Raises: StreamFailed.
        """
        try:
            while data := await self._read():
                await self._pass(partial(self._coder.feed, data))
                while not self._coder.hungry:
                    await self._pass(partial(self._coder.feed, b""))
            await self._pass(self._coder.finish)
            self._sink.shutdown_write()
        except Malformed:
            raise StreamFailed(StreamError.MALFORMED) from None
        except PeerClosed:
            raise StreamFailed(StreamError.CANCELED) from None

    async def _pass(self, turn: Callable[[], bytes]) -> None:
        await self._write(await self._worker.submit(turn))

    async def _read(self) -> bytes:
        """Answer the next piece, nothing at the end. Raises: PeerClosed: rule 2."""
        while True:
            try:
                data = self._source.read(TURN_BYTES)
            except ShouldWait:
                await self._wait(self._source, _NEWS, self._sink)
            except PeerClosed:
                if observe(self._source) & Signals.PEER_CLOSED:
                    raise
                self._ended = True
                return b""
            else:
                self.read_bytes += len(data)
                return data

    async def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                count = self._sink.write(rest)
            except ShouldWait:
                await self._wait(self._sink, Signals.WRITABLE, self._source)
            else:
                rest = rest[count:]
                self.written_bytes += count

    async def _wait(self, socket: Socket, signals: Signals, other: Socket) -> None:
        """Await one socket. Raises: PeerClosed: the other end of one has gone (rule 2)."""
        items = [(socket, signals | Signals.PEER_GONE)]
        if not self._ended:  # else all is read, and its writer may go
            items.append((other, Signals.PEER_GONE))
        for up in await self._port.wait_many(items):
            if up & Signals.PEER_GONE:
                raise PeerClosed("the other end of a stream's socket was closed")
