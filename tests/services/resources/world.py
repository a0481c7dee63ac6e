"""A resource server and a client of it, on one loop."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from ipcrt.errors import PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.resources.control import ResourceClient
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import FramedData, StreamData
from ipcrt_services.resources.incoming import END
from ipcrt_services.resources.server import KINDS


class World:
    """One server, reached by a control channel."""

    def __init__(self, client: ResourceClient, port: AsyncPort) -> None:
        self.client = client
        self.port = port

    async def read(self, uri: str) -> bytes:
        """All the bytes of a resource."""
        async with await self.client.open(uri) as data:
            return await read_all(data)

    async def write(self, uri: str, *parts: bytes) -> None:
        """Write a resource, and wait until the server has dealt with it. Raises: its error."""
        async with await self.client.open(uri) as data:
            with contextlib.suppress(PeerClosed):  # its error, if it told one, is there to be read
                for part in parts:
                    await data.send_stream(part)
                await data.send_frame(END)
            try:
                raise AssertionError(f"{await data.recv()} came back")
            except PeerClosed:
                return

    async def frames(self, uri: str) -> list[object]:
        """What the frames of a resource hold."""
        async with await self.client.open(uri) as data:
            return [msgspec.msgpack.decode(message.data) async for message in data]

    async def ask(self, uri: str, method: str, *args: object) -> object:
        """Call a method with one value in MessagePack, or none."""
        given = msgspec.msgpack.encode(args[0]) if args else b""
        answer = await self.client.invoke(uri, method, given)
        return msgspec.msgpack.decode(answer) if answer else None


async def read_all(data: DataChannel) -> bytes:
    """All the bytes until the end, whether it is told or the channel closes."""
    found = bytearray()
    async for message in data:
        if isinstance(message, FramedData):
            assert message.data == END
            break
        assert isinstance(message, StreamData)
        found += message.data
    return bytes(found)


@asynccontextmanager
async def serving(
    kind: str, directory: str | os.PathLike[str], **options: object
) -> AsyncGenerator[World, None]:
    """A server of that kind and its client."""
    serve = KINDS[kind].serve
    async with open_port() as port, serve(port, os.fspath(directory), **options) as app:
        near, far = Channel.create()
        with app.bind(port, far):
            async with ResourceClient(near, port) as client:
                yield World(client, port)
