"""Store: a storage behind an event loop, shared by all clients of the service."""

from __future__ import annotations

import collections
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar, cast

import anyio.lowlevel

from ipcrt.port.aport import AsyncPort
from ipcrt_services.kvstore.storage import Storage
from ipcrt_services.worker import Worker, call_each

T = TypeVar("T")

MAX_WRITES: Final = 512
"""Items of one commit; with values of 64000 bytes that is 31 MiB of log."""

MAX_READS: Final = 32
"""Reads after which their results are handed on, though more wait."""

_log: Final = logging.getLogger("ipcrt.kvstore")


class Cursor:
    """A place in the order of the keys; moved by the reading thread alone."""

    __slots__ = ("_after", "_inclusive")

    def __init__(self, starting_at: str | None) -> None:
        self._after = starting_at or ""
        self._inclusive = starting_at is not None

    def advance(self, storage: Storage, count: int) -> list[str]:
        """Answer the next keys and move behind them."""
        keys = storage.keys(count, self._after, inclusive=self._inclusive)
        if keys:
            self._after, self._inclusive = keys[-1], False
        return keys


class SharedStore:
    """Reads and writes that are awaited; made by `open_store`."""

    def __init__(self, port: AsyncPort, storage: Storage) -> None:
        self.port = port
        self.iterators: collections.Counter[int] = collections.Counter()
        """Open iterators by uid."""
        self._storage = storage
        self._writer: Worker[tuple[str, bytes], bool] = Worker(
            port, storage.write, "kvstore writer", MAX_WRITES
        )
        self._reader: Worker[Callable[[], Any], Any] = Worker(
            port, call_each, "kvstore reader", MAX_READS
        )

    async def write(self, key: str, value: bytes) -> bool:
        """Store an item, durably; False when the key is taken.

        Raises: IpcError with NO_SPACE, IoError.
        """
        return await self._writer.submit((key, value))

    async def read(self, key: str) -> bytes | None:
        """Answer a value, or None. Raises: IoError."""
        return await self._read(partial(self._storage.read, key))

    async def contains(self, key: str) -> bool:
        """True when `key` is taken. Raises: IoError."""
        return await self._read(partial(self._storage.contains, key))

    async def page(self, cursor: Cursor, count: int) -> list[str]:
        """Answer the next keys and move the cursor; calls are served in their order.

        Raises: IoError.
        """
        return await self._read(partial(cursor.advance, self._storage, count))

    async def _read(self, job: Callable[[], T]) -> T:
        return cast("T", await self._reader.submit(job))

    async def drain(self) -> None:
        """Await everything that was asked for until now, and let its answers go out."""
        await self._writer.drain()
        await self._reader.drain()
        await anyio.lowlevel.checkpoint()

    def statistics(self) -> dict[str, int]:
        """Count writes and commits, reads, and open iterators."""
        writer, reader = self._writer.statistics(), self._reader.statistics()
        return {
            "writes_waiting": writer["jobs_waiting"],
            "writes": writer["jobs_done"],
            "commits": writer["batches"],
            "reads_waiting": reader["jobs_waiting"],
            "reads": reader["jobs_done"],
            "iterators": self.iterators.total(),
        }

    def close(self) -> None:
        """End both threads; what was submitted is still done."""
        self._writer.close()
        self._reader.close()


@asynccontextmanager
async def open_store(port: AsyncPort, storage: Storage) -> AsyncGenerator[SharedStore, None]:
    """Serve `storage` on `port`; on leaving, what was asked for is finished and answered.

    The storage stays the caller's, and must outlive the store.
    """
    store = SharedStore(port, storage)
    try:
        yield store
        await store.drain()
        _log.info("stopping: %s", store.statistics())
    finally:
        store.close()
