"""Sources: which one a file gets.

1. What the server gives decides: a descriptor of its own is used directly; a data channel is read
   or written on and on, and opened anew where somebody seeks, if the server can do that.
2. Whatever fails, nothing stays open.
"""

from __future__ import annotations

from ipcrt.io.fd_bytes import check_handle, has_offsets
from ipcrt.io.fd_source import FdFile, FdStream
from ipcrt.io.modes import Mode
from ipcrt.io.seeking_source import SeekingSource
from ipcrt.io.source import Source
from ipcrt.io.stream_source import StreamSource
from ipcrt.io.ways import Waits, Ways
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle


async def open_source(ways: Ways, uri: str, mode: Mode, timeout: float | None) -> Source:
    """Open `uri`; the caller owns the source. Raises: the server's error, OSError, IpcError."""
    with await ways.open_handle(mode.uri(uri), timeout) as handle:
        if not isinstance(handle, Channel):
            return source_in(handle, mode, ways.waits())
        data = ways.data(handle)
    stream = StreamSource(data, ways, reads=mode.letter == "r")
    try:
        seeking = SeekingSource(ways, uri, mode, stream)
        if mode.letter == "r" and mode.updating and not await seeking.can_seek():
            return stream  # both ways
        return seeking
    except BaseException:
        data.close()
        raise


def source_in(handle: Handle, mode: Mode, waits: Waits) -> Source:
    """Move `handle` and `waits` into what reads and writes the descriptor itself.

    Where it raises, `handle` stays with the caller. Raises: as `check_handle`; IsADirectoryError.
    """
    check_handle(handle, mode)
    if has_offsets(handle.fileno()):
        return FdFile(handle, waits, appending=mode.appending)
    return FdStream(handle, waits)
