"""The files service as a process: `python -m ipcrt_services.files --directory DIR`."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ipcrt.locator.service import Factory, ServiceLimits
from ipcrt.port.aport import AsyncPort
from ipcrt_services.files.bindings import Files
from ipcrt_services.files.server import CLIENT_LIMITS, FilesClient, open_directory
from ipcrt_services.main import Service, main


@asynccontextmanager
async def serve(port: AsyncPort, directory: str) -> AsyncGenerator[dict[str, Factory], None]:
    """Serve the files beneath `directory`."""
    del port  # every call is answered on the spot
    with open_directory(directory) as handle:
        yield {Files.TABLE.name: lambda peer: FilesClient(handle)}


SERVICE = Service(
    Files.TABLE.name,
    "ipcrt_services.files",
    "Hand over the files beneath DIR, to be read.",
    serve,
    ServiceLimits(client=CLIENT_LIMITS),
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
