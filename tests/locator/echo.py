"""A small service for the locator's tests, and its protocol.

Run it: python -m tests.locator.echo SOCKET [--names NAME...] [--loop asyncio|uvloop|trio]
It prints "registered" each time the locator has taken its names.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Annotated

import anyio
from msgspec import Meta

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy, Proxy
from ipcrt.bindings.server import Server
from ipcrt.bindings.tables import Openness, ProtocolTable, Struct, TwoWay
from ipcrt.errors import IpcError
from ipcrt.locator.service import Peer, ServiceLimits, provide
from ipcrt.port.aport import open_port

NAME = "ipcrt.test/Echo"


class EchoRequest(Struct, frozen=True):
    text: Annotated[str, Meta(max_length=1024)]


class EchoResponse(Struct, frozen=True):
    text: Annotated[str, Meta(max_length=1024)]


class EchoDescribeResponse(Struct, frozen=True):
    """What the service was told of its client, and what it sees behind the process handle."""

    pid: int
    uid: int
    gid: int
    process_koid: int
    process_pid: int
    ended: bool


class EchoCrowdResponse(Struct, frozen=True):
    server_pid: int
    clients: int


class Echo(Protocol):
    pass


ECHO = TwoWay("ipcrt.test/Echo.Echo", EchoRequest, EchoResponse)
DESCRIBE = TwoWay("ipcrt.test/Echo.Describe", type(None), EchoDescribeResponse)
CROWD = TwoWay("ipcrt.test/Echo.Crowd", type(None), EchoCrowdResponse)
HANG = TwoWay("ipcrt.test/Echo.Hang", type(None), type(None))
Echo.TABLE = ProtocolTable(NAME, Openness.OPEN, (ECHO, DESCRIBE, CROWD, HANG))


class EchoProxy(Proxy[Echo]):
    PROTOCOL = Echo
    __slots__ = ()

    async def echo(self, text: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> str:
        return (await self._call(ECHO, EchoRequest(text), timeout)).text

    async def describe(self) -> EchoDescribeResponse:
        return await self._call(DESCRIBE, None, DEFAULT_TIMEOUT)

    async def crowd(self) -> EchoCrowdResponse:
        return await self._call(CROWD, None, DEFAULT_TIMEOUT)

    async def hang(self) -> None:
        await self._call(HANG, None, None)


class EchoBlockingProxy(BlockingProxy[Echo]):
    PROTOCOL = Echo
    __slots__ = ()

    def echo(self, text: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> str:
        return self._call(ECHO, EchoRequest(text), timeout).text

    def describe(self) -> EchoDescribeResponse:
        return self._call(DESCRIBE, None, DEFAULT_TIMEOUT)

    def crowd(self) -> EchoCrowdResponse:
        return self._call(CROWD, None, DEFAULT_TIMEOUT)


class EchoServer(Server[Echo]):
    """Serves one client; `clients` counts all of them."""

    PROTOCOL = Echo
    clients = 0

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        EchoServer.clients += 1

    def echo(self, text: str) -> EchoResponse:
        return EchoResponse(text)

    def describe(self) -> EchoDescribeResponse:
        who, process = self._peer.identity, self._peer.process
        assert process is not None
        return EchoDescribeResponse(
            who.pid, who.uid, who.gid, process.koid, process.pid, process.is_terminated()
        )

    def crowd(self) -> EchoCrowdResponse:
        return EchoCrowdResponse(os.getpid(), EchoServer.clients)

    async def hang(self) -> None:
        await anyio.sleep_forever()

    def client_gone(self, reason: IpcError) -> None:
        EchoServer.clients -= 1


async def serve(path: str, names: list[str], limit: int) -> None:
    offers = dict.fromkeys(names, EchoServer)
    async with open_port() as port:
        await provide(
            port,
            offers,
            path=path,
            limits=ServiceLimits(clients=limit),
            on_registered=lambda: print("registered", flush=True),
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    parser.add_argument("--names", nargs="+", default=[NAME])
    parser.add_argument("--loop", choices=("asyncio", "uvloop", "trio"), default="uvloop")
    parser.add_argument("--limit", type=int, default=4096)
    options = parser.parse_args()
    backend = "trio" if options.loop == "trio" else "asyncio"
    try:
        anyio.run(
            serve,
            options.socket,
            options.names,
            options.limit,
            backend=backend,
            backend_options={"use_uvloop": True} if options.loop == "uvloop" else {},
        )
    except IpcError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
