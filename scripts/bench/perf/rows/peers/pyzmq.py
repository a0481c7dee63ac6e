"""pyzmq over ipc://: DEALER to ROUTER, msgpack by msgspec; blocking, and on asyncio with uvloop.

Messages are copied: zero-copy pays from 64 KiB on (zmq.COPY_THRESHOLD), where it takes over. One
socket for each measure, so that no message needs a name. Source: pyzmq.readthedocs.io,
"AsyncIO" and "More than just bindings".

One call after another awaits the socket itself; with several in flight a task reads the replies.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

import msgspec

from scripts.bench.perf.row import Driver, Kind, Measure, Row
from scripts.bench.perf.rows.peers._shared import (
    ASYNC,
    LARGE,
    PAGES,
    SMALL,
    SUM,
    A,
    AsyncCalls,
    AsyncDriver,
    B,
    SyncDriver,
    same,
    serve_on_uvloop,
)
from scripts.bench.perf.timing import touch


class Request(msgspec.Struct, array_like=True, gc=False):
    number: int
    a: int
    b: int


class Reply(msgspec.Struct, array_like=True, gc=False):
    number: int
    total: int


encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode


def add(data: bytes) -> bytes:
    request = decode_request(data)
    return encode(Reply(request.number, request.a + request.b))


ANSWERS: dict[Measure, Callable[[bytes], bytes]] = {
    Measure.ADD: add,
    Measure.ECHO: lambda data: data,
    Measure.BYTES_1M: lambda data: encode(touch(data)),
}


def endpoint(address: str, measure: Measure) -> str:
    return f"ipc://{address}/{measure.value}"


def bind(context: Any, address: str, measure: Measure) -> Any:
    sock = context.socket(import_module("zmq").ROUTER)
    sock.bind(endpoint(address, measure))
    return sock


def dial(context: Any, address: str, measure: Measure) -> Any:
    sock = context.socket(import_module("zmq").DEALER)
    sock.connect(endpoint(address, measure))
    return sock


# ----------------------------------------------------------------------------------- blocking


def serve(address: str, ready: Callable[[], None]) -> None:
    context: Any = import_module("zmq").Context()

    def loop(sock: Any, answer: Callable[[bytes], bytes]) -> None:
        while True:
            client, data = sock.recv_multipart()
            sock.send_multipart((client, answer(data)))

    threads = [
        threading.Thread(target=loop, args=(bind(context, address, measure), answer), daemon=True)
        for measure, answer in ANSWERS.items()
    ]
    for thread in threads:
        thread.start()
    ready()
    threads[0].join()


def connect(address: str) -> Driver:
    context: Any = import_module("zmq").Context()
    socks = {measure: dial(context, address, measure) for measure in ANSWERS}
    adding = socks[Measure.ADD]

    def exchange(measure: Measure, data: bytes) -> bytes:
        sock = socks[measure]
        sock.send(data)
        found: bytes = sock.recv()
        return found

    def added() -> None:
        same(decode_reply(adding.recv()).total, SUM)

    def begin() -> Callable[[], object]:
        adding.send(encode(Request(1, A, B)))
        return added

    def add_alone() -> None:
        adding.send(encode(Request(1, A, B)))
        added()

    return SyncDriver(
        {
            Measure.ADD: add_alone,
            Measure.ECHO: lambda: same(exchange(Measure.ECHO, SMALL), SMALL),
            Measure.BYTES_1M: lambda: same(exchange(Measure.BYTES_1M, LARGE), encode(PAGES)),
        },
        lambda: context.destroy(linger=0),
        begin,
    )


# ------------------------------------------------------------------------------------ asyncio


async def start(address: str) -> list[Any]:
    context = import_module("zmq.asyncio").Context()

    async def loop(sock: Any, answer: Callable[[bytes], bytes]) -> None:
        while True:
            client, data = await sock.recv_multipart()
            await sock.send_multipart((client, answer(data)))

    kept: list[Any] = [context]
    for measure, answer in ANSWERS.items():
        sock = bind(context, address, measure)
        kept.append(asyncio.create_task(loop(sock, answer)))
    return kept


class Calls:
    """Calls by number over one DEALER: any number in flight; a task reads the replies."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._number = 0
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            reply = decode_reply(await self._sock.recv())
            self._waiting.pop(reply.number).set_result(reply.total)

    async def add(self) -> None:
        self._number += 1
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = waiter
        await self._sock.send(encode(Request(self._number, A, B)))
        same(await waiter, SUM)


async def calls(address: str, kept: AsyncExitStack) -> AsyncCalls:
    context = import_module("zmq.asyncio").Context()
    kept.callback(context.destroy, linger=0)
    added = dial(context, address, Measure.ADD)

    async def add_alone() -> None:
        await added.send(encode(Request(1, A, B)))
        same(decode_reply(await added.recv()).total, SUM)

    def exchange(measure: Measure, data: bytes, wanted: bytes) -> Callable[[], Awaitable[None]]:
        sock = dial(context, address, measure)

        async def call() -> None:
            await sock.send(data)
            same(await sock.recv(), wanted)

        return call

    return {
        Measure.ADD: add_alone,
        Measure.FLIGHT_64: Calls(dial(context, address, Measure.ADD)).add,
        Measure.ECHO: exchange(Measure.ECHO, SMALL, SMALL),
        Measure.BYTES_1M: exchange(Measure.BYTES_1M, LARGE, encode(PAGES)),
    }


def serve_async(address: str, ready: Callable[[], None]) -> None:
    serve_on_uvloop(start(address), ready)


def connect_async(address: str) -> Driver:
    return AsyncDriver(calls, address)


ROWS = (
    Row(
        name="pyzmq",
        kind=Kind.SYNC_PEER,
        measures=ASYNC,
        serve=serve,
        connect=connect,
        requires=("zmq",),
    ),
    Row(
        name="pyzmq asyncio",
        kind=Kind.ASYNC_PEER,
        measures=ASYNC,
        serve=serve_async,
        connect=connect_async,
        requires=("zmq", "uvloop"),
    ),
)
