"""SeekingSource: a resource that may have offsets.

1. Bytes come and go by data channels, each opened where it begins: `?offset=N` to read there,
   `?write&offset=N` to write there, `?append` to append. Who reads or writes on and on uses one.
2. Seeking elsewhere closes a channel that is read; of one that is written it first waits until the
   server has dealt with all. So does reading behind writing.
3. Whether there are offsets, the method `stat` tells: it is asked once, by who wants to know.
"""

from __future__ import annotations

import io

from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.errors import NotFound, NotSupported
from ipcrt.io.facts import STAT, TRUNCATE, parse_stat, size_args
from ipcrt.io.modes import Mode, with_fields
from ipcrt.io.source import Offset, Source, unsupported
from ipcrt.io.stream_source import StreamSource
from ipcrt.io.ways import Ways
from ipcrt.resources.control import data_channel


class SeekingSource(Source):
    """Borrows the way to its server, owns the data channel that it uses now."""

    def __init__(self, ways: Ways, uri: str, mode: Mode, first: StreamSource) -> None:
        """Move `first` here, the channel that opened `uri` in `mode`."""
        self._ways = ways
        self._uri = uri
        self._appending = mode.appending
        self._offset = Offset()
        self._seekable: bool | None = None
        self._stream: StreamSource | None = first
        self._writes = mode.letter != "r"

    async def read_into(self, view: memoryview, timeout: float | None) -> int:
        stream = self._stream
        if stream is None or self._writes:
            offset = await self._turn()
            stream = await self._reopen(timeout, f"offset={offset}", writes=False)
        count = await stream.read_into(view, timeout)
        self._offset.value += count
        return count

    async def write(self, view: memoryview, timeout: float | None) -> int:
        stream = self._stream
        if stream is None or not self._writes:
            offset = await self._turn()
            fields = ("append",) if self._appending else ("write", f"offset={offset}")
            stream = await self._reopen(timeout, *fields, writes=True)
        count = await stream.write(view, timeout)
        self._offset.value += count
        return count

    async def _reopen(self, timeout: float | None, *fields: str, writes: bool) -> StreamSource:
        bounded = DEFAULT_TIMEOUT if timeout is None else timeout
        handle = await self._ways.open_handle(with_fields(self._uri, *fields), bounded)
        with data_channel(handle) as channel:
            data = self._ways.data(channel)
        self._stream = StreamSource(data, self._ways, reads=not writes)
        self._writes = writes
        return self._stream

    async def _turn(self) -> int:
        """Be done with the channel there is; answer where the next one begins."""
        await self._check_seekable()
        await self.finish(None)
        if self._appending and self._writes:
            self._offset.value = await self._size()
        self._drop()
        self._writes = False
        return self._offset.value

    async def _size(self) -> int:
        await self.finish(None)
        return parse_stat(await self._ways.invoke(self._plain(), STAT, b"")).size

    async def can_seek(self) -> bool:
        if self._seekable is None:
            try:
                found = parse_stat(await self._ways.invoke(self._plain(), STAT, b""))
                self._seekable = found.type == "file"
            except (NotSupported, NotFound):
                self._seekable = False
        return self._seekable

    async def _check_seekable(self) -> None:
        if not await self.can_seek():
            unsupported("seek")

    async def seek(self, offset: int, whence: int) -> int:
        await self._check_seekable()
        target = Offset(await self.tell())
        target.move(offset, whence, await self._size() if whence == io.SEEK_END else 0)
        if target.value != self._offset.value:
            await self._turn()
            self._offset = target
        return target.value

    async def tell(self) -> int:
        """Answer the offset; buffers ask when they are made, so that the server is not asked."""
        if self._seekable is False:
            unsupported("tell")
        if self._appending and self._writes and self._seekable:
            self._offset.value = await self._size()
        return self._offset.value

    async def truncate(self, size: int) -> None:
        await self.finish(None)
        await self._ways.invoke(self._plain(), TRUNCATE, size_args(size))

    def _plain(self) -> str:
        return self._uri.partition("?")[0]

    def interrupt(self) -> bool:
        return self._ways.interrupt()

    async def finish(self, timeout: float | None) -> None:
        if self._stream is not None and self._writes:
            try:
                await self._stream.finish(DEFAULT_TIMEOUT if timeout is None else timeout)
            finally:
                self._drop()

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def close(self) -> None:
        self._drop()
