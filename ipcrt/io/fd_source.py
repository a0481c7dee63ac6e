"""Descriptors that a peer gave: a file or memory, a pipe or a socket.

The sources own the handle. See `fd_bytes` for what is not trusted.
"""

from __future__ import annotations

import io
import os
import time
from functools import partial

from ipcrt.io import fd_bytes
from ipcrt.io.source import Offset, Source
from ipcrt.io.waits import READABLE, WRITABLE
from ipcrt.io.ways import Waits
from ipcrt.objects.handle import Handle
from ipcrt.port.signals import Signals


class FdFile(Source):
    """A file's bytes, at an offset of its own. Timeouts mean nothing here."""

    def __init__(self, handle: Handle, waits: Waits, *, appending: bool) -> None:
        """Move `handle` and `waits` here: a regular file, memory or a block device."""
        self._handle = handle.replace()
        self._waits = waits
        self._appending = appending
        self._offset = Offset(fd_bytes.size(self.fileno()) if appending else 0)

    async def read_into(self, view: memoryview, timeout: float | None) -> int:
        del timeout
        read = partial(fd_bytes.read_at, self._offset.value, view)
        count = await self._waits.on_disk(self.fileno(), read)
        self._offset.value += count
        return count

    async def write(self, view: memoryview, timeout: float | None) -> int:
        del timeout
        if self._appending:
            count = await self._waits.on_disk(self.fileno(), partial(fd_bytes.append, view))
            self._offset.value = fd_bytes.size(self.fileno())
        else:
            put = partial(fd_bytes.write_at, self._offset.value, view)
            count = await self._waits.on_disk(self.fileno(), put)
            self._offset.value += count
        return count

    async def can_seek(self) -> bool:
        return True

    async def seek(self, offset: int, whence: int) -> int:
        size = fd_bytes.size(self.fileno()) if whence == io.SEEK_END else 0
        return self._offset.move(offset, whence, size)

    async def tell(self) -> int:
        return self._offset.value

    async def truncate(self, size: int) -> None:
        os.ftruncate(self.fileno(), size)

    def fileno(self) -> int:
        return self._handle.fileno()

    def close(self) -> None:
        self._waits.close()
        self._handle.close()


class FdStream(Source):
    """A pipe's or a socket's end."""

    def __init__(self, handle: Handle, waits: Waits) -> None:
        """Move `handle` and `waits` here."""
        self._handle = handle.replace()
        self._waits = waits

    async def read_into(self, view: memoryview, timeout: float | None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return fd_bytes.receive_into(self.fileno(), view)
            except BlockingIOError:
                await self._wait(READABLE, until)

    async def write(self, view: memoryview, timeout: float | None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return fd_bytes.send(self.fileno(), view)
            except BlockingIOError:
                await self._wait(WRITABLE, until)

    async def _wait(self, signals: Signals, until: float | None) -> None:
        left = None if until is None else max(0.0, until - time.monotonic())
        await self._waits.wait(self._handle, signals, left)

    def fileno(self) -> int:
        return self._handle.fileno()

    def interrupt(self) -> bool:
        return self._waits.interrupt()

    def close(self) -> None:
        self._waits.close()
        self._handle.close()
