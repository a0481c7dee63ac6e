"""asyncio's own `StreamReader` and `StreamWriter` over a resource, on asyncio and uvloop.

1. The reader's limit holds: nothing is read from the server while the reader is full.
2. Beyond HIGH_BYTES unsent bytes `drain` waits, until fewer than a quarter of it are left.
3. `close` sends what was written, then closes; `wait_closed` waits for that, and raises why it
   failed, as an OSError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.errors import IpcError
from ipcrt.io.errors import PosixErrors, oserror_for
from ipcrt.io.modes import Mode
from ipcrt.io.source import Source
from ipcrt.io.sources import open_source
from ipcrt.io.ways import LoopWays
from ipcrt.resources.control import ResourceClient
from ipcrt.resources.limits import MAX_STREAM_BYTES

HIGH_BYTES: Final = 4 * MAX_STREAM_BYTES


async def open_asyncio_stream(
    client: ResourceClient,
    uri: str,
    mode: str = "r+b",
    *,
    limit: int = 65536,
    open_timeout: float | None = DEFAULT_TIMEOUT,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a resource as `asyncio.open_connection` does; both ways unless `mode` says otherwise.

    `limit`: of the reader's buffer, in bytes. Raises: OSError: as `aopen`.
    """
    parsed = Mode.parse(mode)
    with PosixErrors(uri):
        source = await open_source(LoopWays(client), uri, parsed, open_timeout)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit, loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport = SourceTransport(source, parsed, protocol, loop, {"uri": uri})
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


class SourceTransport(asyncio.Transport):
    """Moves bytes between a source, which it owns, and a protocol."""

    def __init__(
        self,
        source: Source,
        mode: Mode,
        protocol: asyncio.Protocol,
        loop: asyncio.AbstractEventLoop,
        extra: Mapping[str, Any],
    ) -> None:
        """Move `source` here, and begin."""
        super().__init__(extra)
        self._source = source
        self._protocol = protocol
        self._unsent = bytearray()
        self._high, self._low = HIGH_BYTES, HIGH_BYTES // 4
        self._paused = False
        self._closing = self._lost = False
        self._eof = self._finished = False
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._to_do = asyncio.Event()
        protocol.connection_made(self)
        self._writer = loop.create_task(self._write_on())
        self._reader = loop.create_task(self._read_on()) if mode.reading else None

    # ---- reading

    async def _read_on(self) -> None:
        room = memoryview(bytearray(MAX_STREAM_BYTES))
        try:
            while True:
                await self._may_read.wait()
                count = await self._source.read_into(room, None)
                if not count:
                    break
                self._protocol.data_received(bytes(room[:count]))
        except (IpcError, OSError) as error:
            self._lose(error)
        else:
            if not self._protocol.eof_received():
                self.close()

    def pause_reading(self) -> None:
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    def is_reading(self) -> bool:
        return self._may_read.is_set() and not self._closing

    # ---- writing

    async def _write_on(self) -> None:
        try:
            while not self._closing or self._unsent:
                await self._to_do.wait()
                await self._send()
                if self._eof and not self._finished:
                    self._finished = True
                    await self._source.finish(None)
            if not self._finished and self._reader is None:
                await self._source.finish(None)
        except (IpcError, OSError) as error:
            self._lose(error)
        else:
            self._lose(None)

    async def _send(self) -> None:
        while self._unsent:
            part = memoryview(bytes(memoryview(self._unsent)[:MAX_STREAM_BYTES]))
            count = await self._source.write(part, None)
            del self._unsent[:count]
            if self._paused and len(self._unsent) <= self._low:
                self._paused = False
                self._protocol.resume_writing()
        if not self._closing:
            self._to_do.clear()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send all of it later. Raises: RuntimeError: after `write_eof`."""
        if self._eof:
            raise RuntimeError("write after write_eof")
        if self._lost or self._closing:
            return
        self._unsent += data
        self._to_do.set()
        if len(self._unsent) > self._high and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """End the direction to the server, behind what was written."""
        self._eof = True
        self._to_do.set()

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the bounds of rule 2."""
        self._high = HIGH_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low

    # ---- the end

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """See rule 3; idempotent."""
        self._closing = True
        self._to_do.set()
        if self._reader is not None:
            self._reader.cancel()

    def abort(self) -> None:
        """Close now, whatever was written."""
        self._unsent.clear()
        self._lose(None)

    def _lose(self, error: IpcError | OSError | None) -> None:
        """End both tasks, close, and tell the protocol, once."""
        if self._lost:
            return
        self._lost = self._closing = True
        current = asyncio.current_task()
        for task in (self._reader, self._writer):
            if task is not None and task is not current:
                task.cancel()
        self._source.close()
        told = oserror_for(error) if isinstance(error, IpcError) else error
        self._protocol.connection_lost(told)
