"""AsyncFile: a binary file for tasks that await, on asyncio, uvloop and trio.

1. What was read ahead, or is not written yet, stays in the file's own buffers: a wait that ends
   early, by its deadline or by cancellation, loses no byte, and the file goes on.
2. One task at a time reads, one writes.
3. `aclose` flushes, and waits until the server has dealt with all that was written; a task that is
   cancelled meanwhile closes the file all the same.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Self

from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.io.errors import PosixErrors
from ipcrt.io.modes import Mode
from ipcrt.io.source import Source
from ipcrt.resources.limits import MAX_STREAM_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from _typeshed import ReadableBuffer, WriteableBuffer

BUFFER_BYTES = MAX_STREAM_BYTES


class AsyncFile:
    """Made by `aopen` and `async_file_of`; owns its source.

    `timeout`, in seconds, bounds each wait of a read or write, which then raises TimeoutError; for
    ever where it is None. Errors are OSErrors, and ValueError: closed.
    """

    def __init__(self, source: Source, mode: Mode, name: str, timeout: float | None) -> None:
        """Move `source` here."""
        self._source = source
        self._mode = mode
        self._errors = PosixErrors(name)
        self._ahead = bytearray()
        self._room = bytearray(BUFFER_BYTES if mode.reading else 0)
        self._unsent = bytearray()
        self._closed = False
        self.name = name
        self.timeout = timeout

    @property
    def mode(self) -> str:
        return self._mode.raw

    @property
    def closed(self) -> bool:
        return self._closed

    # ---- reading

    async def read(self, size: int = -1) -> bytes:
        """Read `size` bytes, or fewer at the end; all, where it is negative."""
        await self._begin_reading()
        while size < 0 or len(self._ahead) < size:
            if not await self._more():
                break
        return self._take(len(self._ahead) if size < 0 else size)

    async def read1(self, size: int = -1) -> bytes:
        """Read what is there, at least one byte, and `size` at most; none at the end."""
        await self._begin_reading()
        if not self._ahead and size:
            await self._more()
        return self._take(len(self._ahead) if size < 0 else size)

    async def readinto(self, buffer: WriteableBuffer) -> int:
        """Read what is there into `buffer`; answer how many bytes, zero at the end."""
        view = memoryview(buffer).cast("B")
        part = await self.read1(len(view))
        view[: len(part)] = part
        return len(part)

    async def readline(self) -> bytes:
        """Read up to a newline, which is part of it, or to the end."""
        await self._begin_reading()
        looked = 0
        while (found := self._ahead.find(b"\n", looked)) < 0:
            looked = len(self._ahead)
            if not await self._more():
                return self._take(looked)
        return self._take(found + 1)

    async def _begin_reading(self) -> None:
        self._check(reading=True)
        if self._unsent:
            await self.flush()

    async def _more(self) -> bool:
        """Read once more; False: the end."""
        with self._errors:
            count = await self._source.read_into(memoryview(self._room), self.timeout)
        self._ahead += memoryview(self._room)[:count]
        return count > 0

    def _take(self, size: int) -> bytes:
        part = bytes(memoryview(self._ahead)[:size])
        del self._ahead[:size]
        return part

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        line = await self.readline()
        if not line:
            raise StopAsyncIteration
        return line

    # ---- writing

    async def write(self, data: ReadableBuffer) -> int:
        """Take all the bytes; they leave with the next 64 KiB, or by `flush`."""
        self._check(writing=True)
        if self._ahead:
            await self.seek(0, io.SEEK_CUR)
        view = memoryview(data).cast("B")
        self._unsent += view
        if len(self._unsent) >= BUFFER_BYTES:
            await self.flush()
        return len(view)

    async def flush(self) -> None:
        """Send what was written. Where a wait ends early, the rest stays for the next time."""
        self._check()
        while self._unsent:
            part = memoryview(bytes(memoryview(self._unsent)[:BUFFER_BYTES]))
            with self._errors:
                count = await self._source.write(part, self.timeout)
            del self._unsent[:count]

    # ---- offsets

    async def seekable(self) -> bool:
        """True where `seek` works; the first time this may ask the server."""
        self._check()
        with self._errors:
            return await self._source.can_seek()

    async def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, as lseek(2). Raises: io.UnsupportedOperation: there are no offsets."""
        await self.flush()
        with self._errors:
            if whence == io.SEEK_CUR:
                offset -= len(self._ahead)
            target = await self._source.seek(offset, whence)
        self._ahead.clear()
        return target

    async def tell(self) -> int:
        """Answer the offset."""
        await self.flush()
        with self._errors:
            return await self._source.tell() - len(self._ahead)

    async def truncate(self, size: int | None = None) -> int:
        """Cut the file here or at `size`, or append zeros."""
        self._check(writing=True)
        length = await self.tell() if size is None else size
        await self.flush()
        with self._errors:
            await self._source.truncate(length)
        return length

    def fileno(self) -> int:
        """Lend the descriptor that a peer gave. Raises: io.UnsupportedOperation: there is none."""
        self._check()
        return self._source.fileno()

    # ---- life

    async def aclose(self) -> None:
        """See rule 3; idempotent. Raises: what the server told of what was written."""
        if self._closed:
            return
        try:
            await self.flush()
            if self._mode.writing:
                with self._errors:
                    patience = DEFAULT_TIMEOUT if self.timeout is None else self.timeout
                    await self._source.finish(patience)
        finally:
            self.close()

    def close(self) -> None:
        """Close without flushing or waiting; idempotent."""
        self._closed = True
        self._source.close()

    def _check(self, *, reading: bool = False, writing: bool = False) -> None:
        if self._closed:
            raise ValueError("I/O operation on closed file")
        if reading and not self._mode.reading:
            raise io.UnsupportedOperation("not open for reading")
        if writing and not self._mode.writing:
            raise io.UnsupportedOperation("not open for writing")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            try:
                warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=2, source=self)
            finally:
                self.close()

    def __repr__(self) -> str:
        return f"<AsyncFile {self.name!r} {'closed' if self._closed else self.mode}>"
