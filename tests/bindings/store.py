"""A protocol of large payloads, and a child process that serves it or is its client.

`python -m tests.bindings.store serve|put|flood <fd> <bytes>`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import msgspec

from ipcrt.bindings.ends import ClientEnd, Protocol, ServerEnd, create_endpoints
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, Proxy
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.bindings.structs import Struct
from ipcrt.bindings.tables import Event, OneWay, Openness, ProtocolTable, TwoWay
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port

LIMIT = 100 << 20


class Data(Struct):
    """Something long between two short ones."""

    name: str
    data: Annotated[bytes, msgspec.Meta(max_length=LIMIT)]
    number: int = 0


class Size(Struct):
    """How much."""

    size: int


PUT = TwoWay("test.store/Store.Put", Data, Size, strict=True)
GET = TwoWay("test.store/Store.Get", Size, Data)
PUSH = OneWay("test.store/Store.Push", Data)
ON_DATA = Event("test.store/Store.OnData", Data)


class Store(Protocol):
    """The protocol."""

    TABLE = ProtocolTable("test.store/Store", Openness.OPEN, (PUT, GET, PUSH, ON_DATA))


class StoreProxy(Proxy[Store]):
    """Its client."""

    PROTOCOL = Store

    async def put(self, data: bytes, timeout: float | None = DEFAULT_TIMEOUT) -> int:
        return (await self._call(PUT, Data("put", data, 7), timeout)).size

    async def get(self, size: int) -> bytes:
        answer = await self._call(GET, Size(size), DEFAULT_TIMEOUT)
        assert (answer.name, answer.number) == ("get", size)
        return answer.data

    async def push(self, data: bytes) -> None:
        await self._send(PUSH, Data("push", data))


class StoreServer(Server[Store]):
    """Keeps what is pushed; answers with a pattern, and sends back what is put as an event."""

    PROTOCOL = Store

    def __init__(self, *, echo: bool = False) -> None:
        self.echo = echo
        self.pushed: list[bytes] = []
        self.binding: ServerBinding[Store] | None = None

    def client_came(self, binding: ServerBinding[Store]) -> None:
        self.binding = binding

    def put(self, name: str, data: bytes, number: int) -> Size:
        assert (type(data), name[:3], number) == (bytes, "put", 7)
        if self.echo:
            assert self.binding is not None
            self.binding.send_event(ON_DATA, Data("event", data))
        return Size(len(data))

    def get(self, size: int) -> Data:
        return Data("get", pattern(size), size)

    def push(self, name: str, data: bytes, number: int) -> None:
        assert (name, number) == ("push", 0)
        self.pushed.append(data)


def pattern(size: int) -> bytes:
    """Bytes of which no two stretches near each other are the same."""
    block = b"".join(number.to_bytes(4, "little") for number in range(16_384))
    return (block * (size // len(block) + 1))[:size]


def pair(
    port: AsyncPort, events: Any = None, limits: Limits | None = None, **options: Any
) -> tuple[StoreProxy, StoreServer]:
    """A client and its server on one port."""
    near, far = create_endpoints(Store)
    server = StoreServer(**options)
    ServerBinding(far, server, port, limits)
    return StoreProxy(near, port, events), server


async def _serve(channel: Channel) -> None:
    async with open_port() as port:
        binding = ServerBinding(ServerEnd[Store](channel), StoreServer(), port)
        print("ready", flush=True)
        await binding.wait_closed()


async def _put(channel: Channel, size: int) -> None:
    """Call again and again, until the end."""
    data = pattern(size)
    async with open_port() as port, StoreProxy(ClientEnd[Store](channel), port) as client:
        print("ready", flush=True)
        while True:
            assert await client.put(data) == size


async def _flood(channel: Channel, size: int) -> None:
    """Push without waiting for anybody, until the end."""
    data = pattern(size)
    async with open_port() as port, StoreProxy(ClientEnd[Store](channel), port) as client:
        print("ready", flush=True)
        while True:
            await client.push(data)


def main(role: str, fd: str, size: str) -> None:
    """Play a role."""
    channel = Channel(int(fd))
    if role == "serve":
        asyncio.run(_serve(channel))
    else:
        asyncio.run({"put": _put, "flood": _flood}[role](channel, int(size)))


if __name__ == "__main__":
    main(*sys.argv[1:])
