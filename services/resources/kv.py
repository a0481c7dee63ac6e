"""A small store: `kv:///KEY` is read, or written with `?write`; one value a key, of a mebibyte.

1. Reading sends StreamData and closes at the end. What is written is stored as a whole, durably,
   when its end has come (an empty frame, see `incoming`), and then the server closes, or tells an
   Error first. A client that goes before that has stored nothing.
2. Methods: `delete`, `swap` and `list`; docs/resource-servers.md tells what they take.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar, cast

from ipcrt.errors import AlreadyExists, InvalidArgs, IpcError, NotFound, OutOfRange, Status
from ipcrt.locator.resources import LocatedApp
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.data import DataChannel
from ipcrt.resources.requests import InvokeRequest, Opened, OpenRequest
from ipcrt_services.resources.arguments import arguments, result
from ipcrt_services.resources.incoming import Incoming
from ipcrt_services.resources.kv_storage import Change, Changed, KvStorage
from ipcrt_services.resources.query import Query
from ipcrt_services.worker import Worker, call_each

T = TypeVar("T")

URI: Final = "kv:///{key:path}"
MAX_KEY_BYTES: Final = 512
MAX_VALUE_BYTES: Final = (1 << 20) - 64
"""A value fits what a method answers, with what surrounds it there."""

MAX_LISTED: Final = 1000
"""Keys of one `list`: with 512 bytes each they fit what a method answers."""

_KNOWN: Final = frozenset(("read", "write", "exclusive", "create", "truncate"))
"""The last two are for those who open files: writing always does both."""

_BATCH: Final = 32
"""Changes of one commit; 32 MiB of log."""


class Kv:
    """The server's handlers, and the two threads that the storage is used on."""

    def __init__(self, port: AsyncPort, storage: KvStorage) -> None:
        self._storage = storage
        self._writer: Worker[Change, Changed] = Worker(port, storage.change, "kv writer", _BATCH)
        self._reader: Worker[Callable[[], Any], Any] = Worker(port, call_each, "kv reader", _BATCH)

    def add_to(self, app: LocatedApp) -> None:
        """Have an app serve the store."""
        app.open(URI)(self.open)
        for method in (self.delete, self.swap, self.list):
            app.invoke(URI, method.__name__)(method)

    # ---- Open

    async def open(self, request: OpenRequest, key: str) -> Opened:
        """Handle an Open."""
        query = Query(request.uri, _KNOWN)
        _check(key)
        if query.flag("write"):
            if query.flag("read"):
                raise InvalidArgs("a key is opened to be read, or to be written")
            return partial(self._write, key, query.flag("exclusive"))
        value = await self._read(partial(self._storage.value, key))
        return lambda data: data.send_stream(value)

    async def _write(self, key: str, exclusive: bool, data: DataChannel) -> None:
        incoming = Incoming(data)
        value = bytearray()
        while (parts := await incoming.take()) is not None:
            for part in parts:
                value += part
            _check_size(value)
        changed = await self._writer.submit(Change(key, bytes(value), None, compares=exclusive))
        if not changed.done:
            raise AlreadyExists(f"key {key!r:.80} is taken")

    # ---- Invoke

    async def delete(self, request: InvokeRequest, key: str) -> None:
        """Remove a key."""
        arguments(request, type(None))
        _check(key)
        if (await self._writer.submit(Change(key, None))).before is None:
            raise NotFound(f"no key {key!r:.80}")

    async def swap(self, request: InvokeRequest, key: str) -> bytes:
        """Change a key where it is what is expected; tell whether, and what it was."""
        _check(key)
        expected, new = arguments(request, tuple[bytes | None, bytes | None])
        _check_size(new or b"")
        changed = await self._writer.submit(Change(key, new, expected, compares=True))
        return result((changed.done, changed.before))

    async def list(self, request: InvokeRequest, key: str) -> bytes:
        """Tell the keys that begin with this one, behind one, in byte order."""
        after, count = arguments(request, tuple[str, int]) if request.args else ("", MAX_LISTED)
        if not 1 <= count <= MAX_LISTED:
            raise OutOfRange(f"{count} keys; between 1 and {MAX_LISTED} may be listed at once")
        if key:
            _check(key)
        found = await self._read(partial(self._storage.keys_with, key, after, count))
        return result(found)

    async def _read(self, job: Callable[[], T]) -> T:
        return cast("T", await self._reader.submit(job))

    async def drain(self) -> None:
        """Await what was asked for until now."""
        await self._writer.drain()
        await self._reader.drain()

    def close(self) -> None:
        """End both threads; what was submitted is still done. Idempotent."""
        self._writer.close()
        self._reader.close()


@asynccontextmanager
async def open_kv(port: AsyncPort, storage: KvStorage) -> AsyncGenerator[Kv, None]:
    """Serve `storage`, which stays the caller's; on leaving, what was asked for is done."""
    kv = Kv(port, storage)
    try:
        yield kv
        await kv.drain()
    finally:
        kv.close()


def _check(key: str) -> None:
    """Raises: InvalidArgs: no key: it is empty, too long, or no Unicode."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise InvalidArgs(f"key is no UTF-8: {error}") from error
    if not 1 <= size <= MAX_KEY_BYTES:
        raise InvalidArgs(f"key of {size} bytes; it has 1 to {MAX_KEY_BYTES}")


def _check_size(value: bytes | bytearray) -> None:
    if len(value) > MAX_VALUE_BYTES:
        message = f"value of {len(value)} bytes exceeds {MAX_VALUE_BYTES}"
        raise IpcError(message, Status.FILE_BIG)
