"""thriftpy2, blocking, over a Unix socket, with the Cython buffered transport and binary protocol.

Both Cython parts are named here since they are its fastest; one thread for each connection.
Source: thriftpy2.readthedocs.io, "Benchmarks" ("thriftpy2 + cython").
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from scripts.bench.perf.row import Driver, Kind, Measure, Row
from scripts.bench.perf.rows.peers._shared import (
    LARGE,
    PAGES,
    SMALL,
    SUM,
    SYNC,
    A,
    B,
    SyncDriver,
    same,
)
from scripts.bench.perf.timing import touch

CONTRACT = """
service Calculator {
    i32 add(1: i32 a, 2: i32 b)
    binary echo(1: binary data)
    i32 touch(1: binary data)
}
"""


class Handler:
    def add(self, a: int, b: int) -> int:
        return a + b

    def echo(self, data: bytes) -> bytes:
        return data

    def touch(self, data: bytes) -> int:
        return touch(data)


def contract() -> Any:
    thriftpy2: Any = import_module("thriftpy2")
    return thriftpy2.load_fp(io.StringIO(CONTRACT), "calculator_thrift").Calculator


def factories() -> tuple[Any, Any]:
    """Answer those of the protocol and the transport."""
    protocol: Any = import_module("thriftpy2.protocol.cybin")
    transport: Any = import_module("thriftpy2.transport.buffered.cybuffered")
    return protocol.TCyBinaryProtocolFactory(), transport.TCyBufferedTransportFactory()


def serve(address: str, ready: Callable[[], None]) -> None:
    thrift: Any = import_module("thriftpy2.thrift")
    server: Any = import_module("thriftpy2.server")
    transport: Any = import_module("thriftpy2.transport")
    protocol_factory, transport_factory = factories()
    base: Any = transport.TServerSocket

    class Listening(base):  # type: ignore[misc]
        def listen(self) -> None:
            base.listen(self)
            ready()

    # None: clients are idle between runs for longer than the three seconds it would allow.
    listening = Listening(unix_socket=os.path.join(address, "socket"), client_timeout=None)
    server.TThreadedServer(
        thrift.TProcessor(contract(), Handler()),
        listening,
        iprot_factory=protocol_factory,
        itrans_factory=transport_factory,
    ).serve()


def connect(address: str) -> Driver:
    protocol_factory, transport_factory = factories()
    client: Any = import_module("thriftpy2.rpc").make_client(
        contract(),
        unix_socket=os.path.join(address, "socket"),
        proto_factory=protocol_factory,
        trans_factory=transport_factory,
        timeout=None,
    )
    return SyncDriver(
        {
            Measure.ADD: lambda: same(client.add(A, B), SUM),
            Measure.ECHO: lambda: same(client.echo(SMALL), SMALL),
            Measure.BYTES_1M: lambda: same(client.touch(LARGE), PAGES),
        },
        client.close,
    )


ROWS = (
    Row(
        name="thriftpy2",
        kind=Kind.SYNC_PEER,
        measures=SYNC,
        serve=serve,
        connect=connect,
        requires=("thriftpy2", "thriftpy2.protocol.cybin"),
    ),
)
