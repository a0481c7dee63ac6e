"""A server of all sorts of files, in memory, and one story for every kind of client.

A blocking file's methods are called where a coroutine awaits them, so that a whole story runs in
its first step, in a plain thread.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import anyio
import msgspec
import pytest

from ipcrt.errors import InvalidArgs, NotFound, Status
from ipcrt.io.async_file import AsyncFile
from ipcrt.io.async_opening import aopen, async_file_of
from ipcrt.io.opening import file_of
from ipcrt.io.opening import open as open_file
from ipcrt.io.ways import run_now
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.socket import Socket
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.app import ResourceApp
from ipcrt.resources.blocking_control import BlockingResourceClient
from ipcrt.resources.control import ResourceClient, send_connect
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import FramedData
from ipcrt.resources.requests import InvokeRequest, OpenRequest, Session

LOOPS: dict[str, tuple[str, dict[str, bool]]] = {
    "asyncio": ("asyncio", {}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}
KINDS = ("blocking", *LOOPS)

SIZES = (10 << 20, pytest.param(64 << 20, marks=pytest.mark.slow))
"""How much is copied under the eyes of tracemalloc, which is slow."""

Files = dict[str, bytearray]


# ------------------------------------------------------------------------------------- the server


def make_app(files: Files) -> ResourceApp:
    """A server of `files` by `mem:///name`, as docs/io.md asks for it, and of odd resources."""
    app = ResourceApp("io")
    for add in (add_methods, add_streams, add_descriptors):
        add(app, files)

    @app.open("mem:///{name}")
    def open_memory(request: OpenRequest, name: str) -> Session:
        query = request.uri.partition("?")[2].split("&")
        offset = next((int(each[7:]) for each in query if each.startswith("offset=")), 0)
        if "create" in query:
            if "exclusive" in query and name in files:
                raise FileExistsError(17, "there")
            files.setdefault(name, bytearray())
        if name not in files:
            raise NotFound(name)
        if "truncate" in query:
            files[name].clear()
        if "append" in query:
            return lambda data: write_file(files[name], None, data)
        if "write" in query:
            return lambda data: write_file(files[name], offset, data)
        return lambda data: read_file(files[name], offset, data)

    return app


async def read_file(content: bytearray, offset: int, data: DataChannel) -> None:
    await data.send_stream(bytes(content[offset:]))


async def write_file(content: bytearray, offset: int | None, data: DataChannel) -> None:
    async for message in data:
        if isinstance(message, FramedData):
            return
        at = len(content) if offset is None else offset
        content[at : at + len(message.data)] = message.data
        offset = None if offset is None else offset + len(message.data)


def add_methods(app: ResourceApp, files: Files) -> None:
    @app.invoke("mem:///{name}", "stat")
    def stat(request: InvokeRequest, name: str) -> bytes:
        if name == "wrong":
            return b"\x93"
        if name not in files:
            raise NotFound(name)
        return msgspec.msgpack.encode({"type": "file", "size": len(files[name]), "more": 1})

    @app.invoke("mem:///{name}", "truncate")
    def truncate(request: InvokeRequest, name: str) -> None:
        size = msgspec.msgpack.decode(request.args, type=int)
        content = files[name]
        content[size:] = bytes(max(0, size - len(content)))

    @app.open("dir:///{name}")
    def open_directory(request: OpenRequest, name: str) -> Session:
        async def serve(data: DataChannel) -> None:
            for entry in entries[name]:
                await data.send_frame(msgspec.msgpack.encode(entry))

        entries: dict[str, list[object]] = {
            "good": [{"name": "a", "type": "file", "size": 3}, {"name": b"\xff", "type": "link"}],
            "climbing": [{"name": "../a", "type": "file"}],
            "odd": [7],
        }
        return serve


async def echo(data: DataChannel) -> None:
    async for message in data:
        if isinstance(message, FramedData):
            await data.send_frame(message.data)
            return
        await data.send_stream(message.data)


async def parts(data: DataChannel) -> None:
    """Sends frames and streams, empty ones too."""
    await data.send_stream(b"a\nb")
    await data.send_stream(b"")
    await data.send_frame(b"c\n\xff\x00")
    await data.send_frame(b"")
    await data.send_stream(b"behind the end")


async def breaks(data: DataChannel) -> None:
    await data.send_stream(b"so far")
    raise OSError(28, "no space")


async def full(data: DataChannel) -> None:
    await data.recv()
    await data.send_error(Status.NO_SPACE)


async def silent(data: DataChannel) -> None:
    await data.recv()
    await data.send_stream(b"spoke")


async def stalls(data: DataChannel) -> None:
    del data
    await anyio.Event().wait()


async def sink(data: DataChannel) -> None:
    async for message in data:
        if isinstance(message, FramedData):
            return


SESSIONS: dict[str, Session] = {
    "echo:": echo,
    "parts:": parts,
    "breaks:": breaks,
    "full:": full,
    "silent:": silent,
    "stalls:": stalls,
    "sink:": sink,
}


def add_streams(app: ResourceApp, files: Files) -> None:
    for uri, session in SESSIONS.items():
        app.open(uri)(functools.partial(_answer, session))

    @app.open("naive://{name}")
    def open_naive(request: OpenRequest, name: str) -> Session:
        """Knows nothing of ends."""

        async def serve(data: DataChannel) -> None:
            async for message in data:
                files.setdefault(name, bytearray()).extend(message.data)

        return serve

    @app.open("big://{size:int}")
    def open_big(request: OpenRequest, size: int) -> Session:
        async def serve(data: DataChannel) -> None:
            part = bytes(65000)
            for _ in range(size // len(part)):
                await data.send_stream(part)
            await data.send_stream(part[: size % len(part)])

        return serve

    @app.open("refused://{status}")
    def open_refused(request: OpenRequest, status: str) -> Session:
        raise {"EACCES": PermissionError(13, ""), "EINVAL": InvalidArgs("")}[status]


def _answer(session: Session, request: OpenRequest) -> Session:
    del request
    return session


def add_descriptors(app: ResourceApp, files: Files) -> None:
    @app.open("fd:///{name}")
    def open_fd(request: OpenRequest, name: str) -> Handle:
        vmo = Vmo.from_bytes(bytes(files[name]))
        return Handle(vmo.take())

    @app.open("socket:")
    def open_socket(request: OpenRequest) -> Handle:
        ours, theirs = Socket.create()
        with ours:
            ours.write(b"by a socket\nto you")
        return theirs

    @app.open("fifo:")
    def open_fifo(request: OpenRequest) -> Handle:
        """A pipe that nobody writes to, though it is open."""
        end, other = os.pipe2(os.O_CLOEXEC)
        kept.append(Handle(other))
        return Handle(end)

    kept: list[Handle] = []

    @app.invoke(None, "say")
    def say(request: InvokeRequest) -> None:
        with kept.pop() as other, contextlib.suppress(BrokenPipeError):
            os.write(other.fileno(), request.args)


@contextmanager
def serving(loop: str, files: Files) -> Generator[Channel, None, None]:
    """Serve in a thread with a loop of its own; answers the clients' end of a listen channel."""
    near, far = Channel.create()

    async def serve() -> None:
        async with open_port() as port:
            await make_app(files).listen(port, far)

    name, options = LOOPS[loop]
    thread = threading.Thread(
        target=lambda: anyio.run(serve, backend=name, backend_options=options)
    )
    thread.start()
    try:
        yield near
    finally:
        near.close()
        thread.join()


