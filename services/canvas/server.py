"""The canvas's servers, one for each way to keep in step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.errors import IpcError
from ipcrt.port.aport import AsyncPort
from ipcrt_services.canvas.bindings import (
    Metered,
    MeteredEventSender,
    MeteredServer,
    Point,
    Requested,
    RequestedEventSender,
    RequestedServer,
)
from ipcrt_services.canvas.canvas import Canvas

LIMITS: Final = Limits(calls_in_flight=16, message_bytes=65536)


class MeteredClient(MeteredServer):
    """Draws again and again, where there is something new."""

    def __init__(self, port: AsyncPort, interval_s: float) -> None:
        self._port = port
        self._interval_s = interval_s
        self._canvas = Canvas()
        self._stop: Callable[[], object] | None = None

    def client_came(self, binding: ServerBinding[Metered]) -> None:
        self._stop = self._port.spawn(self._draw(MeteredEventSender(binding)), str(self))

    def client_gone(self, reason: IpcError) -> None:
        del reason
        if self._stop is not None:
            self._stop()

    def add_line(self, line: list[Point]) -> None:
        self._canvas.add([line])

    async def _draw(self, events: MeteredEventSender) -> None:
        while True:
            await self._port.sleep(self._interval_s)
            if self._canvas.changed and (box := self._canvas.draw()) is not None:
                # A client that does not read stalls its own drawings, and nothing else.
                await events.on_drawn_wait(box.top_left, box.bottom_right)


class RequestedClient(RequestedServer):
    """Draws once for each time that it is asked to."""

    def __init__(self) -> None:
        self._canvas = Canvas()
        self._asked = False
        self._events: RequestedEventSender | None = None

    def client_came(self, binding: ServerBinding[Requested]) -> None:
        self._events = RequestedEventSender(binding)

    async def add_lines(self, lines: list[list[Point]]) -> None:
        self._canvas.add(lines)
        await self._draw()

    async def ready(self) -> None:
        if self._asked:
            raise Misuse("asked for a drawing before the last one came")
        self._asked = True
        await self._draw()

    async def _draw(self) -> None:
        """Draw where it is asked for and there is something new."""
        if not self._asked or not self._canvas.changed or self._events is None:
            return
        box = self._canvas.draw()
        if box is not None:
            self._asked = False
            await self._events.on_drawn_wait(box.top_left, box.bottom_right)
