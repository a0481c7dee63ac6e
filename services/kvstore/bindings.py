# Library ipcrt.kvstore: generated; do not edit.
"""A key-value store that items are added to and iterated over."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, TypeAlias

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import Protocol, ServerEnd
from ipcrt.bindings.enums import FlexibleUint32
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.bindings.tables import Openness, ProtocolTable, Struct, TwoWay


class WriteError(FlexibleUint32):
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


class ReadError(FlexibleUint32):
    """Why an item was not read."""

    NOT_FOUND = 1
    """No item has this key."""


class IterateConnectionError(FlexibleUint32):
    """Why an iterator was not made; its channel is closed."""

    UNKNOWN_START_AT = 1
    """No item has the key to start at."""
    TOO_MANY = 2
    """The client's user has too many iterators open; close some."""


class WriteFailed(DomainError[WriteError]):
    ERROR = WriteError


class ReadFailed(DomainError[ReadError]):
    ERROR = ReadError


class IterateFailed(DomainError[IterateConnectionError]):
    ERROR = IterateConnectionError


class Item(Struct):
    """A key and its value.

    A key has 4 to 64 characters: a letter first, a letter or digit last, and between them letters,
    digits, `_`, `.` and `/`. All of them ASCII. A value has 1 to 64000 bytes.
    """

    key: Key
    """What it is found by; no other item has it."""
    value: Value
    """What is stored, as it is."""


class StoreWriteItemRequest(Struct):
    attempt: Item


class StoreReadItemRequest(Struct):
    key: Key


class StoreReadItemResponse(Struct):
    value: Value


class StoreIterateRequest(Struct):
    starting_at: Annotated[str, Meta(max_length=128)] | None
    iterator: ServerEnd[Iterator]


class IteratorGetResponse(Struct):
    entries: Annotated[list[Key], Meta(max_length=10)]


class Store(Protocol):
    """A key-value store that items are added to and iterated over."""


class Iterator(Protocol):
    """One walk over the keys, in byte order, from page to page.

    A page shows what is there when it is asked for: items that were added behind the last key
    seen appear, those before it do not. A page whose reply nobody waited for is gone.
    """


Key: TypeAlias = Annotated[str, Meta(max_length=128)]
"""A key, at most 128 bytes; `Item` says which keys are valid."""

Value: TypeAlias = Annotated[bytes, Meta(max_length=64000)]
"""A value, at most 64000 bytes."""

STORE_WRITE_ITEM = TwoWay(
    "ipcrt.kvstore/Store.WriteItem", StoreWriteItemRequest, type(None), raises=WriteFailed
)
STORE_READ_ITEM = TwoWay(
    "ipcrt.kvstore/Store.ReadItem", StoreReadItemRequest, StoreReadItemResponse, raises=ReadFailed
)
STORE_ITERATE = TwoWay(
    "ipcrt.kvstore/Store.Iterate", StoreIterateRequest, type(None), raises=IterateFailed
)
Store.TABLE = ProtocolTable(
    "ipcrt.kvstore/Store", Openness.OPEN, (STORE_WRITE_ITEM, STORE_READ_ITEM, STORE_ITERATE)
)

ITERATOR_GET = TwoWay("ipcrt.kvstore/Iterator.Get", type(None), IteratorGetResponse, strict=True)
Iterator.TABLE = ProtocolTable("ipcrt.kvstore/Iterator", Openness.CLOSED, (ITERATOR_GET,))


class StoreProxy(Proxy[Store]):
    """A client, awaited."""

    PROTOCOL = Store
    __slots__ = ()

    async def write_item(self, attempt: Item, *, timeout: float | None = 25.0) -> None:
        """Add an item; when this returns, it survives the death of the service.

        Raises: WriteFailed.
        """
        await self._call(STORE_WRITE_ITEM, StoreWriteItemRequest(attempt), timeout)

    async def read_item(self, key: str, *, timeout: float | None = 25.0) -> StoreReadItemResponse:
        """Answer the value that is stored under `key`.

        Raises: ReadFailed.
        """
        return await self._call(STORE_READ_ITEM, StoreReadItemRequest(key), timeout)

    async def iterate(
        self,
        starting_at: str | None,
        iterator: ServerEnd[Iterator],
        *,
        timeout: float | None = 25.0,
    ) -> None:
        """Serve `iterator` from the first key on, or from `starting_at`, which must be there.

        The client may call on its own end at once, before this returns.

        Raises: IterateFailed.
        """
        await self._call(STORE_ITERATE, StoreIterateRequest(starting_at, iterator), timeout)


class StoreBlockingProxy(BlockingProxy[Store]):
    """A client, blocking its thread; see `StoreProxy`."""

    PROTOCOL = Store
    __slots__ = ()

    def write_item(self, attempt: Item, *, timeout: float | None = 25.0) -> None:
        self._call(STORE_WRITE_ITEM, StoreWriteItemRequest(attempt), timeout)

    def read_item(self, key: str, *, timeout: float | None = 25.0) -> StoreReadItemResponse:
        return self._call(STORE_READ_ITEM, StoreReadItemRequest(key), timeout)

    def iterate(
        self,
        starting_at: str | None,
        iterator: ServerEnd[Iterator],
        *,
        timeout: float | None = 25.0,
    ) -> None:
        self._call(STORE_ITERATE, StoreIterateRequest(starting_at, iterator), timeout)


class StoreServer(Server[Store]):
    """Serves one client; see `StoreProxy`."""

    PROTOCOL = Store

    @abstractmethod
    def write_item(self, attempt: Item) -> Answer[None]: ...

    @abstractmethod
    def read_item(self, key: str) -> Answer[StoreReadItemResponse]: ...

    @abstractmethod
    def iterate(self, starting_at: str | None, iterator: ServerEnd[Iterator]) -> Answer[None]: ...


class IteratorProxy(Proxy[Iterator]):
    """A client, awaited."""

    PROTOCOL = Iterator
    __slots__ = ()

    async def get(self, *, timeout: float | None = 25.0) -> IteratorGetResponse:
        """Answer the next keys; none where there are no more. Then close the iterator."""
        return await self._call(ITERATOR_GET, None, timeout)


class IteratorBlockingProxy(BlockingProxy[Iterator]):
    """A client, blocking its thread; see `IteratorProxy`."""

    PROTOCOL = Iterator
    __slots__ = ()

    def get(self, *, timeout: float | None = 25.0) -> IteratorGetResponse:
        return self._call(ITERATOR_GET, None, timeout)


class IteratorServer(Server[Iterator]):
    """Serves one client; see `IteratorProxy`."""

    PROTOCOL = Iterator

    @abstractmethod
    def get(self) -> Answer[IteratorGetResponse]: ...
