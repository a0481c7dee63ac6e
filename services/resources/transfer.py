"""Transfer: a file to another's descriptor in the kernel, so that no byte of it enters Python.

1. A thread does the copying, in slices of ten milliseconds; while the receiver has no room the
   event loop waits for it instead, so that one who stalls holds no thread.
2. The receiver's descriptor is made non-blocking meanwhile, and is left as it was. It belongs to
   its open description: whoever shares that sees it, too.
3. What the thread uses is its own, and is given back by a job behind the last slice: then also
   where the transfer was cancelled in the middle of one.
4. To a file it goes by copy_file_range(2), else by sendfile(2). What neither can do (a terminal, a
   file that is only appended to) is read and written.
Source: copy_file_range(2), sendfile(2), fcntl(2).
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import time
from functools import partial
from typing import Final

from ipcrt.errors import AccessDenied, WrongType
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt_services.resources.streams import WRITING
from ipcrt_services.resources.threads import Thread

SLICE_S: Final = 0.01
"""Seconds that one transfer may keep a thread."""

_PIECE: Final = 8 << 20
_COPIED: Final = 256 << 10
_CANNOT: Final = (errno.EINVAL, errno.EBADF, errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP)
_STREAMS: Final = (stat.S_IFSOCK, stat.S_IFIFO, stat.S_IFCHR)


class Transfer:
    """Copies one file to one descriptor; owns a duplicate of the latter."""

    def __init__(self, file: Handle, write_to: Handle, thread: Thread) -> None:
        """Lend `file` and `write_to`: close neither before `close`, and that one on `thread`, too.

        Raises: AccessDenied: `write_to` is not open for writing. WrongType: nothing to write to.
        """
        flags = fcntl.fcntl(write_to.fileno(), fcntl.F_GETFL)
        if flags & os.O_PATH or flags & os.O_ACCMODE == os.O_RDONLY:
            raise AccessDenied("write_to is not open for writing")
        kind = stat.S_IFMT(os.fstat(write_to.fileno()).st_mode)
        if kind not in (*_STREAMS, stat.S_IFREG):
            raise WrongType("write_to is neither a socket nor a pipe, file or device")
        self._in = file.fileno()
        self._write_to = write_to
        self._out = write_to.duplicate()
        self._thread = thread
        self._made_non_blocking = kind in _STREAMS and not flags & os.O_NONBLOCK
        if self._made_non_blocking:
            os.set_blocking(self._out.fileno(), False)
        streams = kind in _STREAMS
        self._ways = [self._send, self._copy] if streams else [self._clone, self._send, self._copy]

    async def run(self, port: AsyncPort, offset: int, length: int | None) -> int:
        """Copy from `offset` on, `length` bytes or all; answer how many. Raises: IpcError."""
        done = 0
        while length is None or done < length:
            left = None if length is None else length - done
            job = partial(self._slice, offset + done, left)
            moved, full = await self._thread.run(job, "write to a descriptor")
            done += moved
            if full:
                await port.wait_one(self._write_to, WRITING)
            elif not moved:
                break
        return done

    # ---- on the thread

    def _slice(self, offset: int, left: int | None) -> tuple[int, bool]:
        """Copy for a while; answer how many bytes (none: the end), and whether room is missing."""
        until = time.monotonic() + SLICE_S
        moved = 0
        while left is None or moved < left:
            piece = _PIECE if left is None else min(_PIECE, left - moved)
            try:
                count = self._move(offset + moved, piece)
            except BlockingIOError:
                if not self._wait_room(until):
                    return moved, True
                continue
            moved += count
            if not count or time.monotonic() >= until:
                break
        return moved, False

    def _move(self, offset: int, piece: int) -> int:
        """Copy by the first way that can (rule 4)."""
        while True:
            try:
                return self._ways[0](offset, piece)
            except OSError as error:
                if len(self._ways) == 1 or error.errno not in _CANNOT:
                    raise
            del self._ways[0]

    def _clone(self, offset: int, piece: int) -> int:
        return os.copy_file_range(self._in, self._out.fileno(), piece, offset)

    def _send(self, offset: int, piece: int) -> int:
        return os.sendfile(self._out.fileno(), self._in, offset, piece)

    def _copy(self, offset: int, piece: int) -> int:
        part = os.pread(self._in, min(piece, _COPIED), offset)
        return os.write(self._out.fileno(), part) if part else 0

    def _wait_room(self, until: float) -> bool:
        """Wait for room for as long as the slice lasts; a hang-up counts, as writing tells."""
        poll = select.poll()
        poll.register(self._out.fileno(), select.POLLOUT)
        left_ms = int((until - time.monotonic()) * 1000)
        return left_ms > 0 and bool(poll.poll(left_ms))

    # ---- the end

    def close(self) -> None:
        """Give back what the thread uses (rule 3)."""
        self._thread.post(self._give_back)

    def _give_back(self) -> None:
        with self._out:
            if self._made_non_blocking and not self._out.closed:
                os.set_blocking(self._out.fileno(), True)
