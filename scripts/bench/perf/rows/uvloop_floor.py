"""A floor on uvloop: bytes to a Protocol and back, without types or deadlines."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

from scripts.bench.perf.packets import connected, listen
from scripts.bench.perf.row import IN_FLIGHT, Driver, Kind, Measure, Row
from scripts.bench.perf.timing import each_awaited

MESSAGE = bytes(32)
ECHO = bytes(64)
DELIMITED = "delimited"


class Echo(asyncio.Protocol):
    """Sends back what comes."""

    def connection_made(self, transport: Any) -> None:
        self._write = transport.write

    def data_received(self, data: bytes) -> None:
        self._write(data)


class Delimited(asyncio.Protocol):
    """Deals with each message by itself."""

    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self._write = transport.write

    def data_received(self, data: bytes) -> None:
        data, size = self._rest + data if self._rest else data, len(MESSAGE)
        whole = len(data) // size * size
        for start in range(0, whole, size):
            self.message_received(data[start : start + size])
        self._rest = data[whole:]

    def message_received(self, message: bytes) -> None:
        self._write(message)


class Asker(Echo):
    """Waits for one answer at a time."""

    def data_received(self, data: bytes) -> None:
        self._answer.set_result(data)

    async def ask(self, message: bytes) -> None:
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._write(message)
        await self._answer


class Juggler(Delimited):
    """Sends a message for each that has come back."""

    def __init__(self) -> None:
        super().__init__()
        self._unsent = self._missing = 0

    async def juggle(self, count: int, width: int) -> None:
        self._done = asyncio.get_running_loop().create_future()
        self._missing = count
        first = min(count, width)
        self._unsent = count - first
        for _ in range(first):
            self._write(MESSAGE)
        await self._done

    def message_received(self, message: bytes) -> None:
        self._missing -= 1
        if self._unsent:
            self._unsent -= 1
            self._write(message)
        elif not self._missing:
            self._done.set_result(None)


def serve(address: str, ready: Callable[[], None]) -> None:
    import uvloop

    async def main() -> None:
        loop = asyncio.get_running_loop()
        stream = socket.SOCK_STREAM
        await loop.create_unix_server(Echo, sock=listen(address, stream))
        await loop.create_unix_server(Delimited, sock=listen(address, stream, DELIMITED))
        ready()
        await asyncio.Event().wait()

    uvloop.run(main())


class UvloopDriver:
    """Two connections: one to ask on, one to juggle on."""

    def __init__(self, address: str) -> None:
        import uvloop

        self._loop = uvloop.new_event_loop()
        self._asker, self._juggler = self._loop.run_until_complete(self._connect(address))

    async def _connect(self, address: str) -> tuple[Asker, Juggler]:
        connect = asyncio.get_running_loop().create_unix_connection
        stream = socket.SOCK_STREAM
        _, asker = await connect(Asker, sock=connected(address, stream))
        _, juggler = await connect(Juggler, sock=connected(address, stream, DELIMITED))
        return asker, juggler

    def run(self, measure: Measure, count: int) -> list[int]:
        return self._loop.run_until_complete(self._run(measure, count))

    async def _run(self, measure: Measure, count: int) -> list[int]:
        if measure in IN_FLIGHT:
            begun = time.perf_counter_ns()
            await self._juggler.juggle(count, IN_FLIGHT[measure])
            return [time.perf_counter_ns() - begun]
        message = ECHO if measure is Measure.ECHO else MESSAGE
        return await each_awaited(lambda: self._asker.ask(message), count)

    def close(self) -> None:
        self._loop.close()


def connect(address: str) -> Driver:
    return UvloopDriver(address)


ROWS = (
    Row(
        name="uvloop echo",
        kind=Kind.FLOOR,
        measures=frozenset({Measure.ADD, Measure.ECHO, Measure.FLIGHT_64}),
        serve=serve,
        connect=connect,
        requires=("uvloop",),
    ),
)
