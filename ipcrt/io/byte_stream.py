"""ResourceStream: a resource as anyio's `ByteStream`, on asyncio, uvloop and trio.

So it serves wherever a stream of anyio does: `TextReceiveStream`, `BufferedByteReceiveStream`.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import anyio
import anyio.lowlevel
from anyio.abc import ByteStream

from ipcrt.errors import BadHandle, Canceled, IpcError
from ipcrt.io.errors import oserror_for
from ipcrt.io.source import Source
from ipcrt.resources.limits import MAX_STREAM_BYTES


class ResourceStream(ByteStream):
    """Owns its source. Raises anyio's errors, whose cause is an OSError."""

    def __init__(self, source: Source) -> None:
        """Move `source` here."""
        self._source = source
        self._closed = False
        self._sent_end = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Await some bytes. Raises: EndOfStream, BrokenResourceError, ClosedResourceError."""
        room = bytearray(min(max_bytes, MAX_STREAM_BYTES))
        with self._told():
            count = await self._source.read_into(memoryview(room), None)
        if not count:
            raise anyio.EndOfStream
        return bytes(memoryview(room)[:count])

    async def send(self, item: bytes) -> None:
        """Send all the bytes. Raises: BrokenResourceError, ClosedResourceError."""
        if self._sent_end:
            raise anyio.ClosedResourceError
        rest = memoryview(item)
        with self._told():
            while rest:
                rest = rest[await self._source.write(rest, None) :]

    async def send_eof(self) -> None:
        """End the direction to the server, which may go on sending."""
        if not self._sent_end:
            self._sent_end = True
            with self._told():
                await self._source.finish(None)

    async def aclose(self) -> None:
        """Close both directions; what was sent is not waited for (see `send_eof`)."""
        self._closed = True
        self._source.close()
        await anyio.lowlevel.checkpoint()

    @contextmanager
    def _told(self) -> Generator[None, None, None]:
        if self._closed:
            raise anyio.ClosedResourceError
        try:
            yield
        except (BadHandle, Canceled) as error:
            raise anyio.ClosedResourceError from error
        except IpcError as error:
            raise anyio.BrokenResourceError from oserror_for(error)
        except OSError as error:
            raise anyio.BrokenResourceError from error
