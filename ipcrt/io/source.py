"""Source: what a file reads from and writes to, however it waits.

    StreamSource     a data channel
    SeekingSource    a resource with offsets: data channels, opened anew where somebody seeks
    FdStream         a descriptor of a pipe or a socket
    FdFile           a descriptor of a file or of memory

All timeouts are in seconds; None: for ever. Sources raise IpcError or OSError.
"""

from __future__ import annotations

import io
from typing import Final, NoReturn

from ipcrt.errors import InvalidArgs

MAX_OFFSET: Final = (1 << 63) - 1
"""Source: off_t."""


class Source:
    """Bytes, in order; one task or thread at a time uses it."""

    async def read_into(self, view: memoryview, timeout: float | None) -> int:
        """Read what is there, at least one byte, waiting for it; zero: the end."""
        del view, timeout
        unsupported("read")

    async def write(self, view: memoryview, timeout: float | None) -> int:
        """Write as much as there is room for, at least one byte, waiting for it."""
        del view, timeout
        unsupported("write")

    async def can_seek(self) -> bool:
        """True where `seek` works; may ask the server."""
        return False

    async def seek(self, offset: int, whence: int) -> int:
        """Move, as lseek(2); answer the new offset."""
        del offset, whence
        unsupported("seek")

    async def tell(self) -> int:
        """Answer the offset."""
        unsupported("tell")

    async def truncate(self, size: int) -> None:
        """Cut the bytes, or append zeros."""
        del size
        unsupported("truncate")

    def fileno(self) -> int:
        """Lend the descriptor of the bytes themselves."""
        unsupported("fileno")

    def interrupt(self) -> bool:
        """End the wait that goes on, from any thread; False: none does."""
        return False

    async def finish(self, timeout: float | None) -> None:
        """Wait until all that was written is taken."""

    def close(self) -> None:
        """Give everything back; idempotent."""


def unsupported(what: str) -> NoReturn:
    """Raises: io.UnsupportedOperation."""
    raise io.UnsupportedOperation(f"{what}: neither a descriptor nor its server has that")


class Offset:
    """An offset in bytes."""

    __slots__ = ("value",)

    def __init__(self, value: int = 0) -> None:
        self.value = value

    def move(self, offset: int, whence: int, size: int) -> int:
        """Move to `offset` from the beginning, from here, or from the end, which is at `size`.

        Raises: InvalidArgs: before the beginning, too far, or another `whence`.
        """
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self.value, io.SEEK_END: size}.get(whence)
        if begin is None:
            raise InvalidArgs(f"whence {whence} is none of 0, 1 and 2")
        target = begin + offset
        if not 0 <= target <= MAX_OFFSET:
            raise InvalidArgs(f"offset {target} is not from 0 to {MAX_OFFSET}")
        self.value = target
        return target
