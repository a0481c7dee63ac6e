"""pynng over ipc://: Req0 to Rep0, msgpack by msgspec; blocking, and on asyncio with uvloop.

Contexts, one for each call in flight, are how nng has many at once on one socket; messages are
received as Message objects, as its performance notes advise for large ones only, so bytes here.
Source: pynng.readthedocs.io, "Basic Pynng Usage", `Context`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from importlib import import_module
from typing import Any, Final

import msgspec

from scripts.bench.perf.row import Driver, Kind, Measure, Row
from scripts.bench.perf.rows.peers._shared import (
    ASYNC,
    LARGE,
    PAGES,
    SMALL,
    SUM,
    SYNC,
    A,
    AsyncCalls,
    AsyncDriver,
    B,
    SyncDriver,
    same,
    serve_on_uvloop,
)
from scripts.bench.perf.timing import touch

CONTEXTS: Final = 64
"""Of the server: as many calls are served at once."""


class Pair(msgspec.Struct, array_like=True, gc=False):
    a: int
    b: int


encode = msgspec.msgpack.Encoder().encode
decode_pair = msgspec.msgpack.Decoder(Pair).decode
decode_number = msgspec.msgpack.Decoder(int).decode


def add(data: bytes) -> bytes:
    pair = decode_pair(data)
    return encode(pair.a + pair.b)


ANSWERS: dict[Measure, Callable[[bytes], bytes]] = {
    Measure.ADD: add,
    Measure.ECHO: lambda data: data,
    Measure.BYTES_1M: lambda data: encode(touch(data)),
}


def endpoint(address: str, measure: Measure) -> str:
    return f"ipc://{address}/{measure.value}"


def dial(address: str, measure: Measure) -> Any:
    return import_module("pynng").Req0(dial=endpoint(address, measure), block_on_dial=True)


def listen(address: str, measure: Measure) -> Any:
    return import_module("pynng").Rep0(listen=endpoint(address, measure))


# ----------------------------------------------------------------------------------- blocking


def serve(address: str, ready: Callable[[], None]) -> None:
    def loop(sock: Any, answer: Callable[[bytes], bytes]) -> None:
        while True:
            sock.send(answer(sock.recv()))

    threads = [
        threading.Thread(target=loop, args=(listen(address, measure), answer), daemon=True)
        for measure, answer in ANSWERS.items()
    ]
    for thread in threads:
        thread.start()
    ready()
    threads[0].join()


def connect(address: str) -> Driver:
    kept = ExitStack()
    socks = {measure: kept.enter_context(dial(address, measure)) for measure in ANSWERS}

    def exchange(measure: Measure, data: bytes) -> bytes:
        sock = socks[measure]
        sock.send(data)
        found: bytes = sock.recv()
        return found

    return SyncDriver(
        {
            Measure.ADD: lambda: same(
                decode_number(exchange(Measure.ADD, encode(Pair(A, B)))), SUM
            ),
            Measure.ECHO: lambda: same(exchange(Measure.ECHO, SMALL), SMALL),
            Measure.BYTES_1M: lambda: same(decode_number(exchange(Measure.BYTES_1M, LARGE)), PAGES),
        },
        kept.close,
    )


# ------------------------------------------------------------------------------------ asyncio


async def start(address: str) -> list[Any]:
    async def loop(context: Any, answer: Callable[[bytes], bytes]) -> None:
        while True:
            await context.asend(answer(await context.arecv()))

    kept: list[Any] = []
    for measure, answer in ANSWERS.items():
        sock = listen(address, measure)
        kept.append(sock)
        kept += [asyncio.create_task(loop(sock.new_context(), answer)) for _ in range(CONTEXTS)]
    return kept


async def calls(address: str, kept: AsyncExitStack) -> AsyncCalls:
    socks = {measure: kept.enter_context(dial(address, measure)) for measure in ANSWERS}

    async def exchange(measure: Measure, data: bytes) -> bytes:
        sock = socks[measure]
        await sock.asend(data)
        found: bytes = await sock.arecv()
        return found

    idle: list[Any] = []

    async def add_in_context() -> None:
        context = idle.pop() if idle else kept.enter_context(socks[Measure.ADD].new_context())
        await context.asend(encode(Pair(A, B)))
        same(decode_number(await context.arecv()), SUM)
        idle.append(context)

    async def add_alone() -> None:
        same(decode_number(await exchange(Measure.ADD, encode(Pair(A, B)))), SUM)

    async def echo() -> None:
        same(await exchange(Measure.ECHO, SMALL), SMALL)

    async def large() -> None:
        same(decode_number(await exchange(Measure.BYTES_1M, LARGE)), PAGES)

    return {
        Measure.ADD: add_alone,
        Measure.FLIGHT_64: add_in_context,
        Measure.ECHO: echo,
        Measure.BYTES_1M: large,
    }


def serve_async(address: str, ready: Callable[[], None]) -> None:
    serve_on_uvloop(start(address), ready)


def connect_async(address: str) -> Driver:
    return AsyncDriver(calls, address)


ROWS = (
    Row(
        name="pynng",
        kind=Kind.SYNC_PEER,
        measures=SYNC,
        serve=serve,
        connect=connect,
        requires=("pynng",),
    ),
    Row(
        name="pynng asyncio",
        kind=Kind.ASYNC_PEER,
        measures=ASYNC,
        serve=serve_async,
        connect=connect_async,
        requires=("pynng", "uvloop"),
    ),
)
