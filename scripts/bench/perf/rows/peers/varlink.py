"""varlink, the reference implementation, blocking over a Unix socket: one connection kept.

Its threading server, one thread for each connection. JSON has no bytes, so they go as base64
strings, as the specification has it; no BYTES_1M: its server joins what it reads byte by byte, and
took longer than ten seconds. Source: github.com/varlink/python, README; varlink.org.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from scripts.bench.perf.row import Driver, Kind, Measure, Row
from scripts.bench.perf.rows.peers._shared import (
    SMALL,
    SUM,
    A,
    B,
    SyncDriver,
    same,
)

NAME: Final = "bench.calculator"
CONTRACT: Final = f"""interface {NAME}

method Add(a: int, b: int) -> (sum: int)

method Echo(data: string) -> (data: string)
"""


class Calculator:
    def Add(self, a: int, b: int) -> dict[str, int]:  # noqa: N802
        return {"sum": a + b}

    def Echo(self, data: str) -> dict[str, str]:  # noqa: N802
        return {"data": base64.b64encode(base64.b64decode(data)).decode()}


def url(address: str) -> str:
    return f"unix:{os.path.join(address, 'socket')}"


def serve(address: str, ready: Callable[[], None]) -> None:
    varlink: Any = import_module("varlink")
    Path(address, f"{NAME}.varlink").write_text(CONTRACT)
    offered = varlink.Service(interface_dir=address)
    offered.interface(NAME)(Calculator)
    base: Any = varlink.RequestHandler

    class Handler(base):  # type: ignore[misc]
        service = offered

    with varlink.ThreadingServer(url(address), Handler) as server:
        ready()
        server.serve_forever()


def connect(address: str) -> Driver:
    kept = ExitStack()
    client = kept.enter_context(import_module("varlink").Client(url(address)))
    calculator = kept.enter_context(client.open(NAME))

    def echo() -> None:
        found = calculator.Echo(base64.b64encode(SMALL).decode())["data"]
        same(base64.b64decode(found), SMALL)

    return SyncDriver(
        {
            Measure.ADD: lambda: same(calculator.Add(A, B)["sum"], SUM),
            Measure.ECHO: echo,
        },
        kept.close,
    )


ROWS = (
    Row(
        name="varlink",
        kind=Kind.SYNC_PEER,
        measures=frozenset({Measure.ADD, Measure.ECHO}),
        serve=serve,
        connect=connect,
        requires=("varlink",),
    ),
)
