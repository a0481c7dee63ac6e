"""Proxies: the client's typed face, for tasks that await and for threads that block.

A proxy class is a few typed signatures over its protocol's table:

    class EchoProxy(Proxy[Echo]):
        PROTOCOL = Echo

        async def echo(self, text: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> EchoResponse:
            return await self._call(ECHO, EchoRequest(text), timeout)
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Self, TypeVar

from ipcrt.bindings.arguments import arguments_of
from ipcrt.bindings.client import DEFAULT_TIMEOUT, Client
from ipcrt.bindings.ends import ClientEnd, P
from ipcrt.bindings.tables import Event, OneWay, TwoWay
from ipcrt.errors import BadState
from ipcrt.port.aport import AsyncPort
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.port import Port

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

__all__ = ["DEFAULT_TIMEOUT", "BlockingProxy", "Proxy"]


class _ProxyBase(Generic[P]):
    """What both kinds of proxy share: one client, its events, its end."""

    PROTOCOL: ClassVar[type[Any]]

    __slots__ = ("_client", "_events", "_port")

    def __init__(self, end: ClientEnd[P], port: Port, events: object | None) -> None:
        self._port = port
        self._events = events
        self._client = Client(
            end.take_channel(),
            port,
            self.PROTOCOL.TABLE,
            None if events is None else self._deliver,
        )

    def _deliver(self, method: Event[Any], payload: Any) -> None:
        handler = getattr(self._events, method.name)
        handler(*arguments_of(payload))

    def _send_now(self, method: OneWay[RequestT], request: RequestT) -> None:
        """Send a one-way message now or not at all. Raises: ShouldWait, PeerClosed."""
        self._client.send_now(method, request)

    def into_client_end(self) -> ClientEnd[P]:
        """Move the channel out, unread messages and all; the proxy is closed.

        Raises: BadState: calls are in flight.
        """
        calls = self._client.statistics()["calls"]
        if calls:
            raise BadState(f"{calls} calls are in flight")
        return ClientEnd[P](self._client.connection.release())

    @property
    def closed(self) -> bool:
        """True once either side has closed the channel."""
        return self._client.connection.error is not None

    def statistics(self) -> dict[str, int]:
        """See `Client.statistics`."""
        return self._client.statistics()

    def close(self) -> None:
        """Close the channel; calls in flight fail with Canceled. Idempotent."""
        self._client.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._client.connection.channel!r}>"


class Proxy(_ProxyBase[P]):
    """A client end whose calls are awaited. Made and used on its port's event loop.

    `events` is an object with a method for each event, called in order, on the loop.
    """

    __slots__ = ()

    def __init__(self, end: ClientEnd[P], port: AsyncPort, events: object | None = None) -> None:
        """Move `end` here."""
        super().__init__(end, port, events)

    async def _call(
        self, method: TwoWay[RequestT, ResponseT], request: RequestT, timeout: float | None
    ) -> ResponseT:
        """Call and await the reply; cancelling gives the call up and leaves the channel usable.

        Raises: DomainError, UnknownMethod, TimedOut, PeerClosed, LocalProtocolError,
        RemoteProtocolError, or the status that the server closed with.
        """
        client = self._client
        call = client.begin(method, request, timeout)
        try:
            await call.waiter
            return client.result(call)
        finally:
            client.finish(call)

    async def _send(self, method: OneWay[RequestT], request: RequestT) -> None:
        """Send a one-way message, waiting while the peer's queue is full."""
        pending = self._client.send(method, request)
        if pending is None:
            return
        outgoing, waiter = pending
        try:
            await waiter
        finally:
            self._client.withdraw(outgoing)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class BlockingProxy(_ProxyBase[P]):
    """A client end whose calls block their thread. Made and used on one plain thread."""

    __slots__ = ()

    def __init__(self, end: ClientEnd[P], port: BlockingPort, events: object | None = None) -> None:
        """Move `end` here."""
        super().__init__(end, port, events)

    def _call(
        self, method: TwoWay[RequestT, ResponseT], request: RequestT, timeout: float | None
    ) -> ResponseT:
        """Call and block until the reply; see `Proxy._call`."""
        client = self._client
        call = client.begin(method, request, timeout)
        try:
            self._blocking_port.run_until(call.waiter)
            return client.result(call)
        finally:
            client.finish(call)

    def _send(self, method: OneWay[RequestT], request: RequestT) -> None:
        """Send a one-way message, blocking while the peer's queue is full."""
        pending = self._client.send(method, request)
        if pending is None:
            return
        outgoing, waiter = pending
        try:
            self._blocking_port.run_until(waiter)
        finally:
            self._client.withdraw(outgoing)

    @property
    def _blocking_port(self) -> BlockingPort:
        port = self._port
        assert isinstance(port, BlockingPort)
        return port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
