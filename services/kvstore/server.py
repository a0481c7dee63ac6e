"""The key-value store's servers: one object for each client, one for each iterator."""

from __future__ import annotations

import re
from typing import Final

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.errors import IpcError, Status
from ipcrt_services.kvstore.bindings import (
    Item,
    IterateConnectionError,
    IterateFailed,
    Iterator,
    IteratorGetResponse,
    IteratorServer,
    ReadError,
    ReadFailed,
    StoreReadItemResponse,
    StoreServer,
    WriteError,
    WriteFailed,
)
from ipcrt_services.kvstore.store import Cursor, SharedStore

PAGE: Final = 10
"""Keys in a reply of Iterator.Get, as the contract bounds them."""

MAX_ITERATORS: Final = 1024
"""Iterators that the clients of one user may have open."""

CLIENT_LIMITS: Final = Limits(calls_in_flight=64, message_bytes=65536)
"""With these a client has at most 4 MiB of values waiting here."""

ITERATOR_LIMITS: Final = Limits(calls_in_flight=4, message_bytes=256)

_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./]{2,62}[A-Za-z0-9]")


class StoreClient(StoreServer):
    """One client of the store."""

    def __init__(self, store: SharedStore, uid: int) -> None:
        """`uid` is the client's, as the kernel told the locator."""
        self._store = store
        self._uid = uid

    async def write_item(self, attempt: Item) -> None:
        if _KEY.fullmatch(attempt.key) is None:
            raise WriteFailed(WriteError.INVALID_KEY)
        if not attempt.value:
            raise WriteFailed(WriteError.INVALID_VALUE)
        try:
            stored = await self._store.write(attempt.key, attempt.value)
        except IpcError as error:
            full = error.status is Status.NO_SPACE
            raise WriteFailed(WriteError.NO_SPACE if full else WriteError.UNKNOWN) from None
        if not stored:
            raise WriteFailed(WriteError.ALREADY_EXISTS)

    async def read_item(self, key: str) -> StoreReadItemResponse:
        value = await self._store.read(key)
        if value is None:
            raise ReadFailed(ReadError.NOT_FOUND)
        return StoreReadItemResponse(value)

    async def iterate(self, starting_at: str | None, iterator: ServerEnd[Iterator]) -> None:
        with iterator:
            if starting_at is not None and not await self._store.contains(starting_at):
                self._refuse(iterator, Status.NOT_FOUND)
                raise IterateFailed(IterateConnectionError.UNKNOWN_START_AT)
            if self._store.iterators[self._uid] >= MAX_ITERATORS:
                self._refuse(iterator, Status.NO_RESOURCES)
                raise IterateFailed(IterateConnectionError.TOO_MANY)
            self._bind(iterator, Cursor(starting_at))

    def _bind(self, end: ServerEnd[Iterator], cursor: Cursor) -> ServerBinding[Iterator]:
        walk = IteratorClient(self._store, self._uid, cursor)
        return ServerBinding(end, walk, self._store.port, ITERATOR_LIMITS)

    def _refuse(self, end: ServerEnd[Iterator], status: Status) -> None:
        """Close an iterator, so that calls that were made ahead fail with `status`."""
        self._bind(end, Cursor(None)).close(status)


class IteratorClient(IteratorServer):
    """One walk over the keys; it lives as long as its own channel, not its client's store."""

    def __init__(self, store: SharedStore, uid: int, cursor: Cursor) -> None:
        self._store = store
        self._uid = uid
        self._cursor = cursor
        store.iterators[uid] += 1

    async def get(self) -> IteratorGetResponse:
        return IteratorGetResponse(await self._store.page(self._cursor, PAGE))

    def client_gone(self, reason: IpcError) -> None:
        del reason
        self._store.iterators[self._uid] -= 1
        if self._store.iterators[self._uid] == 0:
            del self._store.iterators[self._uid]
