"""The canvas as a process: `python -m ipcrt_services.canvas --directory DIR`."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from ipcrt.locator.service import Factory, ServiceLimits
from ipcrt.port.aport import AsyncPort
from ipcrt_services.canvas.bindings import Metered, Requested
from ipcrt_services.canvas.server import LIMITS, MeteredClient, RequestedClient
from ipcrt_services.main import Service, main

INTERVAL_S: Final = 0.2
"""From one drawing of a metered canvas to the next."""


@asynccontextmanager
async def serve(port: AsyncPort, directory: str) -> AsyncGenerator[dict[str, Factory], None]:
    """Serve canvases, which live as long as their clients; `directory` stays empty."""
    del directory
    yield {
        Metered.TABLE.name: lambda _: MeteredClient(port, INTERVAL_S),
        Requested.TABLE.name: lambda _: RequestedClient(),
    }


SERVICE = Service(
    "ipcrt.canvas",
    "ipcrt_services.canvas",
    "Give each client a canvas of its own.",
    serve,
    ServiceLimits(client=LIMITS),
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
