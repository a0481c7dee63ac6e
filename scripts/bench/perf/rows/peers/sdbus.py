"""sdbus: libsystemd's sd-bus in C, on uvloop, by way of a private dbus-daemon.

The asyncio interface classes, which its authors document first; sd-bus takes the address from the
environment only. Source: python-sdbus.readthedocs.io, "Asyncio quick start".
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
    same,
    serve_on_uvloop,
)
from scripts.bench.perf.timing import touch


def interface() -> Any:
    sdbus: Any = import_module("sdbus")
    base: Any = sdbus.DbusInterfaceCommonAsync
    method = sdbus.dbus_method_async

    class Calculator(base, interface_name=_dbus.NAME):  # type: ignore[misc, call-arg]
        @method("ii", "i")  # type: ignore[untyped-decorator]
        async def add(self, a: int, b: int) -> int:
            return a + b

        @method("ay", "ay")  # type: ignore[untyped-decorator]
        async def echo(self, data: bytes) -> bytes:
            return data

        @method("ay", "u")  # type: ignore[untyped-decorator]
        async def touch(self, data: bytes) -> int:
            return touch(data)

        @method("h", "h")  # type: ignore[untyped-decorator]
        async def pass_fd(self, fd: int) -> int:
            return fd

        @method("u", "u")  # type: ignore[untyped-decorator]
        async def same(self, number: int) -> int:
            return number

    return Calculator


def open_bus(address: str) -> Any:
    os.environ["DBUS_SESSION_BUS_ADDRESS"] = _dbus.bus_address(address)
    return import_module("sdbus").sd_bus_open_user()


async def start(address: str) -> list[Any]:
    daemon = _dbus.start_daemon(address)
    bus = open_bus(address)
    await bus.request_name_async(_dbus.NAME, 0)
    served = interface()()
    return [daemon, bus, served, served.export_to_dbus(_dbus.PATH, bus)]


async def calls(address: str, kept: AsyncExitStack) -> AsyncCalls:
    bus = open_bus(address)
    kept.callback(bus.close)
    proxy = interface().new_proxy(_dbus.NAME, _dbus.PATH, bus)

    async def add() -> None:
        same(await proxy.add(A, B), SUM)

    async def echo() -> None:
        same(await proxy.echo(SMALL), SMALL)

    async def large() -> None:
        same(await proxy.touch(LARGE), PAGES)

    passed = os.memfd_create("passed")
    kept.callback(os.close, passed)

    async def pass_fd() -> None:
        os.close(await proxy.pass_fd(passed))

    async def pass_none() -> None:
        same(await proxy.same(A), A)

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
        name="sdbus",
        kind=Kind.ASYNC_PEER,
        measures=ASYNC | FDS,
        serve=serve,
        connect=connect,
        requires=("sdbus", "uvloop", _dbus.COMMAND),
    ),
)
