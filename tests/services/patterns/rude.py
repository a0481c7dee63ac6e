"""A board that breaks its contract: `python -m tests.services.patterns.rude LOOP DIR FD`.

FD is a server end. Prints "ready"; ends when its client has gone, and prints what became of it.
"""

from __future__ import annotations

import os
import sys

import anyio

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import ServerBinding
from ipcrt.bindings.window import Window
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt_services.patterns.bindings import (
    MAX_FOUND,
    STROKE_WINDOW,
    Board,
    BoardEventSender,
    Shape,
    Strokes,
)
from ipcrt_services.patterns.board import Board as SharedBoard
from ipcrt_services.patterns.board import load_key
from ipcrt_services.patterns.replay import StrokesClient
from ipcrt_services.patterns.server import BoardClient

DOT = Shape(0, 0, "dot")


class RudeStrokes(StrokesClient):
    """Waits for no acknowledgement."""

    def client_came(self, binding: ServerBinding[Strokes]) -> None:
        self._window = Window(STROKE_WINDOW + 1)
        super().client_came(binding)


class RudeBoard(BoardClient):
    """Tells one more than it may, of everything."""

    def client_came(self, binding: ServerBinding[Board]) -> None:
        self._rude = BoardEventSender(binding)

    def allow_changes(self, count: int) -> None:
        for shapes in range(count + 1):
            self._rude.on_change(shapes)

    async def scan(self, prefix: str) -> None:
        for _ in range(MAX_FOUND + (2 if prefix == "many" else 0)):
            self._rude.on_found(DOT)
        self._rude.on_scan_finished()
        if prefix == "late":
            self._rude.on_found(DOT)

    def replay(self, times: int, strokes: ServerEnd[Strokes]) -> None:
        ServerBinding(strokes, RudeStrokes((DOT,), times, self._port), self._port)


async def serve(directory: str, fd: int) -> None:
    async with open_port() as port:
        board = SharedBoard(port, load_key(directory))
        binding = ServerBinding(ServerEnd[Board](Channel(fd)), RudeBoard(board, 0), port)
        print("ready", flush=True)
        await binding.wait_closed()
        print("closed", flush=True)


def main() -> None:
    _, loop, directory, fd = sys.argv
    backend = "trio" if loop == "trio" else "asyncio"
    options = {"use_uvloop": True} if loop == "uvloop" else {}
    os.set_inheritable(int(fd), False)
    anyio.run(serve, directory, int(fd), backend=backend, backend_options=options)


if __name__ == "__main__":
    main()
