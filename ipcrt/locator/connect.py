"""The client's way in: find the locator, get a channel of one's own, open protocols by name.

    async with connect() as locator:
        store = await locator.open(StoreProxy)
        await store.write_item(Item("key/1", b"value"))

Connecting takes one round trip: whoever is turned away learns it there, and from then on `open` is
pipelined: the client makes both ends, keeps one, sends the other, and may call at once. A refusal
fails those calls with the locator's reason.

Who wants one protocol only, in whichever namespace, opens it without more ado:

    async with connect(StoreProxy, namespace="container") as store: ...
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from ipcrt.bindings.ends import ClientEnd, P, ServerEnd, create_endpoints
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.errors import (
    InvalidArgs,
    NoResources,
    OutOfRange,
    PeerClosed,
    TimedOut,
    Unavailable,
    from_oserror,
)
from ipcrt.locator.paths import default_path
from ipcrt.locator.protocol import Identity, Locator, LocatorBlockingProxy, LocatorProxy
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort

if TYPE_CHECKING:
    from ipcrt.locator.namespace import Namespace

ProxyT = TypeVar("ProxyT", bound=Proxy[Any])
BlockingProxyT = TypeVar("BlockingProxyT", bound=BlockingProxy[Any])

CONNECT_TIMEOUT: Final = 25.0
"""Seconds that connecting may take; a locator makes it wait that is full, or starts just now."""

SOCKET_VARIABLE: Final = "IPCRT_LOCATOR"
"""Environment variable that names the locator's socket, where it is not the default."""

_RETRY_S: Final = (0.001, 0.05)
"""First and longest pause while the backlog is full: no event tells when it has room again."""

_TRIES: Final = 3
"""How often to connect where each locator stops before it has answered."""


def locator_path(path: str | os.PathLike[str] | None = None) -> str:
    """Answer where to connect: `path`, else $IPCRT_LOCATOR, else the default path."""
    return os.fspath(path or os.environ.get(SOCKET_VARIABLE) or default_path())


