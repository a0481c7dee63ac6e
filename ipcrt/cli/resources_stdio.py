"""Standard input and output as streams that an event loop waits for.

1. Nobody's flags are changed: whoever started us may share the descriptor. A pipe or terminal is
   opened once more instead, through /proc, to have a description of one's own that never blocks.
2. Where that cannot be, each reading waits until there is something, and writing may block.
3. Files are read and written as they are: nothing tells when they are ready.
Source: proc(5), pipe(7), epoll(7).
"""

from __future__ import annotations

import os
import stat
from typing import Final

from ipcrt.errors import NotSupported
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt.resources.limits import MAX_STREAM_BYTES

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2

READING: Final = Signals.READABLE | Signals.PEER_CLOSED | Signals.PEER_WRITE_DISABLED
WRITING: Final = Signals.WRITABLE | Signals.PEER_CLOSED | Signals.PEER_GONE


class Source:
    """What is read of a descriptor; owns another of the same."""

    def __init__(self, port: AsyncPort, fd: int) -> None:
        """Raises: OSError: `fd` is closed."""
        self._port = port
        self.is_terminal = os.isatty(fd)
        self.size = _size_left(fd)
        """Bytes of a file that are left; None: nobody knows."""
        self._handle, own = _open_again(fd, os.O_RDONLY)
        self._waits_first = not own and self.size is None

    async def read(self) -> bytes:
        """Await some bytes, as many as a message holds; none at the end. Raises: OSError."""
        while True:
            if self._waits_first:
                await self._wait()
            try:
                return os.read(self._handle.fileno(), MAX_STREAM_BYTES)
            except BlockingIOError:
                await self._wait()

    async def _wait(self) -> None:
        try:
            await self._port.wait_one(self._handle, READING)
        except NotSupported:  # such as /dev/null, which never blocks
            self._waits_first = False

    def close(self) -> None:
        """Close our descriptor; idempotent."""
        self._handle.close()


class Sink:
    """What is written to a descriptor; owns another of the same."""

    def __init__(self, port: AsyncPort, fd: int) -> None:
        """Raises: OSError: `fd` is closed."""
        self._port = port
        self.is_terminal = os.isatty(fd)
        self._handle, _ = _open_again(fd, os.O_WRONLY)

    async def write(self, data: bytes | memoryview) -> None:
        """Write all the bytes, waiting while there is no room. Raises: OSError."""
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._handle.fileno(), left) :]
            except BlockingIOError:
                await self._port.wait_one(self._handle, WRITING)

    def close(self) -> None:
        """Close our descriptor; idempotent."""
        self._handle.close()


def _open_again(fd: int, access: int) -> tuple[Handle, bool]:
    """Answer a descriptor of the same, and whether it is one that never blocks (rules 1 and 2)."""
    if stat.S_ISFIFO(os.fstat(fd).st_mode) or os.isatty(fd):
        flags = access | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            return Handle(os.open(f"/proc/self/fd/{fd}", flags)), True
        except OSError:  # another user's terminal; a pipe that nobody reads
            pass
    return Handle(os.dup(fd)), False


def _size_left(fd: int) -> int | None:
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        return None
    return max(0, status.st_size - os.lseek(fd, 0, os.SEEK_CUR))
