"""The drawing board as a process: `python -m ipcrt_services.patterns --directory DIR`."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing

from ipcrt.locator.service import Factory, ServiceLimits
from ipcrt.port.aport import AsyncPort
from ipcrt_services.main import Service, main
from ipcrt_services.patterns.bindings import Board
from ipcrt_services.patterns.board import Board as SharedBoard
from ipcrt_services.patterns.board import load_key
from ipcrt_services.patterns.server import CLIENT_LIMITS, BoardClient


@asynccontextmanager
async def serve(port: AsyncPort, directory: str) -> AsyncGenerator[dict[str, Factory], None]:
    """Serve one board to all; only its key is kept in `directory`."""
    with closing(SharedBoard(port, load_key(directory))) as board:
        yield {Board.TABLE.name: lambda peer: BoardClient(board, peer.identity.uid)}


SERVICE = Service(
    Board.TABLE.name,
    "ipcrt_services.patterns",
    "Keep a drawing board, with one of each pattern that protocols are made of.",
    serve,
    ServiceLimits(client=CLIENT_LIMITS),
)

if __name__ == "__main__":
    sys.exit(main(SERVICE))
