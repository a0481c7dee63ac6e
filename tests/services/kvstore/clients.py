"""What clients of the store do in several tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt_services.kvstore.bindings import (
    Iterator,
    IteratorBlockingProxy,
    IteratorProxy,
    StoreBlockingProxy,
    StoreProxy,
)


@asynccontextmanager
async def open_store_proxy(
    end: ClientEnd[Any],
) -> AsyncGenerator[tuple[StoreProxy, AsyncPort], None]:
    async with open_port() as port, StoreProxy(end, port) as store:
        yield store, port


async def open_iterator(
    store: StoreProxy, port: AsyncPort, starting_at: str | None = None
) -> IteratorProxy:
    client, server = create_endpoints(Iterator)
    iterator = IteratorProxy(client, port)
    try:
        await store.iterate(starting_at, server)
    except BaseException:
        iterator.close()
        raise
    return iterator


async def pages(store: StoreProxy, port: AsyncPort, starting_at: str | None) -> list[list[str]]:
    """All pages from a key on, without the empty one at the end."""
    found: list[list[str]] = []
    async with await open_iterator(store, port, starting_at) as iterator:
        while entries := (await iterator.get()).entries:
            found.append(entries)
    return found


def keys_blocking(store: StoreBlockingProxy, port: BlockingPort) -> list[str]:
    """All keys, asked for from a plain thread."""
    client, server = create_endpoints(Iterator)
    found: list[str] = []
    with IteratorBlockingProxy(client, port) as iterator:
        store.iterate(None, server)
        while entries := iterator.get().entries:
            found += entries
    return found
