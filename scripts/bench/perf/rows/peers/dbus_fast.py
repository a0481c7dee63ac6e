"""dbus-fast, compiled with Cython, on uvloop, by way of a private dbus-daemon.

Low-level messages on the client (no proxy in between), a ServiceInterface on the server; buses
without descriptors read faster, so descriptors have a second one. Source: dbus-fast.readthedocs.io,
"The Message Bus" and "Low Level Service"; README, "Enhanced performance".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

from scripts.bench.perf.row import Driver, Kind, Measure, Row
from scripts.bench.perf.rows.peers import _dbus
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

NAMES = {False: _dbus.NAME, True: _dbus.FD_NAME}


def calculator() -> Any:
    service: Any = import_module("dbus_fast.service")
    base: Any = service.ServiceInterface

    class Calculator(base):  # type: ignore[misc]
        @service.dbus_method()  # type: ignore[untyped-decorator]
        @annotated(a="i", b="i", returns="i")
        def Add(self, a: int, b: int) -> int:  # noqa: N802
            return a + b

        @service.dbus_method()  # type: ignore[untyped-decorator]
        @annotated(data="ay", returns="ay")
        def Echo(self, data: bytes) -> bytes:  # noqa: N802
            return data

        @service.dbus_method()  # type: ignore[untyped-decorator]
        @annotated(data="ay", returns="u")
        def Touch(self, data: bytes) -> int:  # noqa: N802
            return touch(data)

        @service.dbus_method()  # type: ignore[untyped-decorator]
        @annotated(fd="h", returns="h")
        def Pass(self, fd: int) -> int:  # noqa: N802
            return fd

        @service.dbus_method()  # type: ignore[untyped-decorator]
        @annotated(number="u", returns="u")
        def Same(self, number: int) -> int:  # noqa: N802
            return number

    return Calculator(_dbus.NAME)


async def connect_bus(address: str, with_fds: bool) -> Any:
    aio: Any = import_module("dbus_fast.aio")
    bus = aio.MessageBus(bus_address=_dbus.bus_address(address), negotiate_unix_fd=with_fds)
    return await bus.connect()


async def start(address: str) -> list[Any]:
    kept: list[Any] = [_dbus.start_daemon(address)]
    for with_fds, name in NAMES.items():
        bus = await connect_bus(address, with_fds)
        bus.export(_dbus.PATH, calculator())
        await bus.request_name(name)
        kept.append(bus)
    return kept


async def calls(address: str, kept: AsyncExitStack) -> AsyncCalls:
    message: Any = import_module("dbus_fast").Message
    buses = {with_fds: await connect_bus(address, with_fds) for with_fds in NAMES}
    for bus in buses.values():
        kept.callback(bus.disconnect)

    async def call(
        member: str, signature: str, *body: object, with_fds: bool = False, fds: Any = ()
    ) -> Any:
        return await buses[with_fds].call(
            message(
                destination=NAMES[with_fds],
                path=_dbus.PATH,
                interface=_dbus.NAME,
                member=member,
                signature=signature,
                body=list(body),
                unix_fds=list(fds),
            )
        )

    async def add() -> None:
        same((await call("Add", "ii", A, B)).body, [SUM])

    async def echo() -> None:
        same((await call("Echo", "ay", SMALL)).body, [SMALL])

    async def large() -> None:
        same((await call("Touch", "ay", LARGE)).body, [PAGES])

    passed = os.memfd_create("passed")
    kept.callback(os.close, passed)

    async def pass_fd() -> None:
        reply = await call("Pass", "h", 0, with_fds=True, fds=[passed])
        os.close(reply.unix_fds[0])

    async def pass_none() -> None:
        same((await call("Same", "u", A, with_fds=True)).body, [A])

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
        name="dbus-fast",
        kind=Kind.ASYNC_PEER,
        measures=ASYNC | FDS,
        serve=serve,
        connect=connect,
        requires=("dbus_fast", "uvloop", _dbus.COMMAND),
    ),
)
