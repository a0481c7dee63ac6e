"""jeepney, blocking and on asyncio with uvloop, by way of a private dbus-daemon.

Plain messages on a connection (its filters and proxies cost more); only the blocking connection
carries descriptors. Source: jeepney.readthedocs.io, "Connections and Routers".
"""

from __future__ import annotations

import asyncio
import os
import threading
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


def handle(member: str, body: tuple[Any, ...]) -> tuple[str, object]:
    """Answer the signature and the value of what a method returns."""
    match member:
        case "Add":
            return "i", body[0] + body[1]
        case "Echo":
            return "ay", body[0]
        case "Touch":
            return "u", touch(body[0])
        case "Pass":
            return "h", body[0]
        case _:
            return "u", body[0]


def answer(request: Any) -> Any:
    """Answer the reply to a method call."""
    jeepney: Any = import_module("jeepney")
    member = request.header.fields[jeepney.HeaderFields.member]
    signature, value = handle(member, request.body)
    return jeepney.new_method_return(request, signature, (value,))


def remote(name: str) -> Any:
    address: Any = import_module("jeepney").DBusAddress
    return address(_dbus.PATH, bus_name=name, interface=_dbus.NAME)


def requests(name: str) -> dict[Measure, Callable[[], Any]]:
    """Answer what makes each measure's message; FD's is `request_fd`'s."""
    jeepney: Any = import_module("jeepney")
    to = remote(name)
    call = jeepney.new_method_call
    return {
        Measure.ADD: lambda: call(to, "Add", "ii", (A, B)),
        Measure.ECHO: lambda: call(to, "Echo", "ay", (SMALL,)),
        Measure.BYTES_1M: lambda: call(to, "Touch", "ay", (LARGE,)),
        Measure.FD_NONE: lambda: call(to, "Same", "u", (A,)),
    }


def request_fd(fd: int) -> Any:
    return import_module("jeepney").new_method_call(remote(_dbus.FD_NAME), "Pass", "h", (fd,))


def request_name(name: str) -> Any:
    return import_module("jeepney").message_bus.RequestName(name)


# ----------------------------------------------------------------------------------- blocking


def serve(address: str, ready: Callable[[], None]) -> None:
    daemon = _dbus.start_daemon(address)
    blocking: Any = import_module("jeepney.io.blocking")

    def loop(connection: Any) -> None:
        while True:
            request = connection.receive()
            if request.header.message_type.name != "method_call":
                continue
            reply = answer(request)
            connection.send(reply)
            for value in reply.body:
                if hasattr(value, "close"):
                    value.close()

    connections: list[Any] = []
    for name, fds in ((_dbus.NAME, False), (_dbus.FD_NAME, True)):
        connection = blocking.open_dbus_connection(_dbus.bus_address(address), enable_fds=fds)
        connection.send_and_get_reply(request_name(name))
        connections.append(connection)
    threading.Thread(target=loop, args=(connections[1],), daemon=True).start()
    ready()
    loop(connections[0])
    del daemon


def connect(address: str) -> Driver:
    blocking: Any = import_module("jeepney.io.blocking")
    plain = blocking.open_dbus_connection(_dbus.bus_address(address))
    with_fds = blocking.open_dbus_connection(_dbus.bus_address(address), enable_fds=True)
    make, make_fd = requests(_dbus.NAME), requests(_dbus.FD_NAME)

    def caller(connection: Any, message: Any, wanted: object) -> Callable[[], None]:
        return lambda: same(connection.send_and_get_reply(message()).body, (wanted,))

    passed = os.memfd_create("passed")

    def pass_fd() -> None:
        with_fds.send_and_get_reply(request_fd(passed)).body[0].close()

    def close() -> None:
        plain.close()
        with_fds.close()
        os.close(passed)

    return SyncDriver(
        {
            Measure.ADD: caller(plain, make[Measure.ADD], SUM),
            Measure.ECHO: caller(plain, make[Measure.ECHO], SMALL),
            Measure.BYTES_1M: caller(plain, make[Measure.BYTES_1M], PAGES),
            Measure.FD: pass_fd,
            Measure.FD_NONE: caller(with_fds, make_fd[Measure.FD_NONE], A),
        },
        close,
    )


# ------------------------------------------------------------------------------------ asyncio


async def start(address: str) -> list[Any]:
    daemon = _dbus.start_daemon(address)
    aio: Any = import_module("jeepney.io.asyncio")
    connection = await aio.open_dbus_connection(_dbus.bus_address(address))
    async with aio.DBusRouter(connection) as router:
        await router.send_and_get_reply(request_name(_dbus.NAME))

    async def loop() -> None:
        while True:
            request = await connection.receive()
            if request.header.message_type.name == "method_call":
                await connection.send(answer(request))

    return [daemon, asyncio.create_task(loop())]


async def calls(address: str, kept: AsyncExitStack) -> AsyncCalls:
    aio: Any = import_module("jeepney.io.asyncio")
    router = await kept.enter_async_context(aio.open_dbus_router(_dbus.bus_address(address)))
    make = requests(_dbus.NAME)

    async def add() -> None:
        same((await router.send_and_get_reply(make[Measure.ADD]())).body, (SUM,))

    async def echo() -> None:
        same((await router.send_and_get_reply(make[Measure.ECHO]())).body, (SMALL,))

    async def large() -> None:
        same((await router.send_and_get_reply(make[Measure.BYTES_1M]())).body, (PAGES,))

    return {Measure.ADD: add, Measure.ECHO: echo, Measure.BYTES_1M: large}


def serve_async(address: str, ready: Callable[[], None]) -> None:
    serve_on_uvloop(start(address), ready)


def connect_async(address: str) -> Driver:
    return AsyncDriver(calls, address)


ROWS = (
    Row(
        name="jeepney",
        kind=Kind.SYNC_PEER,
        measures=SYNC | FDS,
        serve=serve,
        connect=connect,
        requires=("jeepney", _dbus.COMMAND),
    ),
    Row(
        name="jeepney asyncio",
        kind=Kind.ASYNC_PEER,
        measures=ASYNC,
        serve=serve_async,
        connect=connect_async,
        requires=("jeepney", "uvloop", _dbus.COMMAND),
    ),
)
