"""pycapnp: Cap'n Proto's own RPC over a Unix socket, on uvloop.

Its AsyncIoStream is an asyncio protocol, so uvloop carries it, in half the time of asyncio's loop;
requests are built by field, its fastest form. Source: capnproto.github.io/pycapnp, "Quickstart".
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, Final

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
    same,
    serve_on_uvloop,
)
from scripts.bench.perf.timing import touch

SETTLE_S: Final = 0.2
"""How long a new connection is quiet: a server on uvloop crashes if bytes are there before it reads
(pycapnp 2.2.4 stops uvloop's reading from within get_buffer)."""
CONTRACT: Final = """@0xb312981b2552a250;
interface Calculator {
    add @0 (a :Int32, b :Int32) -> (sum :Int32);
    echo @1 (data :Data) -> (data :Data);
    touch @2 (data :Data) -> (pages :Int32);
}
"""


def contract(address: str, side: str) -> Any:
    """Answer the interface, from a file of this side's own, since pycapnp loads only files."""
    file = Path(address, f"{side}.capnp")
    file.write_text(CONTRACT)
    return import_module("capnp").load(str(file)).Calculator


async def start(address: str) -> list[Any]:
    capnp: Any = import_module("capnp")
    loop = capnp.kj_loop()
    await loop.__aenter__()
    base: Any = contract(address, "server").Server

    class Calculator(base):  # type: ignore[misc]
        async def add(self, a: int, b: int, **_context: Any) -> int:
            return a + b

        async def echo(self, data: bytes, **_context: Any) -> bytes:
            return data

        async def touch(self, data: bytes, **_context: Any) -> int:
            return touch(data)

    async def accepted(stream: Any) -> None:
        await capnp.TwoPartyServer(stream, bootstrap=Calculator()).on_disconnect()

    server = await capnp.AsyncIoStream.create_unix_server(accepted, os.path.join(address, "socket"))
    return [loop, server]


async def calls(address: str, kept: AsyncExitStack) -> AsyncCalls:
    capnp: Any = import_module("capnp")
    await kept.enter_async_context(capnp.kj_loop())
    stream = await capnp.AsyncIoStream.create_unix_connection(os.path.join(address, "socket"))
    await asyncio.sleep(SETTLE_S)
    client = capnp.TwoPartyClient(stream)
    kept.callback(client.close)
    calculator = client.bootstrap().cast_as(contract(address, "client"))

    async def add() -> None:
        request = calculator.add_request()
        request.a = A
        request.b = B
        same((await request.send()).sum, SUM)

    async def echo() -> None:
        request = calculator.echo_request()
        request.data = SMALL
        same((await request.send()).data, SMALL)

    async def large() -> None:
        request = calculator.touch_request()
        request.data = LARGE
        same((await request.send()).pages, PAGES)

    return {Measure.ADD: add, Measure.ECHO: echo, Measure.BYTES_1M: large}


def serve(address: str, ready: Callable[[], None]) -> None:
    serve_on_uvloop(start(address), ready)


def connect(address: str) -> Driver:
    return AsyncDriver(calls, address)


ROWS = (
    Row(
        name="pycapnp",
        kind=Kind.ASYNC_PEER,
        measures=ASYNC,
        serve=serve,
        connect=connect,
        requires=("capnp", "uvloop"),
    ),
)
