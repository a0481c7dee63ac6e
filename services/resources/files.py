"""Files beneath one directory: `file:///PATH`, read unless the query says otherwise.

1. Reading sends StreamData and closes at the end. Writing takes StreamData until its end (see
   `incoming`) or the closing of the channel; then the server closes, or tells an Error first.
2. A directory is listed, a frame an entry (`listing`).
3. `?fd` answers the open file itself instead, for reading or, with `?write`, for writing only.
4. Pipe to a descriptor copies in the kernel (`transfer`); to a channel it sends StreamData.
docs/resource-servers.md tells of the queries and methods.
"""

from __future__ import annotations

import os
import stat
from functools import partial
from typing import Final

from ipcrt.errors import InvalidArgs, IpcError, Status, from_oserror
from ipcrt.locator.resources import LocatedApp
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import BASIC, PROPERTY, Rights
from ipcrt.resources.data import DataChannel, DataSender
from ipcrt.resources.limits import MAX_STREAM_BYTES
from ipcrt.resources.requests import InvokeRequest, Opened, OpenRequest, PipeRequest
from ipcrt_services.resources.arguments import arguments, result
from ipcrt_services.resources.incoming import Incoming
from ipcrt_services.resources.listing import Listing, type_of
from ipcrt_services.resources.open_file import OpenFile
from ipcrt_services.resources.owning import Owning
from ipcrt_services.resources.query import Query
from ipcrt_services.resources.root import Root
from ipcrt_services.resources.threads import Threads
from ipcrt_services.resources.transfer import Transfer

URI: Final = "file:///{path:path}"
BUFFER_BYTES: Final = 4 * MAX_STREAM_BYTES
"""What one reader has in memory here; 256 of a client's are 64 MiB."""

_KNOWN: Final = frozenset(
    ("read", "write", "append", "create", "exclusive", "truncate", "sync", "offset", "length", "fd")
)
_READ_ONLY: Final = BASIC | PROPERTY | Rights.MAP | Rights.READ
_WRITE_ONLY: Final = BASIC | PROPERTY | Rights.WRITE


class Files:
    """The server's handlers; lends `root` and `threads`."""

    def __init__(self, root: Root, threads: Threads) -> None:
        self._root = root
        self._threads = threads

    def add_to(self, app: LocatedApp) -> None:
        """Have an app serve these files."""
        app.open(URI)(self.open)
        app.pipe(URI)(self.pipe)
        for method in (self.stat, self.truncate, self.mkdir, self.unlink, self.rmdir, self.rename):
            app.invoke(URI, method.__name__)(method)

    # ---- Open

    def open(self, request: OpenRequest, path: str) -> Opened:
        """Handle an Open."""
        query = Query(request.uri, _KNOWN)
        writes = query.flag("write") or query.flag("append")
        flags = _flags(query, writes)
        part = _part(query)
        handle = self._root.open(path, flags)
        if query.flag("fd"):
            if writes:
                os.lseek(handle.fileno(), part[0], os.SEEK_SET)
            return Handle(handle.take(), _WRITE_ONLY if writes else _READ_ONLY)
        if _is_directory(handle):
            listing = Listing(handle, self._threads.lend())
            return Owning(listing.send, listing.close)
        file = OpenFile(handle, self._threads.lend())
        if not writes:
            return Owning(partial(_read, file, part), file.close)
        offset = None if query.flag("append") else part[0]
        return Owning(partial(_write, file, offset, query.flag("sync")), file.close)

    # ---- Pipe

    async def pipe(self, request: PipeRequest, path: str) -> int | None:
        """Handle a Pipe."""
        query = Query(request.uri, frozenset(("read", "offset", "length")))
        part = _part(query)
        handle = self._root.open(path, os.O_RDONLY)
        thread = self._threads.lend()
        if _is_directory(handle):
            listing = Listing(handle, thread)
            try:
                await listing.send(request.sender)
            finally:
                listing.close()
            return None
        file = OpenFile(handle, thread)
        try:
            if isinstance(request.write_to, Channel):
                await _read(file, part, request.sender)
                return None
            transfer = Transfer(file.handle, request.write_to, thread)
            try:
                if part[1] is None and _is_same_file(file.handle, request.write_to):
                    raise InvalidArgs("a file that is written to itself would have no end")
                return await transfer.run(request.port, *part)
            finally:
                transfer.close()
        finally:
            file.close()

    # ---- Invoke

    def stat(self, request: InvokeRequest, path: str) -> bytes:
        """Tell of a file or directory; of a link, of itself."""
        arguments(request, type(None))
        status = self._root.stat(path)
        return result(
            {
                "type": type_of(status.st_mode),
                "size": status.st_size,
                "mode": stat.S_IMODE(status.st_mode),
                "mtime_ns": status.st_mtime_ns,
            }
        )

    def truncate(self, request: InvokeRequest, path: str) -> None:
        """Cut a file, or fill it up with zeros, to so many bytes."""
        size = arguments(request, int)
        if not 0 <= size < 1 << 63:
            raise InvalidArgs(f"a size of {size} bytes")
        with self._root.open(path, os.O_WRONLY) as handle:
            try:
                os.ftruncate(handle.fileno(), size)
            except OSError as error:
                raise from_oserror(error, f"truncate to {size} bytes") from error

    def mkdir(self, request: InvokeRequest, path: str) -> None:
        """Make a directory."""
        arguments(request, type(None))
        self._root.make_directory(path)

    def unlink(self, request: InvokeRequest, path: str) -> None:
        """Remove a file, or a link."""
        arguments(request, type(None))
        self._root.remove(path)

    def rmdir(self, request: InvokeRequest, path: str) -> None:
        """Remove an empty directory."""
        arguments(request, type(None))
        self._root.remove(path, directory=True)

    def rename(self, request: InvokeRequest, path: str) -> None:
        """Give it another path, a plain text, in place of what is there."""
        self._root.rename(path, arguments(request, str))


