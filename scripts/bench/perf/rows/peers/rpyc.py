"""rpyc over a Unix socket: exposed functions by kept references, and `async_` for many in flight.

Each reference is fetched once, and frames are not compressed (its default above 3,000 bytes, meant
for networks). Source: rpyc.readthedocs.io, "Asynchronous Operation" and "Services".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from scripts.bench.perf.row import Driver, Kind, Measure, Row
from scripts.bench.perf.rows.peers._shared import (
    ASYNC,
    LARGE,
    PAGES,
    SMALL,
    SUM,
    A,
    B,
    SyncDriver,
    same,
)
from scripts.bench.perf.timing import touch


def uncompressed() -> None:
    """Have this process's channels send frames as they are."""
    channel: Any = import_module("rpyc.core.channel")
    channel.Channel.COMPRESSION_THRESHOLD = 1 << 40


def serve(address: str, ready: Callable[[], None]) -> None:
    uncompressed()
    base: Any = import_module("rpyc").Service
    server: Any = import_module("rpyc.utils.server")

    class Calculator(base):  # type: ignore[misc]
        def exposed_add(self, a: int, b: int) -> int:
            return a + b

        def exposed_echo(self, data: bytes) -> bytes:
            return data

        def exposed_touch(self, data: bytes) -> int:
            return touch(data)

    # Its constructor listens.
    serving = server.ThreadedServer(Calculator(), socket_path=os.path.join(address, "socket"))
    ready()
    serving.start()


def connect(address: str) -> Driver:
    uncompressed()
    factory: Any = import_module("rpyc.utils.factory")
    connection = factory.unix_connect(os.path.join(address, "socket"))
    add, echo, large = connection.root.add, connection.root.echo, connection.root.touch
    send = import_module("rpyc").async_(add)

    def begin() -> Callable[[], object]:
        reply = send(A, B)
        return lambda: same(reply.value, SUM)

    return SyncDriver(
        {
            Measure.ADD: lambda: same(add(A, B), SUM),
            Measure.ECHO: lambda: same(echo(SMALL), SMALL),
            Measure.BYTES_1M: lambda: same(large(LARGE), PAGES),
        },
        connection.close,
        begin,
    )


ROWS = (
    Row(
        name="rpyc",
        kind=Kind.SYNC_PEER,
        measures=ASYNC,
        serve=serve,
        connect=connect,
        requires=("rpyc",),
    ),
)
