"""The servers of our own rows."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from typing import Any

import anyio

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.port import Port
from scripts.bench.perf.contract import (
    Bench,
    BenchAddResponse,
    BenchEchoResponse,
    BenchEventSender,
    BenchExchangeResponse,
    BenchGetNotesResponse,
    BenchServer,
    BenchTouchDataResponse,
    BenchTouchVmoResponse,
)
from scripts.bench.perf.packets import listen
from scripts.bench.perf.timing import touch

LIMITS = Limits(calls_in_flight=1024)
"""What FLIGHT_1000 needs."""


class PlainServer(BenchServer):
    """Its handlers are plain `def`; only what sends events waits."""

    def __init__(self) -> None:
        self._notes = 0
        self._binding: ServerBinding[Bench] | None = None

    def client_came(self, binding: ServerBinding[Bench]) -> None:
        self._binding = binding

    @property
    def events(self) -> BenchEventSender:
        """What sends events to the client."""
        assert self._binding is not None
        return BenchEventSender(self._binding)

    def add(self, a: int, b: int) -> Answer[BenchAddResponse]:
        return BenchAddResponse(a + b)

    def echo(self, data: bytes) -> Answer[BenchEchoResponse]:
        return BenchEchoResponse(data)

    def exchange(self, event: Event | None) -> Answer[BenchExchangeResponse]:
        return BenchExchangeResponse(event)

    def touch_data(self, data: bytes) -> Answer[BenchTouchDataResponse]:
        return BenchTouchDataResponse(touch(data))

    def touch_vmo(self, vmo: Vmo) -> Answer[BenchTouchVmoResponse]:
        with vmo, vmo.map() as mapping:
            return BenchTouchVmoResponse(touch(mapping))

    def note(self, a: int, b: int) -> Answer[None]:
        del a, b
        self._notes += 1
        return None

    def get_notes(self) -> Answer[BenchGetNotesResponse]:
        return BenchGetNotesResponse(self._notes)

    async def _send_notes(self, count: int) -> None:
        events = self.events
        for number in range(count):
            await events.on_note_wait(number, 2)

    def send_notes(self, count: int) -> Answer[None]:
        return self._send_notes(count)


class WaitingServer(PlainServer):
    """Its handlers are `async def` and do not wait."""

    async def add(self, a: int, b: int) -> BenchAddResponse:
        return BenchAddResponse(a + b)

    async def echo(self, data: bytes) -> BenchEchoResponse:
        return BenchEchoResponse(data)


def _accepted(sock: socket.socket) -> ServerEnd[Bench]:
    connection, _ = sock.accept()
    return ServerEnd[Bench](Channel(connection.detach()))


def _serve_all(sock: socket.socket, server: type[PlainServer], port: Port) -> Handle:
    """Serve whoever connects; the caller owns the handle, and closes it to stop that."""
    listening = Handle(os.dup(sock.fileno()))
    port.add_reader(listening, lambda: ServerBinding(_accepted(sock), server(), port, LIMITS))
    return listening


def serve_awaited(
    address: str,
    ready: Callable[[], None],
    server: type[PlainServer],
    open_port: Callable[[], contextlib.AbstractAsyncContextManager[AsyncPort]],
    loop: dict[str, Any],
) -> None:
    """Serve on an event loop; `loop` is anyio.run's arguments."""

    async def main() -> None:
        async with open_port() as port:
            with listen(address) as sock, _serve_all(sock, server, port):
                ready()
                await anyio.sleep_forever()

    anyio.run(main, **loop)


def serve_blocking(
    address: str, ready: Callable[[], None], create_port: Callable[[], BlockingPort]
) -> None:
    """Serve on this thread."""
    with (
        create_port() as port,
        listen(address) as sock,
        _serve_all(sock, PlainServer, port) as listening,
    ):
        port.let_wait(listening)  # whoever connects may wait 20 ms, so that whoever is served naps
        ready()
        while True:
            port.dispatch(-1)