def try_connect(path: str) -> Channel | None:
    """Connect now: a channel that the caller owns, or None while the backlog is full.

    A non-blocking connect to a full backlog fails with EAGAIN and leaves the socket unconnected;
    asyncio's and uvloop's `sock_connect` take that for success.
    Raises: Unavailable: nobody listens there. AccessDenied. OutOfRange: path too long.
    NoResources: no descriptor is free. Source: connect(2), unix(7).
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            sock.setblocking(False)
            sock.connect(path)
            return Channel(sock.detach())
    except BlockingIOError:
        return None
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise Unavailable(f"no locator listens at {path}") from error
    except OSError as error:
        if error.errno is None:  # Python's own check: the path does not fit sun_path
            raise OutOfRange(f"connect to {path}: {error}") from error
        raise from_oserror(error, f"connect to {path}") from error


@overload
def connect(
    path: str | os.PathLike[str] | None = None,
    *,
    port: AsyncPort | None = None,
    timeout: float = CONNECT_TIMEOUT,
) -> AbstractAsyncContextManager[LocatorClient]: ...


@overload
def connect(
    proxy: type[ProxyT],
    /,
    name: str | None = None,
    *,
    namespace: Namespace | str | None = None,
    events: object | None = None,
    port: AsyncPort | None = None,
    timeout: float = CONNECT_TIMEOUT,
) -> AbstractAsyncContextManager[ProxyT]: ...


def connect(
    path: str | os.PathLike[str] | type[Proxy[Any]] | None = None,
    name: str | None = None,
    *,
    namespace: Namespace | str | None = None,
    events: object | None = None,
    port: AsyncPort | None = None,
    timeout: float = CONNECT_TIMEOUT,
) -> AbstractAsyncContextManager[LocatorClient | Proxy[Any]]:
    """Connect to the locator, or open one protocol in a namespace; on leaving, it is closed.

    With a proxy's class, that protocol is opened, under its own name or `name`: in `namespace`,
    or in the one of that name that this process was started with, or in its own. A proxy whose
    channel was moved out by the end leaves it open. It raises, beside what is said below,
    NotFound: no such namespace, or no such name there; PeerClosed: who served it has gone.

    Without one, it waits for the locator to say whom it takes us for: one that turns us away does
    so here. Without `port` one is made for the running loop, and closed at the end. `timeout` in
    seconds is for all of it, a locator that is started by this very connection included.
    Raises: Unavailable: nobody listens, or stops now. NoResources: it has too many clients, or too
    many of us. TimedOut, AccessDenied.
    """
    if isinstance(path, type):
        from ipcrt.locator.namespace_open import open_proxy  # which connects by this module

        return open_proxy(path, name, namespace, events=events, port=port, timeout=timeout)
    _refuse_without_proxy(name, namespace, events)
    return _connect(path, port, timeout)


@asynccontextmanager
async def _connect(
    path: str | os.PathLike[str] | None, port: AsyncPort | None, timeout: float
) -> AsyncGenerator[LocatorClient, None]:
    if port is None:
        async with open_port() as own, _connect(path, own, timeout) as client:
            yield client
        return
    where = _Where(path, timeout)
    while True:
        while (channel := try_connect(where.path)) is None:
            await port.sleep(where.pause())
        async with LocatorProxy(ClientEnd[Locator](channel), port) as proxy:
            try:
                with where.clear_refusal():
                    reply = await proxy.get_identity(timeout=where.left())
            except Unavailable as error:
                where.try_again(error)
                continue
            yield LocatorClient(proxy, port, reply.identity)
            return


@overload
def connect_blocking(
    path: str | os.PathLike[str] | None = None,
    *,
    port: BlockingPort | None = None,
    timeout: float = CONNECT_TIMEOUT,
) -> AbstractContextManager[BlockingLocatorClient]: ...


@overload
def connect_blocking(
    proxy: type[BlockingProxyT],
    /,
    name: str | None = None,
    *,
    namespace: Namespace | str | None = None,
    events: object | None = None,
    port: BlockingPort | None = None,
    timeout: float = CONNECT_TIMEOUT,
) -> AbstractContextManager[BlockingProxyT]: ...


def connect_blocking(
    path: str | os.PathLike[str] | type[BlockingProxy[Any]] | None = None,
    name: str | None = None,
    *,
    namespace: Namespace | str | None = None,
    events: object | None = None,
    port: BlockingPort | None = None,
    timeout: float = CONNECT_TIMEOUT,
) -> AbstractContextManager[BlockingLocatorClient | BlockingProxy[Any]]:
    """Connect to the locator, or open one protocol, from a plain thread; see `connect`."""
    if isinstance(path, type):
        from ipcrt.locator.namespace_open import open_blocking_proxy  # as above

        return open_blocking_proxy(path, name, namespace, events=events, port=port, timeout=timeout)
    _refuse_without_proxy(name, namespace, events)
    return _connect_blocking(path, port, timeout)


@contextmanager
def _connect_blocking(
    path: str | os.PathLike[str] | None, port: BlockingPort | None, timeout: float
) -> Generator[BlockingLocatorClient, None, None]:
    if port is None:
        with BlockingPort() as own, _connect_blocking(path, own, timeout) as client:
            yield client
        return
    where = _Where(path, timeout)
    while True:
        while (channel := try_connect(where.path)) is None:
            time.sleep(where.pause())
        with LocatorBlockingProxy(ClientEnd[Locator](channel), port) as proxy:
            try:
                with where.clear_refusal():
                    reply = proxy.get_identity(timeout=where.left())
            except Unavailable as error:
                where.try_again(error)
                continue
            yield BlockingLocatorClient(proxy, port, reply.identity)
            return


def _refuse_without_proxy(*arguments: object) -> None:
    """Raises: InvalidArgs: what is said of a protocol is said without one."""
    if any(argument is not None for argument in arguments):
        raise InvalidArgs(
            "a name, a namespace and events go with a proxy's class, which is missing"
        )


class LocatorClient:
    """A client's namespace, on an event loop. `identity` is whom the locator takes us for."""

    def __init__(self, proxy: LocatorProxy, port: AsyncPort, identity: Identity) -> None:
        self.proxy = proxy
        self.port = port
        self.identity = identity

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
        with _both_ends(protocol) as (client, server):
            await self.proxy.open(name or protocol.TABLE.name, server.channel)
        return client

    async def names(self) -> list[str]:
        """Answer the names that may be opened now, in order."""
        return [entry.name for entry in (await self.proxy.get_entries()).entries]

    async def another(self) -> LocatorProxy:
        """Get one more channel of one's own, by handing over an end of a pair made here.

        Raises: HandOverFailed.
        """
        with _both_ends(Locator) as (client, server):
            await self.proxy.hand_over(server)
        return LocatorProxy(client, self.port)


