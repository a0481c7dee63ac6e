"""The client's way in: find the locator, get a channel of one's own, open protocols by name.

    async with connect() as locator:
        store = await locator.open(StoreProxy)
        await store.write_item(Item("key/1", b"value"))

`open` is pipelined: the client makes both ends, keeps one, sends the other, and may call at once.
A refusal fails those calls with the locator's reason.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Self, TypeVar

from ipcrt.bindings.ends import ClientEnd, P, create_endpoints
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.errors import InvalidArgs, TimedOut, Unavailable, from_oserror
from ipcrt.locator.listener import default_path
from ipcrt.locator.protocol import Locator, LocatorBlockingProxy, LocatorProxy
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort

ProxyT = TypeVar("ProxyT", bound=Proxy[Any])
BlockingProxyT = TypeVar("BlockingProxyT", bound=BlockingProxy[Any])

CONNECT_TIMEOUT: Final = 10.0
"""Seconds that connecting may take; only a locator whose backlog is full makes it wait."""

SOCKET_VARIABLE: Final = "IPCRT_LOCATOR"
"""Environment variable that names the locator's socket, where it is not the default."""

_RETRY_S: Final = (0.001, 0.05)
"""First and longest pause while the backlog is full: no event tells when it has room again."""


def locator_path(path: str | os.PathLike[str] | None = None) -> str:
    """Answer where to connect: `path`, else $IPCRT_LOCATOR, else the default path."""
    return os.fspath(path or os.environ.get(SOCKET_VARIABLE) or default_path())


def try_connect(path: str) -> Channel | None:
    """Connect now: a channel that the caller owns, or None while the backlog is full.

    A non-blocking connect to a full backlog fails with EAGAIN and leaves the socket unconnected;
    asyncio's and uvloop's `sock_connect` take that for success.
    Raises: Unavailable: nobody listens there. AccessDenied. OutOfRange: path too long.
    Source: connect(2), unix(7).
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.setblocking(False)
        try:
            sock.connect(path)
        except BlockingIOError:
            return None
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise Unavailable(f"no locator listens at {path}") from error
        except OSError as error:
            if error.errno is None:
                raise InvalidArgs(f"socket path {path!r}: {error}") from error
            raise from_oserror(error, f"connect to {path}") from error
        return Channel(sock.detach())


@asynccontextmanager
async def connect(
    path: str | os.PathLike[str] | None = None,
    *,
    port: AsyncPort | None = None,
    timeout: float = CONNECT_TIMEOUT,
) -> AsyncIterator[LocatorClient]:
    """Connect to the locator from a coroutine; on leaving, the channel is closed.

    Without `port` one is made for the running loop, and closed at the end.
    Raises: Unavailable, TimedOut, AccessDenied.
    """
    if port is None:
        async with open_port() as own, connect(path, port=own, timeout=timeout) as client:
            yield client
        return
    channel = await _connected(locator_path(path), port, timeout)
    async with LocatorProxy(ClientEnd[Locator](channel), port) as proxy:
        yield LocatorClient(proxy, port)


@contextmanager
def connect_blocking(
    path: str | os.PathLike[str] | None = None,
    *,
    port: BlockingPort | None = None,
    timeout: float = CONNECT_TIMEOUT,
) -> Iterator[BlockingLocatorClient]:
    """Connect to the locator from a plain thread; see `connect`."""
    if port is None:
        with BlockingPort() as own, connect_blocking(path, port=own, timeout=timeout) as client:
            yield client
        return
    channel = _connected_blocking(locator_path(path), timeout)
    with LocatorBlockingProxy(ClientEnd[Locator](channel), port) as proxy:
        yield BlockingLocatorClient(proxy, port)


class LocatorClient:
    """A client's namespace, on an event loop."""

    def __init__(self, proxy: LocatorProxy, port: AsyncPort) -> None:
        self.proxy = proxy
        self.port = port

    async def open(
        self, proxy: type[ProxyT], name: str | None = None, *, events: object | None = None
    ) -> ProxyT:
        """Open a protocol by its own name, or under `name`; the caller owns the proxy.

        Returns before anybody has agreed: the first call tells. It raises AccessDenied where
        policy does not grant the name, NotFound where nobody serves it.
        """
        end = await self.open_end(proxy.PROTOCOL, name)
        return proxy(end, self.port, events)

    async def open_end(self, protocol: type[P], name: str | None = None) -> ClientEnd[P]:
        """Open a protocol and answer the unbound client end, to be passed on; see `open`."""
        client, server = create_endpoints(protocol)
        try:
            await self.proxy.open(name or protocol.TABLE.name, server.take_channel())
        except BaseException:
            client.close()
            raise
        return client

    async def names(self) -> list[str]:
        """Answer the names that may be opened now, in order."""
        return [entry.name for entry in (await self.proxy.get_entries()).entries]

    async def another(self) -> LocatorProxy:
        """Get one more channel of one's own, by handing over an end of a pair made here.

        Raises: HandOverFailed.
        """
        client, server = create_endpoints(Locator)
        try:
            await self.proxy.hand_over(server)
        except BaseException:
            client.close()
            raise
        return LocatorProxy(client, self.port)


class BlockingLocatorClient:
    """A client's namespace, in a plain thread."""

    def __init__(self, proxy: LocatorBlockingProxy, port: BlockingPort) -> None:
        self.proxy = proxy
        self.port = port

    def open(
        self, proxy: type[BlockingProxyT], name: str | None = None, *, events: object | None = None
    ) -> BlockingProxyT:
        """Open a protocol; see `LocatorClient.open`."""
        client, server = create_endpoints(proxy.PROTOCOL)
        try:
            self.proxy.open(name or proxy.PROTOCOL.TABLE.name, server.take_channel())
        except BaseException:
            client.close()
            raise
        return proxy(client, self.port, events)

    def names(self) -> list[str]:
        """Answer the names that may be opened now, in order."""
        return [entry.name for entry in self.proxy.get_entries().entries]


class _Pauses:
    """How long to pause between two tries, until the time is up."""

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._until = time.monotonic() + timeout
        self._pause = _RETRY_S[0]

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> float:
        if time.monotonic() >= self._until:
            raise TimedOut(f"the backlog of {self._path} stayed full for {self._timeout} seconds")
        pause, self._pause = self._pause, min(self._pause * 2, _RETRY_S[1])
        return pause


async def _connected(path: str, port: AsyncPort, timeout: float) -> Channel:
    pauses = _Pauses(path, timeout)
    while (channel := try_connect(path)) is None:
        await port.sleep(next(pauses))
    return channel


def _connected_blocking(path: str, timeout: float) -> Channel:
    pauses = _Pauses(path, timeout)
    while (channel := try_connect(path)) is None:
        time.sleep(next(pauses))
    return channel
