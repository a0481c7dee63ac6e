"""Floors on uvloop: bytes to a Protocol and back, without types or deadlines.

With several in flight, "uvloop echo" has as many tasks that wait for an answer each, as callers do.
In "uvloop echo without callers" nobody waits: a message that has come back is sent again at once.
"""

from __future__ import annotations

import asyncio
import collections
import socket
import time
from collections.abc import Callable
from typing import Any

from scripts.bench.perf.packets import connected, listen
from scripts.bench.perf.row import IN_FLIGHT, Driver, Kind, Measure, Row
from scripts.bench.perf.timing import each_awaited, in_flight

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


class Callers(Delimited):
    """Waits for many answers, which come in the order of the questions."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: collections.deque[asyncio.Future[bytes]] = collections.deque()

    async def ask(self) -> None:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        self._write(MESSAGE)
        await answer

    def message_received(self, message: bytes) -> None:
        self._answers.popleft().set_result(message)


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
    """Three connections: to ask on, to ask on by many, and to juggle on."""

    def __init__(self, address: str, *, has_callers: bool) -> None:
        import uvloop

        self._has_callers = has_callers
        self._loop = uvloop.new_event_loop()
        self._loop.run_until_complete(self._connect(address))

    async def _connect(self, address: str) -> None:
        connect = asyncio.get_running_loop().create_unix_connection
        stream = socket.SOCK_STREAM
        _, self._asker = await connect(Asker, sock=connected(address, stream))
        _, self._callers = await connect(Callers, sock=connected(address, stream, DELIMITED))
        _, self._juggler = await connect(Juggler, sock=connected(address, stream, DELIMITED))

    def run(self, measure: Measure, count: int) -> list[int]:
        return self._loop.run_until_complete(self._run(measure, count))

    async def _run(self, measure: Measure, count: int) -> list[int]:
        if measure in IN_FLIGHT and self._has_callers:
            return await in_flight(self._callers.ask, count, IN_FLIGHT[measure])
        if measure in IN_FLIGHT:
            begun = time.perf_counter_ns()
            await self._juggler.juggle(count, IN_FLIGHT[measure])
            return [time.perf_counter_ns() - begun]
        message = ECHO if measure is Measure.ECHO else MESSAGE
        return await each_awaited(lambda: self._asker.ask(message), count)

    def close(self) -> None:
        self._loop.close()


def connect(address: str) -> Driver:
    return UvloopDriver(address, has_callers=True)


def connect_without_callers(address: str) -> Driver:
    return UvloopDriver(address, has_callers=False)


ROWS = (
    Row(
        name="uvloop echo",
        kind=Kind.FLOOR,
        measures=frozenset({Measure.ADD, Measure.ECHO, Measure.FLIGHT_64}),
        serve=serve,
        connect=connect,
        requires=("uvloop",),
    ),
    Row(
        name="uvloop echo without callers",
        kind=Kind.FLOOR,
        measures=frozenset({Measure.FLIGHT_64}),
        serve=serve,
        connect=connect_without_callers,
        requires=("uvloop",),
    ),
)
