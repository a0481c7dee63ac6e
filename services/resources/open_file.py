"""OpenFile: a file that is read and written a piece at a time, without stopping the event loop.

What the kernel has in memory is read on the spot (RWF_NOWAIT); a disk is waited for on a thread,
and so is all writing.
Source: preadv2(2), pwritev2(2).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from functools import partial

from ipcrt.errors import from_oserror
from ipcrt.objects.handle import Handle
from ipcrt_services.resources.streams import behind
from ipcrt_services.resources.threads import Thread


class OpenFile:
    """Owns a regular file; closed behind the last job that uses it."""

    def __init__(self, handle: Handle, thread: Thread) -> None:
        """Move `handle` here."""
        self._handle = handle
        self._thread = thread
        self._tells = True  # whether a piece is in memory; not all file systems do

    @property
    def handle(self) -> Handle:
        """The file, owned here."""
        return self._handle

    async def read(self, buffer: bytearray, offset: int, most: int) -> int:
        """Fill the front of `buffer`, with `most` bytes at most; zero: the end. Raises: IpcError.

        Where this is cancelled, a thread may write into the buffer still: forget it then.
        """
        fd = self._handle.fileno()
        room = memoryview(buffer)[:most]
        if self._tells:
            try:
                return os.preadv(fd, [room], offset, os.RWF_NOWAIT)
            except BlockingIOError:
                pass
            except OSError as error:
                if error.errno != errno.EOPNOTSUPP:
                    raise from_oserror(error, "read a file") from error
                self._tells = False
        return await self._thread.run(partial(os.preadv, fd, [room], offset), "read a file")

    async def write(self, parts: Sequence[bytes], offset: int | None) -> None:
        """Write all the bytes at `offset`; None: at the end. Raises: IpcError."""
        job = partial(_write, self._handle.fileno(), parts, offset)
        await self._thread.run(job, "write a file")

    async def sync(self) -> None:
        """Have the disk keep what was written. Raises: IpcError."""
        await self._thread.run(partial(os.fsync, self._handle.fileno()), "sync a file")

    def close(self) -> None:
        """Close the file when no job uses it any more. Idempotent."""
        self._thread.post(self._handle.close)


def _write(fd: int, parts: Sequence[bytes], offset: int | None) -> None:
    left = [memoryview(part) for part in parts if part]
    done = 0
    while left:
        written = os.writev(fd, left) if offset is None else os.pwritev(fd, left, offset + done)
        done += written
        left = behind(left, written)
