"""The contract of the key-value store: tables and typed signatures, as a generator would emit them.

library ipcrt.kvstore;

type Item = struct {
    key string:128;
    value vector<byte>:64000;
};

type WriteError = flexible enum {
    UNKNOWN = 0; INVALID_KEY = 1; INVALID_VALUE = 2; ALREADY_EXISTS = 3; NO_SPACE = 4;
};
type ReadError = flexible enum { NOT_FOUND = 1; };
type IterateConnectionError = flexible enum { UNKNOWN_START_AT = 1; TOO_MANY = 2; };

@discoverable
open protocol Store {
    flexible WriteItem(struct { attempt Item; }) -> () error WriteError;
    flexible ReadItem(struct { key string:128; })
        -> (struct { value vector<byte>:64000; }) error ReadError;
    flexible Iterate(resource struct { starting_at string:<128, optional>;
                                       iterator server_end:Iterator; })
        -> () error IterateConnectionError;
};

closed protocol Iterator {
    strict Get() -> (struct { entries vector<string:128>:10; });
};
"""

from __future__ import annotations

import enum
from abc import abstractmethod
from collections.abc import Coroutine
from typing import Annotated, Any

from msgspec import Meta

from ipcrt.bindings.ends import Protocol, ServerEnd
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy, Proxy
from ipcrt.bindings.server import Server
from ipcrt.bindings.tables import Openness, ProtocolTable, Struct, TwoWay

Key = Annotated[str, Meta(max_length=128)]
"""A key, at most 128 bytes; `Item` says which keys are valid."""

Value = Annotated[bytes, Meta(max_length=64000)]
"""A value, at most 64000 bytes."""


class WriteError(enum.IntEnum):
    """Why an item was not written."""

    UNKNOWN = 0
    """The storage failed, and the item may or may not be there later: read it back."""
    INVALID_KEY = 1
    """The key breaks the rule that `Item` tells."""
    INVALID_VALUE = 2
    """The value is empty."""
    ALREADY_EXISTS = 3
    """The key is taken; its value stays as it was."""
    NO_SPACE = 4
    """The disk is full; the item is not stored."""


class ReadError(enum.IntEnum):
    """Why an item was not read."""

    NOT_FOUND = 1
    """No item has this key."""


class IterateConnectionError(enum.IntEnum):
    """Why an iterator was not made; its channel is closed."""

    UNKNOWN_START_AT = 1
    """No item has the key to start at."""
    TOO_MANY = 2
    """The client's user has too many iterators open; close some."""


class WriteFailed(DomainError[WriteError]):
    """Store.WriteItem failed."""

    ERROR = WriteError


class ReadFailed(DomainError[ReadError]):
    """Store.ReadItem failed."""

    ERROR = ReadError


class IterateFailed(DomainError[IterateConnectionError]):
    """Store.Iterate failed."""

    ERROR = IterateConnectionError


class Item(Struct, frozen=True):
    """A key and its value.

    A key has 4 to 64 characters: a letter first, a letter or digit last, and between them letters,
    digits, `_`, `.` and `/`. All of them ASCII. A value has 1 to 64000 bytes.
    """

    key: Key
    value: Value


class StoreWriteItemRequest(Struct, frozen=True):
    """Request of Store.WriteItem."""

    attempt: Item


class StoreReadItemRequest(Struct, frozen=True):
    """Request of Store.ReadItem."""

    key: Key


class StoreReadItemResponse(Struct, frozen=True):
    """Response of Store.ReadItem."""

    value: Value


class StoreIterateRequest(Struct, frozen=True):
    """Request of Store.Iterate."""

    starting_at: Key | None
    iterator: ServerEnd[Iterator]


class IteratorGetResponse(Struct, frozen=True):
    """Response of Iterator.Get."""

    entries: Annotated[list[Key], Meta(max_length=10)]


class Store(Protocol):
    """A key-value store that items are added to and iterated over."""


class Iterator(Protocol):
    """One walk over the keys, in byte order, from page to page.

    A page shows what is there when it is asked for: items that were added behind the last key
    seen appear, those before it do not. A page whose reply nobody waited for is gone.
    """


