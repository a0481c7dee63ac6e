"""A server of everything that the tests ask for, and a client of it on any loop or thread."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ipcrt.errors import AccessDenied, NoResources, PeerClosed, Status
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.socket import Socket
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.app import ResourceApp
from ipcrt.resources.control import ResourceClient
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import FramedData
from ipcrt.resources.requests import InvokeRequest, OpenRequest, PipeRequest, Session
from ipcrt.resources.serving import ResourceLimits

SECRET = "a secret of the server"


def make_app(limits: ResourceLimits | None = None) -> ResourceApp:
    """A server with one resource of every sort."""
    app = ResourceApp("world", limits)
    for add in (
        add_resources,
        add_descriptors,
        add_pipes,
        add_methods,
        add_refusals,
        add_failures,
    ):
        add(app)
    return app


def add_resources(app: ResourceApp) -> None:
    @app.open("echo://{name}")
    async def open_echo(request: OpenRequest, name: str) -> Session:
        await request.port.checkpoint()
        return echo

    @app.open("bytes://{count:int}/{path:path}")
    def open_bytes(request: OpenRequest, count: int, path: str) -> Session:
        part = request.query.get("part", "x").encode()

        async def serve(data: DataChannel) -> None:
            await data.send_stream(part * count)

        return serve

    @app.open("full:")
    def open_full(request: OpenRequest) -> Session:
        """Refuses, by errors, all that is written."""
        del request

        async def serve(data: DataChannel) -> None:
            async for _ in data:
                await data.send_error(Status.NO_SPACE)

        return serve


def add_descriptors(app: ResourceApp) -> None:
    @app.open("socket:")
    def open_socket(request: OpenRequest) -> Handle:
        del request
        ours, theirs = Socket.create()
        with ours:
            ours.write(b"by a socket")
        return theirs

    @app.open("null:")
    def open_null(request: OpenRequest) -> Handle:
        del request
        return Handle(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))

    @app.open("channel:")
    def open_channel(request: OpenRequest) -> Handle:
        del request
        near, far = Channel.create()
        far.close()
        return near


def add_pipes(app: ResourceApp) -> None:
    @app.pipe("numbers://{count:int}")
    async def pipe_numbers(request: PipeRequest, count: int) -> None:
        for number in range(count):
            await request.sender.send_frame(str(number).encode())

    @app.pipe("raw:")
    def pipe_raw(request: PipeRequest) -> int:
        return os.write(request.write_to.fileno(), b"to a descriptor")


async def echo(data: DataChannel) -> None:
    async for message in data:
        if isinstance(message, FramedData):
            await data.send_frame(message.data)
        else:
            await data.send_stream(message.data)


def add_methods(app: ResourceApp) -> None:
    @app.invoke("echo://{name}", "shout")
    def shout(request: InvokeRequest, name: str) -> bytes:
        return f"{name}: ".encode() + request.args.upper()

    @app.invoke("echo://{name}", "later")
    async def later(request: InvokeRequest, name: str) -> bytes:
        del name
        await request.port.sleep(int(request.args) / 1000)
        return request.args

    @app.invoke("echo://{name}", "nothing")
    def nothing(request: InvokeRequest, name: str) -> None:
        del request, name

    @app.invoke(None, "version")
    def version(request: InvokeRequest) -> bytes:
        return b"1" if not request.uri else b"?"


def add_refusals(app: ResourceApp) -> None:
    @app.open("denied:")
    def open_denied(request: OpenRequest) -> Session:
        raise AccessDenied(SECRET)

    @app.open("missing:")
    async def open_missing(request: OpenRequest) -> Session:
        await request.port.checkpoint()
        raise FileNotFoundError(2, SECRET)

    @app.open("defect:")
    async def open_defect(request: OpenRequest) -> Session:
        raise ZeroDivisionError(SECRET)

    @app.open("nonsense:")
    def open_nonsense(request: OpenRequest) -> Session:
        return 7  # type: ignore[return-value]


def add_failures(app: ResourceApp) -> None:
    @app.open("breaks:")
    def open_breaks(request: OpenRequest) -> Session:
        """Serves a little, then fails."""

        async def serve(data: DataChannel) -> None:
            await data.send_frame(b"so far")
            raise OSError(28, SECRET)

        return serve

    @app.invoke("echo://{name}", "hang")
    async def hang(request: InvokeRequest, name: str) -> None:
        del name
        await request.port.create_waiter()

    @app.invoke("echo://{name}", "text")
    def text(request: InvokeRequest, name: str) -> bytes:
        return name  # type: ignore[return-value]

    @app.pipe("short:")
    async def pipe_short(request: PipeRequest) -> None:
        await request.sender.send_stream(b"half")
        raise NoResources(SECRET)

    @app.pipe("gone:")
    def pipe_gone(request: PipeRequest) -> None:
        raise PeerClosed


@asynccontextmanager
async def client_of(
    port: AsyncPort, app: ResourceApp | None = None
) -> AsyncGenerator[ResourceClient, None]:
    """A client and its server, on one loop."""
    near, far = Channel.create()
    with (app or make_app()).bind(port, far):
        async with ResourceClient(near, port) as client:
            yield client
