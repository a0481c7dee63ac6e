"""A server whose end goes from process to process, message by message; run as one step of the way.

python -m tests.bindings.moving CONTROL STEPS: take a server end from the channel that descriptor
CONTROL is, serve STEPS messages or more, answer over it with the numbers heard and the end; and
again.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

import msgspec

from ipcrt.bindings.ends import Protocol, ServerEnd
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.bindings.server import Server, ServerBinding
from ipcrt.bindings.tables import Event, OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.errors import IpcError, PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.channel import AsyncChannel


class Number(Struct, frozen=True):
    number: int


class Counter(Protocol):
    """Takes numbers, and tells them again."""


COUNT = OneWay("test/Counter.Count", Number, strict=True)
GET = TwoWay("test/Counter.Get", Number, Number, strict=True)
ON_COUNT = Event("test/Counter.OnCount", Number)
Counter.TABLE = ProtocolTable("test/Counter", Openness.CLOSED, (COUNT, GET, ON_COUNT))


class CounterProxy(Proxy[Counter]):
    PROTOCOL = Counter

    async def count(self, number: int) -> None:
        await self._send(COUNT, Number(number))

    async def get(self, number: int) -> int:
        return (await self._call(GET, Number(number), 10)).number


class CounterBlockingProxy(BlockingProxy[Counter]):
    PROTOCOL = Counter

    def count(self, number: int) -> None:
        self._send(COUNT, Number(number))

    def get(self, number: int) -> int:
        return self._call(GET, Number(number), 10).number


class CounterServer(Server[Counter]):
    """Says when it has heard `steps` messages."""

    PROTOCOL = Counter

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.heard: list[int] = []
        self.gone: list[IpcError] = []
        self.enough = asyncio.Event()
        self.binding: ServerBinding[Counter] | None = None

    def client_came(self, binding: ServerBinding[Counter]) -> None:
        self.binding = binding

    def client_gone(self, reason: IpcError) -> None:
        self.gone.append(reason)

    def count(self, number: int) -> None:
        assert self.binding is not None
        with contextlib.suppress(PeerClosed):  # the client has heard enough, and gone
            self.binding.send_event(ON_COUNT, Number(number))
        self._hear(number)

    def get(self, number: int) -> Number:
        self._hear(number)
        return Number(number)

    def _hear(self, number: int) -> None:
        self.heard.append(number)
        if len(self.heard) >= self.steps:
            self.enough.set()


async def _serve_some(
    end: ServerEnd[Counter], port: AsyncPort, steps: int
) -> tuple[list[int], ServerEnd[Counter]]:
    server = CounterServer(steps)
    binding = ServerBinding(end, server, port)
    await server.enough.wait()
    end = binding.into_server_end()
    return server.heard, end


async def main(control: int, steps: int) -> None:
    async with open_port() as port, AsyncChannel(Channel(control), port) as channel:
        while True:
            try:
                message = await channel.read()
            except PeerClosed:
                return
            end = ServerEnd[Counter](Channel.from_handle(message.handles[0]))
            heard, end = await _serve_some(end, port, steps)
            await channel.write(msgspec.msgpack.encode(heard), [end.take_channel()])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
