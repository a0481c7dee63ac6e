"""TCP: `tcp://HOST:PORT` connects, `tcp-listen://HOST:PORT` accepts.

1. A data channel carries the connection both ways; an empty frame is the half-close (`incoming`).
   What the kernel says of the connection is told by an Error, then the channel closes: IO where the
   far end has reset it, so that it does not look like the end. What a client sent before it went
   leaves still; what comes meanwhile is dropped.
2. What is opened by `tcp-listen` is a listen channel: each accepted connection comes by a Connect,
   whose handle is its data channel. It listens until that channel is closed, and the connections
   go on. While the client does not read, nothing more is accepted.
3. `?fd` answers the socket itself instead.
4. Only hosts and ports that the server was started with are connected to or listened at.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Final, TypeVar

import anyio

from ipcrt.errors import AccessDenied, IoError, OutOfRange, PeerClosed, ShouldWait
from ipcrt.locator.resources import LocatedApp
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt.resources.control import send_connect
from ipcrt.resources.data import DataChannel
from ipcrt.resources.requests import InvokeRequest, Opened, OpenRequest
from ipcrt.resources.sessions import Served
from ipcrt_services.resources.arguments import arguments, result
from ipcrt_services.resources.incoming import END, Incoming
from ipcrt_services.resources.owning import Owning
from ipcrt_services.resources.patterns import HostPatterns
from ipcrt_services.resources.query import Query
from ipcrt_services.resources.sockets import accept, connect, listen, resolve, shut_down_writing
from ipcrt_services.resources.streams import read_some, run_beside, write_all
from ipcrt_services.resources.threads import Threads

T = TypeVar("T")

HOSTS: Final = ("//{host}:{port:int}", "//[{host}]:{port:int}")
"""A name or an IPv4 address; an IPv6 one."""

MAX_CONNECTIONS: Final = 256
"""Connections at once that one listen channel has brought; more wait in the kernel's queue."""

LATE_S: Final = 10.0
"""Seconds for what a client sent before it went, where the far end sends and does not read."""

_KNOWN: Final = frozenset(("fd",))
_GONE: Final = Signals.PEER_CLOSED | Signals.PEER_GONE


class Net:
    """The server's handlers; lends `threads`, where names are looked up."""

    def __init__(self, allowed: HostPatterns, threads: Threads) -> None:
        self._allowed = allowed
        self._threads = threads
        self._listening: dict[str, list[tuple[str, int]]] = {}

    def add_to(self, app: LocatedApp) -> None:
        """Have an app serve connections."""
        for host in HOSTS:
            app.open(f"tcp:{host}")(self.connect)
            app.open(f"tcp-listen:{host}")(self.listen)
            app.invoke(f"tcp-listen:{host}", "addresses")(self.addresses)

    async def connect(self, request: OpenRequest, host: str, port: int) -> Opened:
        """Handle an Open of `tcp:`."""
        query = Query(request.uri, _KNOWN)
        self._check(host, port)
        found = await resolve(self._threads.lend(), host, port)
        handle = await connect(request.port, found)
        if query.flag("fd"):
            return handle
        return Owning(partial(_serve, request.port, handle), handle.close)

    async def listen(self, request: OpenRequest, host: str, port: int) -> Opened:
        """Handle an Open of `tcp-listen:`."""
        query = Query(request.uri, _KNOWN)
        self._check(host, port)
        found = await resolve(self._threads.lend(), host, port)
        handle, address = listen(found)
        if query.flag("fd"):
            return handle
        where = _key(request.uri)
        self._listening.setdefault(where, []).append(address)

        def close() -> None:
            handle.close()
            self._listening[where].remove(address)
            if not self._listening[where]:
                del self._listening[where]

        return Owning(partial(_accept, request.port, handle), close)

    def addresses(self, request: InvokeRequest, host: str, port: int) -> bytes:
        """Tell where those listen who asked for this URI: pairs of a host and a port."""
        del host, port
        arguments(request, type(None))
        return result(self._listening.get(_key(request.uri), []))

    def _check(self, host: str, port: int) -> None:
        if port > 0xFFFF:
            raise OutOfRange(f"port {port} exceeds 65535")
        if not self._allowed.allow(host, port):
            raise AccessDenied(f"{host!r:.80}:{port} is not allowed; see --allow")


def _key(uri: str) -> str:
    return uri.partition("?")[0]


async def _serve(port: AsyncPort, handle: Handle, data: DataChannel) -> None:
    """Carry a connection until both directions have ended, or the client has gone."""
    incoming = Incoming(data)
    said = anyio.Event()

    async def outward() -> None:
        try:
            while part := await _told(read_some(port, handle)):
                await data.send_stream(part)
            await data.send_frame(END)
            await said.wait()
        except PeerClosed:  # `inward` ends with that, too, when it has written everything
            with anyio.move_on_after(LATE_S):
                while await _told(read_some(port, handle)):
                    pass
                await anyio.sleep_forever()
            raise

    async def inward() -> None:
        while (parts := await incoming.take()) is not None:
            await _told(write_all(port, handle, parts))
        shut_down_writing(handle)
        said.set()
        await incoming.wait_gone()

    await run_beside(outward, inward)


async def _told(doing: Awaitable[T]) -> T:
    """Do something with a connection. Raises: IoError: the far end has reset it."""
    try:
        return await doing
    except PeerClosed as error:
        raise IoError("the far end has reset the connection") from error


async def _accept(port: AsyncPort, listener: Handle, data: DataChannel) -> None:
    """Accept connections until the client closes the listen channel."""
    room = anyio.Semaphore(MAX_CONNECTIONS)
    with data.into_channel() as channel:
        while True:
            await room.acquire()
            try:
                handle = await _next(port, listener, channel)
            except PeerClosed:
                return
            try:
                near = await _announce(port, channel)
            except BaseException:
                handle.close()
                raise
            session = Owning(partial(_serve, port, handle), handle.close)
            Served(near, port, session, "a connection", room.release).start()


async def _next(port: AsyncPort, listener: Handle, channel: Channel) -> Handle:
    """Await a connection; the caller owns it. Raises: PeerClosed: the client has gone."""
    while (handle := accept(listener)) is None:
        _, gone = await port.wait_many([(listener, Signals.READABLE), (channel, _GONE)])
        if gone & _GONE:
            raise PeerClosed
    return handle


async def _announce(port: AsyncPort, channel: Channel) -> Channel:
    """Send a Connect, waiting while there is no room; answer our end of the data channel."""
    while True:
        try:
            return send_connect(channel)
        except ShouldWait:
            await port.wait_one(channel, Signals.WRITABLE | _GONE)