STORE_WRITE_ITEM = TwoWay(
    "ipcrt.kvstore/Store.WriteItem", StoreWriteItemRequest, type(None), raises=WriteFailed
)
STORE_READ_ITEM = TwoWay(
    "ipcrt.kvstore/Store.ReadItem", StoreReadItemRequest, StoreReadItemResponse, raises=ReadFailed
)
STORE_ITERATE = TwoWay(
    "ipcrt.kvstore/Store.Iterate", StoreIterateRequest, type(None), raises=IterateFailed
)
ITERATOR_GET = TwoWay("ipcrt.kvstore/Iterator.Get", type(None), IteratorGetResponse, strict=True)

Store.TABLE = ProtocolTable(
    "ipcrt.kvstore/Store", Openness.OPEN, (STORE_WRITE_ITEM, STORE_READ_ITEM, STORE_ITERATE)
)
Iterator.TABLE = ProtocolTable("ipcrt.kvstore/Iterator", Openness.CLOSED, (ITERATOR_GET,))


class StoreProxy(Proxy[Store]):
    """A client of the store, awaited."""

    PROTOCOL = Store
    __slots__ = ()

    async def write_item(self, attempt: Item, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        """Add an item; when this returns, it survives the death of the service.

        Raises: WriteFailed.
        """
        await self._call(STORE_WRITE_ITEM, StoreWriteItemRequest(attempt), timeout)

    async def read_item(
        self, key: str, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> StoreReadItemResponse:
        """Answer the value that is stored under `key`.

        Raises: ReadFailed.
        """
        return await self._call(STORE_READ_ITEM, StoreReadItemRequest(key), timeout)

    async def iterate(
        self,
        starting_at: str | None,
        iterator: ServerEnd[Iterator],
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        """Serve `iterator` from the first key on, or from `starting_at`, which must be there.

        The client may call on its own end at once, before this returns. Raises: IterateFailed.
        """
        await self._call(STORE_ITERATE, StoreIterateRequest(starting_at, iterator), timeout)


class StoreBlockingProxy(BlockingProxy[Store]):
    """A client of the store, blocking its thread; see `StoreProxy`."""

    PROTOCOL = Store
    __slots__ = ()

    def write_item(self, attempt: Item, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        """Add an item; when this returns, it survives the death of the service.

        Raises: WriteFailed.
        """
        self._call(STORE_WRITE_ITEM, StoreWriteItemRequest(attempt), timeout)

    def read_item(
        self, key: str, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> StoreReadItemResponse:
        """Answer the value that is stored under `key`.

        Raises: ReadFailed.
        """
        return self._call(STORE_READ_ITEM, StoreReadItemRequest(key), timeout)

    def iterate(
        self,
        starting_at: str | None,
        iterator: ServerEnd[Iterator],
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        """Serve `iterator` from the first key on, or from `starting_at`, which must be there.

        The client may call on its own end once this returns. Raises: IterateFailed.
        """
        self._call(STORE_ITERATE, StoreIterateRequest(starting_at, iterator), timeout)


class StoreServer(Server[Store]):
    """One client of the store, served. A method may be a plain `def` or a coroutine."""

    PROTOCOL = Store

    @abstractmethod
    def write_item(self, attempt: Item) -> Coroutine[Any, Any, None] | None:
        """Add an item."""

    @abstractmethod
    def read_item(
        self, key: str
    ) -> Coroutine[Any, Any, StoreReadItemResponse] | StoreReadItemResponse:
        """Answer a value."""

    @abstractmethod
    def iterate(
        self, starting_at: str | None, iterator: ServerEnd[Iterator]
    ) -> Coroutine[Any, Any, None] | None:
        """Serve `iterator`."""


class IteratorProxy(Proxy[Iterator]):
    """A client of an iterator, awaited."""

    PROTOCOL = Iterator
    __slots__ = ()

    async def get(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> IteratorGetResponse:
        """Answer the next keys; none where there are no more. Then close the iterator."""
        return await self._call(ITERATOR_GET, None, timeout)


class IteratorBlockingProxy(BlockingProxy[Iterator]):
    """A client of an iterator, blocking its thread; see `IteratorProxy`."""

    PROTOCOL = Iterator
    __slots__ = ()

    def get(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> IteratorGetResponse:
        """Answer the next keys; none where there are no more. Then close the iterator."""
        return self._call(ITERATOR_GET, None, timeout)


class IteratorServer(Server[Iterator]):
    """One client of an iterator, served. A method may be a plain `def` or a coroutine."""

    PROTOCOL = Iterator

    @abstractmethod
    def get(self) -> Coroutine[Any, Any, IteratorGetResponse] | IteratorGetResponse:
        """Answer the next keys."""