# -------------------------------------------------------------------------------------- the clients


class Opener:
    """Opens files in one of the ways, with one set of words."""

    def __init__(self, files: Files) -> None:
        self.files = files

    async def open(self, uri: str, mode: str = "rb", **options: Any) -> AsyncFile:
        raise NotImplementedError

    async def file_of(self, handle: Handle, mode: str = "rb", **options: Any) -> AsyncFile:
        raise NotImplementedError

    async def invoke(self, method: str, args: bytes) -> None:
        raise NotImplementedError


class LoopOpener(Opener):
    def __init__(self, files: Files, client: ResourceClient, port: AsyncPort) -> None:
        super().__init__(files)
        self._client = client
        self._port = port

    async def open(self, uri: str, mode: str = "rb", **options: Any) -> AsyncFile:
        return await aopen(self._client, uri, mode, **options)

    async def file_of(self, handle: Handle, mode: str = "rb", **options: Any) -> AsyncFile:
        return async_file_of(handle, self._port, mode, **options)

    async def invoke(self, method: str, args: bytes) -> None:
        await self._client.invoke(None, method, args)


class Dressed:
    """A blocking file whose calls are awaited, and done at once."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.file, name)
        if name in ("closed", "mode", "name", "fileno"):
            return value

        async def call(*args: Any) -> Any:
            return value(*args)

        return call

    async def aclose(self) -> None:
        self.file.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.file.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            line: bytes = next(self.file)
        except StopIteration:
            raise StopAsyncIteration from None
        return line


class ThreadOpener(Opener):
    def __init__(self, files: Files, client: BlockingResourceClient) -> None:
        super().__init__(files)
        self._client = client

    async def open(self, uri: str, mode: str = "rb", **options: Any) -> Any:
        return Dressed(open_file(self._client, uri, mode, **options))

    async def file_of(self, handle: Handle, mode: str = "rb", **options: Any) -> Any:
        return Dressed(file_of(handle, mode, **options))

    async def invoke(self, method: str, args: bytes) -> None:
        self._client.invoke(None, method, args)


Story = Callable[[Opener], Awaitable[None]]


@contextmanager
def blocking_client(listen: Channel) -> Generator[BlockingResourceClient, None, None]:
    with BlockingPort() as port, BlockingResourceClient(send_connect(listen), port) as client:
        yield client


def tell(story: Story, kind: str, listen: Channel, files: Files) -> None:
    """Run a story with a client of that kind."""

    async def on_a_loop() -> None:
        async with open_port() as port, ResourceClient(send_connect(listen), port) as client:
            await story(LoopOpener(files, client, port))

    async def in_a_thread() -> None:
        with blocking_client(listen) as client:
            await story(ThreadOpener(files, client))

    if kind == "blocking":
        run_now(in_a_thread())
        return
    name, options = LOOPS[kind]
    anyio.run(on_a_loop, backend=name, backend_options=options)


@asynccontextmanager
async def on_loop(files: Files) -> AsyncGenerator[tuple[ResourceClient, AsyncPort], None]:
    """A client and its server, on one loop."""
    near, far = Channel.create()
    async with open_port() as port:
        with make_app(files).bind(port, far):
            async with ResourceClient(near, port) as client:
                yield client, port
