"""The codecs as a process: `python -m ipcrt_services.codec --directory DIR`."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ipcrt.locator.service import Factory, ServiceLimits
from ipcrt.port.aport import AsyncPort
from ipcrt_services.codec.bindings import Codecs
from ipcrt_services.codec.server import CLIENT_LIMITS, CodecsClient, open_workshop
from ipcrt_services.main import Service, main


@asynccontextmanager
async def serve(port: AsyncPort, directory: str) -> AsyncGenerator[dict[str, Factory], None]:
    """Serve codecs; `directory` stays empty."""
    del directory
    async with open_workshop(port) as workshop:
        yield {Codecs.TABLE.name: lambda peer: CodecsClient(workshop, peer.identity.uid)}


SERVICE = Service(
    Codecs.TABLE.name,
    "ipcrt_services.codec",
    "Compress and decompress what clients have in memory or send through sockets.",
    serve,
    ServiceLimits(client=CLIENT_LIMITS),
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