class BlockingLocatorClient:
    """A client's namespace, in a plain thread; see `LocatorClient`."""

    def __init__(self, proxy: LocatorBlockingProxy, port: BlockingPort, identity: Identity) -> None:
        self.proxy = proxy
        self.port = port
        self.identity = identity

    def open(
        self, proxy: type[BlockingProxyT], name: str | None = None, *, events: object | None = None
    ) -> BlockingProxyT:
        """Open a protocol; see `LocatorClient.open`."""
        return proxy(self.open_end(proxy.PROTOCOL, name), self.port, events)

    def open_end(self, protocol: type[P], name: str | None = None) -> ClientEnd[P]:
        """Open a protocol and answer the unbound client end; see `LocatorClient.open_end`."""
        with _both_ends(protocol) as (client, server):
            self.proxy.open(name or protocol.TABLE.name, server.channel)
        return client

    def names(self) -> list[str]:
        """Answer the names that may be opened now, in order."""
        return [entry.name for entry in self.proxy.get_entries().entries]

    def another(self) -> LocatorBlockingProxy:
        """Get one more channel of one's own; see `LocatorClient.another`."""
        with _both_ends(Locator) as (client, server):
            self.proxy.hand_over(server)
        return LocatorBlockingProxy(client, self.port)

    def interrupt(self) -> bool:
        """End what this port's thread is blocked in, from any thread; see `BlockingPort`."""
        return self.port.interrupt()


@contextmanager
def _both_ends(protocol: type[P]) -> Generator[tuple[ClientEnd[P], ServerEnd[P]], None, None]:
    """Make a pair whose server end is sent inside; the client's end is the caller's from then on.

    On error both are closed.
    """
    client, server = create_endpoints(protocol)
    with server:
        try:
            yield client, server
        except BaseException:
            client.close()
            raise


class _Where:
    """Where to connect to, how long it may take, and what to say when it does not work."""

    def __init__(self, path: str | os.PathLike[str] | None, timeout: float) -> None:
        self.path = locator_path(path)
        self._timeout = timeout
        self._until = time.monotonic() + timeout
        self._pause = _RETRY_S[0]
        self._tries = _TRIES

    def left(self) -> float:
        """Answer how many seconds are left."""
        return max(0.0, self._until - time.monotonic())

    def pause(self) -> float:
        """Answer how many seconds to wait for room in the backlog.

        Raises: TimedOut.
        """
        if not self.left():
            raise TimedOut(f"the backlog of {self.path} stayed full for {self._timeout} seconds")
        pause, self._pause = self._pause, min(self._pause * 2, _RETRY_S[1])
        return pause

    def try_again(self, error: Unavailable) -> None:
        """Allow another try, or raise `error`.

        A locator that stops while it is connected to has heard nothing but who is there. Under a
        supervisor another one comes; where none does, the next try says so.
        """
        self._tries -= 1
        if not self._tries or not self.left():
            raise error

    @contextmanager
    def clear_refusal(self) -> Generator[None, None, None]:
        """Say in the caller's words why the locator does not let us in."""
        try:
            yield
        except TimedOut as error:
            raise TimedOut(f"{self.path} did not answer in {self._timeout} seconds") from error
        except NoResources as error:
            many = "has too many clients, or too many of this process or user"
            raise NoResources(f"the locator at {self.path} {many}") from error
        except PeerClosed as error:
            raise Unavailable(f"the locator at {self.path} has gone") from error
