"""The keeper: `python -m ipcrt_services.demo.keeper LOCATOR`.

It holds what it is given until it is killed.
"""

from __future__ import annotations

import sys

import anyio

from ipcrt.locator.service import provide
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.aport import open_port
from ipcrt_services.demo.bindings import Keeper, KeeperServer


class Holder(KeeperServer):
    """One client of the keeper; what it gives is shared with nobody."""

    def __init__(self, held: list[EventPair]) -> None:
        self._held = held

    def hold(self, peer: EventPair) -> None:
        self._held.append(peer)


async def _serve(path: str) -> None:
    held: list[EventPair] = []
    async with open_port() as port:
        await provide(port, {Keeper.TABLE.name: lambda peer: Holder(held)}, path=path)


if __name__ == "__main__":
    anyio.run(_serve, sys.argv[1])