def _flags(query: Query, writes: bool) -> int:
    """Answer the flags of open(2). Raises: InvalidArgs: they contradict each other."""
    if writes and query.flag("read"):
        raise InvalidArgs("a file is opened to be read, or to be written")
    if query.flag("sync") and query.flag("fd"):
        raise InvalidArgs("who writes to a descriptor has it synchronised himself")
    if query.flag("append") and query.number("offset"):
        raise InvalidArgs("what is appended has no offset")
    flags = os.O_WRONLY if writes else os.O_RDONLY
    for name, flag in (
        ("append", os.O_APPEND),
        ("create", os.O_CREAT),
        ("exclusive", os.O_CREAT | os.O_EXCL),
        ("truncate", os.O_TRUNC),
    ):
        if query.flag(name):
            flags |= flag
    if not writes and flags != os.O_RDONLY:
        raise InvalidArgs("create, exclusive and truncate go with write or append")
    return flags


def _part(query: Query) -> tuple[int, int | None]:
    """Answer where to begin, and how many bytes to read; None: all. Raises: InvalidArgs."""
    return query.number("offset") or 0, query.number("length")


async def _read(file: OpenFile, part: tuple[int, int | None], to: DataSender) -> None:
    """Send a file's bytes."""
    offset, length = part
    buffer = bytearray(BUFFER_BYTES)
    while length is None or length > 0:
        most = BUFFER_BYTES if length is None else min(length, BUFFER_BYTES)
        count = await file.read(buffer, offset, most)
        if not count:
            return
        await to.send_stream(memoryview(buffer)[:count])
        offset += count
        length = None if length is None else length - count


async def _write(file: OpenFile, offset: int | None, sync: bool, data: DataChannel) -> None:
    """Write what a client sends; it has arrived when the channel closes without an Error."""
    incoming = Incoming(data)
    while (parts := await incoming.take()) is not None:
        await file.write(parts, offset)
        if offset is not None:
            offset += sum(map(len, parts))
    if sync:
        await file.sync()


def _is_same_file(one: Handle, other: Handle) -> bool:
    """True where both descriptors are of one file, whatever its names."""
    return os.path.samestat(os.fstat(one.fileno()), os.fstat(other.fileno()))


def _is_directory(handle: Handle) -> bool:
    """True for a directory. Raises: IpcError: it is not there any more."""
    try:
        return stat.S_ISDIR(os.fstat(handle.fileno()).st_mode)
    except OSError as error:
        handle.close()
        raise IpcError(f"look at a file: {error}", Status.IO) from error
