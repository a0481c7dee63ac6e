"""asyncvarlink on uvloop over a Unix socket: an interface of typed Python methods, calls pipelined.

JSON has no bytes, so they go as base64 strings, as the varlink specification has it. Plain methods
on the server, which cost no task. Source: helmutg.github.io/asyncvarlink, README.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

from scripts.bench.perf.row import Driver, Kind, Measure, Row
from scripts.bench.perf.rows.peers._shared import (
    ASYNC,
    FDS,
    LARGE,
    PAGES,
    SMALL,
    SUM,
    A,
    AsyncCalls,
    AsyncDriver,
    B,
    annotated,
    same,
    serve_on_uvloop,
)
from scripts.bench.perf.timing import touch


def interface() -> Any:
    asyncvarlink: Any = import_module("asyncvarlink")
    base: Any = asyncvarlink.VarlinkInterface
    method = asyncvarlink.varlinkmethod
    descriptor = asyncvarlink.FileDescriptor

    class Calculator(base, name="bench.calculator"):  # type: ignore[misc, call-arg]
        @method(return_parameter="sum")  # type: ignore[untyped-decorator]
        @annotated(a=int, b=int, returns=int)
        def Add(self, *, a: int, b: int) -> int:  # noqa: N802
            return a + b

        @method(return_parameter="data")  # type: ignore[untyped-decorator]
        @annotated(data=str, returns=str)
        def Echo(self, *, data: str) -> str:  # noqa: N802
            return base64.b64encode(base64.b64decode(data)).decode()

        @method(return_parameter="pages")  # type: ignore[untyped-decorator]
        @annotated(data=str, returns=int)
        def Touch(self, *, data: str) -> int:  # noqa: N802
            return touch(base64.b64decode(data))

        @method(return_parameter="fd")  # type: ignore[untyped-decorator]
        @annotated(fd=descriptor, returns=descriptor)
        def Pass(self, *, fd: Any) -> Any:  # noqa: N802
            # What was received is closed when the method returns.
            return descriptor(os.dup(fd.fileno()), should_close=True)

        @method(return_parameter="number")  # type: ignore[untyped-decorator]
        @annotated(number=int, returns=int)
        def Same(self, *, number: int) -> int:  # noqa: N802
            return number

    return Calculator


async def start(address: str) -> Any:
    asyncvarlink: Any = import_module("asyncvarlink")
    registry = asyncvarlink.VarlinkInterfaceRegistry()
    registry.register_interface(interface()())
    return await asyncvarlink.create_unix_server(
        registry.protocol_factory, os.path.join(address, "socket")
    )


async def calls(address: str, kept: AsyncExitStack) -> AsyncCalls:
    asyncvarlink: Any = import_module("asyncvarlink")
    transport, protocol = await asyncvarlink.connect_unix_varlink(
        asyncvarlink.VarlinkClientProtocol, os.path.join(address, "socket")
    )
    kept.callback(transport.close)
    proxy = protocol.make_proxy(interface())

    async def add() -> None:
        same((await proxy.Add(a=A, b=B))["sum"], SUM)

    async def echo() -> None:
        found = await proxy.Echo(data=base64.b64encode(SMALL).decode())
        same(base64.b64decode(found["data"]), SMALL)

    async def large() -> None:
        found = await proxy.Touch(data=base64.b64encode(LARGE).decode())
        same(found["pages"], PAGES)

    passed = os.memfd_create("passed")
    kept.callback(os.close, passed)

    async def pass_fd() -> None:
        with await proxy.Pass(fd=asyncvarlink.FileDescriptor(passed)) as found:
            os.fstat(found["fd"].fileno())

    async def pass_none() -> None:
        same((await proxy.Same(number=A))["number"], A)

    return {
        Measure.ADD: add,
        Measure.ECHO: echo,
        Measure.BYTES_1M: large,
        Measure.FD: pass_fd,
        Measure.FD_NONE: pass_none,
    }


def serve(address: str, ready: Callable[[], None]) -> None:
    serve_on_uvloop(start(address), ready)


def connect(address: str) -> Driver:
    return AsyncDriver(calls, address)


ROWS = (
    Row(
        name="asyncvarlink",
        kind=Kind.ASYNC_PEER,
        measures=ASYNC | FDS,
        serve=serve,
        connect=connect,
        requires=("asyncvarlink", "uvloop"),
    ),
)
