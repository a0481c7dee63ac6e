"""Playing the gallery, no faster than the client draws."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from ipcrt.bindings.server import ServerBinding
from ipcrt.bindings.window import Window
from ipcrt.errors import IpcError
from ipcrt.port.aport import AsyncPort
from ipcrt_services.patterns.bindings import (
    STROKE_WINDOW,
    Shape,
    Strokes,
    StrokesEventSender,
    StrokesServer,
)


class StrokesClient(StrokesServer):
    """One replay; it ends behind the last stroke, or when the client has had enough."""

    def __init__(self, shapes: Sequence[Shape], times: int, port: AsyncPort) -> None:
        self._shapes = shapes
        self._times = times
        self._port = port
        self._window = Window(STROKE_WINDOW)
        self._stop: Callable[[], object] | None = None

    def client_came(self, binding: ServerBinding[Strokes]) -> None:
        self._stop = self._port.spawn(self._play(binding), "replay")

    def client_gone(self, reason: IpcError) -> None:
        self._window.close(reason)

    def acknowledge(self, last_seq: int) -> None:
        self._window.acknowledge(last_seq)

    async def _play(self, binding: ServerBinding[Strokes]) -> None:
        events = StrokesEventSender(binding)
        with binding, contextlib.suppress(IpcError):  # the client has gone
            for _ in range(self._times if self._shapes else 0):
                for shape in self._shapes:
                    seq = await self._window.next_wait(self._port)
                    await events.on_stroke_wait(seq, shape)
