"""The key-value store as a process: `python -m ipcrt_services.kvstore --directory DIR`."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ipcrt.locator.service import Factory, ServiceLimits
from ipcrt.port.aport import AsyncPort
from ipcrt_services.kvstore.bindings import Store
from ipcrt_services.kvstore.server import CLIENT_LIMITS, StoreClient
from ipcrt_services.kvstore.storage import Storage
from ipcrt_services.kvstore.store import open_store
from ipcrt_services.main import Service, main


@asynccontextmanager
async def serve(port: AsyncPort, directory: str) -> AsyncGenerator[dict[str, Factory], None]:
    """Serve the items in `directory`; they are this process's until the context is left."""
    with Storage(directory) as storage:
        async with open_store(port, storage) as store:
            yield {Store.TABLE.name: lambda peer: StoreClient(store, peer.identity.uid)}


SERVICE = Service(
    Store.TABLE.name,
    "ipcrt_services.kvstore",
    "Keep keys and values in DIR, and lose none that was acknowledged.",
    serve,
    ServiceLimits(client=CLIENT_LIMITS),
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
