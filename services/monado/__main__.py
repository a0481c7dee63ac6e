"""The miniature of Monado as a process: `python -m ipcrt_services.monado --directory DIR`."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.util import find_spec

from ipcrt.bindings.server import Limits
from ipcrt.locator.service import Factory, Peer, ServiceLimits
from ipcrt.port.aport import AsyncPort
from ipcrt_services.main import Service, main
from ipcrt_services.monado.bindings import MAX_CLIENTS, Monado


@asynccontextmanager
async def serve(port: AsyncPort, directory: str) -> AsyncGenerator[dict[str, Factory], None]:
    """Serve devices and pictures; `directory` may hold `monado.toml`."""
    from ipcrt_services.monado.house import open_house
    from ipcrt_services.monado.server import MonadoClient
    from ipcrt_services.monado.settings import load

    async with open_house(port, load(directory)) as house:

        def welcome(peer: Peer) -> MonadoClient:
            return MonadoClient(house, peer.identity.pid, peer.identity.uid)

        yield {Monado.TABLE.name: welcome}


SERVICE = Service(
    Monado.TABLE.name,
    "ipcrt_services.monado",
    "Publish simulated devices, and lay the pictures of clients over each other.",
    serve,
    ServiceLimits(
        clients=MAX_CLIENTS,
        clients_per_uid=MAX_CLIENTS // 2,
        client=Limits(calls_in_flight=16, message_bytes=16384),
    ),
)

if __name__ == "__main__":
    if find_spec("numpy") is None:
        sys.exit("the compositor needs NumPy: pip install 'ipcrt[monado]'")
    sys.exit(main(SERVICE))
