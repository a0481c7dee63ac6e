"""Proxies: the client's typed face, for tasks that await and for threads that block.

A proxy class is a few typed signatures over its protocol's table:

    class EchoProxy(Proxy[Echo]):
        PROTOCOL = Echo

        async def echo(self, text: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> EchoResponse:
            return await self._call(ECHO, EchoRequest(text), timeout)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Self, TypeVar

from ipcrt.bindings.blocking_call import CallAndWait, make_blocking_call, refuse_inside
from ipcrt.bindings.client import DEFAULT_TIMEOUT, Client
from ipcrt.bindings.ends import ClientEnd, P
from ipcrt.bindings.listener import Listener
from ipcrt.bindings.outbox import Done
from ipcrt.bindings.tables import OneWay, TwoWay
from ipcrt.errors import PeerClosed
from ipcrt.port.aport import AsyncPort
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.port import Port

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
T = TypeVar("T")
ProxyT = TypeVar("ProxyT", bound="Proxy[Any]")
BlockingProxyT = TypeVar("BlockingProxyT", bound="BlockingProxy[Any]")

__all__ = ["DEFAULT_TIMEOUT", "BlockingProxy", "Done", "Proxy"]


class _ProxyBase(Generic[P]):
    """What both kinds of proxy share: one client, its events, its end."""

    PROTOCOL: ClassVar[type[Any]]

    __slots__ = ("_client",)

    def __init__(self, end: ClientEnd[P], port: Port, events: object | None) -> None:
        table = self.PROTOCOL.TABLE
        if events is None:
            self._client = Client(end.take_channel(), port, table)
            return
        listener = Listener(events, table)
        channel = end.take_channel()
        self._client = Client(channel, port, table, listener.deliver, listener.deliver_unknown)

    def _send_now(self, method: OneWay[RequestT], request: RequestT) -> None:
        """Send a one-way message now or not at all. Raises: ShouldWait, PeerClosed."""
        self._client.send_now(method, request)

    def _send_soon(self, method: OneWay[RequestT], request: RequestT, done: Done) -> bool:
        """Send a one-way message now, or line it up and answer True; see `Client.send_soon`."""
        return self._client.send_soon(method, request, done)

    def into_client_end(self) -> ClientEnd[P]:
        """Move the channel out, unread messages and all; the proxy is closed.

        Raises: BadState: replies are owed, or messages are on their way in or out. BadHandle: the
        channel is closed.
        """
        return ClientEnd[P](self._client.release())

    def _check_kind(self, kind: type[_ProxyBase[Any]]) -> None:
        if kind.PROTOCOL is not self.PROTOCOL:
            raise TypeError(f"{kind.__name__} is for {kind.PROTOCOL.__name__}, another protocol")

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

    `events` is an object with a plain `def` method for each event, called in order, on the loop.
    An event that was sent before a reply is told before the call returns; one that was sent
    after it may be told before the caller goes on. Its method `unknown_event(ordinal)`, where there
    is one, is told of flexible events that this protocol does not know.
    """

    __slots__ = ("_port",)

    def __init__(self, end: ClientEnd[P], port: AsyncPort, events: object | None = None) -> None:
        """Move `end` here. Raises: TypeError: `events` does not fit, and the end stays."""
        super().__init__(end, port, events)
        self._port = port

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
        except BaseException:
            client.give_up(call)
            raise
        return client.result(call)

    async def _send(self, method: OneWay[RequestT], request: RequestT) -> None:
        """Send a one-way message, waiting while the peer's queue is full."""
        if self._port.strict:
            await self._port.checkpoint()
        sending = self._client.send(method, request)
        if sending is None:
            return
        try:
            await sending.waiter
        finally:
            self._client.withdraw(sending)

    async def wait_closed(self, *, timeout: float | None = None) -> None:
        """Await that the server closes the channel, or is gone; `timeout` in seconds.

        Raises: the status that it closed with, if it told one. RemoteProtocolError: it broke the
        contract. TimedOut. Canceled: closed here meanwhile; BadHandle: before.
        """
        if self._port.strict:
            await self._port.checkpoint()
        with contextlib.suppress(PeerClosed):
            mourning = self._client.mourn()
            try:
                await self._port.wait_result(mourning.waiter, timeout)
            finally:
                self._client.withdraw(mourning)

    def into_blocking_proxy(
        self, kind: type[BlockingProxyT], events: object | None = None
    ) -> BlockingProxyT:
        """Move the channel into a blocking proxy: `proxy.into_blocking_proxy(EchoBlockingProxy)`.

        It has a port of its own, and is the thread's that uses it next: see `BlockingPort.let_go`.
        Raises: as `into_client_end`; then nothing has changed. TypeError: it is for another
        protocol. NoResources.
        """
        self._check_kind(kind)
        port = BlockingPort()
        try:
            proxy = _move(self, kind, port, events)
        except BaseException:
            port.close()
            raise
        proxy.own_port()
        return proxy

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class BlockingProxy(_ProxyBase[P]):
    """A client end whose calls block their thread. Made and used on one plain thread.

    `events` is as with `Proxy`; events are told while a call waits, or the port is served.
    """

    __slots__ = ("_call", "_own_port", "_port")

    _call: CallAndWait
    """Call and block until the reply; see `BlockingCaller.call`."""

    def __init__(self, end: ClientEnd[P], port: BlockingPort, events: object | None = None) -> None:
        """Move `end` here. Raises: TypeError: `events` does not fit, and the end stays."""
        super().__init__(end, port, events)
        self._port = port
        self._own_port = False
        self._call = make_blocking_call(self._client, port)
        if events is None:
            port.let_wait(self._client.connection.channel)  # only its replies are waited for

    def _send(self, method: OneWay[RequestT], request: RequestT) -> None:
        """Send a one-way message, blocking while the peer's queue is full."""
        self._port.check()
        if self._client.connection.busy:
            refuse_inside()
        sending = self._client.send(method, request)
        if sending is None:
            return
        try:
            self._port.run_until(sending.waiter)
        finally:
            self._client.withdraw(sending)

    def wait_closed(self, *, timeout: float | None = None) -> None:
        """As `Proxy.wait_closed`, blocking; Canceled, too, where another thread interrupts."""
        self._port.check_blocking(timeout)
        if self._client.connection.busy:
            refuse_inside()
        with contextlib.suppress(PeerClosed):
            mourning = self._client.mourn()
            try:
                self._port.run_until(mourning.waiter, timeout, self._client.connection)
            finally:
                self._client.withdraw(mourning)

    def interrupt(self) -> bool:
        """End the call that another thread is blocked in, with Canceled; False: in none.

        From any thread; see `BlockingPort.interrupt`. The proxy stays usable: the late reply is
        closed when it comes.
        """
        return self._port.interrupt()

    def own_port(self) -> None:
        """Close the port with the proxy, and let both go to the thread that uses them next."""
        self._port.let_go()
        self._own_port = True

    def into_client_end(self) -> ClientEnd[P]:
        """Move the channel out, as `Proxy` does."""
        self._port.check()
        end = super().into_client_end()
        if self._own_port:
            self._port.close()
        return end

    def into_proxy(
        self, kind: type[ProxyT], port: AsyncPort, events: object | None = None
    ) -> ProxyT:
        """Move the channel to the event loop of `port`: `blocking.into_proxy(EchoProxy, port)`.

        On the loop's thread, for a proxy that is no other thread's; else move the client end.
        Raises: as `into_client_end`; BadState: another thread's. TypeError: of another protocol.
        """
        self._check_kind(kind)
        port.check()
        return _move(self, kind, port, events)

    def close(self) -> None:
        """Close the channel, and the port if it is the proxy's own. Idempotent."""
        super().close()
        if self._own_port:
            self._port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _move(proxy: _ProxyBase[Any], kind: Callable[..., T], port: Port, events: object | None) -> T:
    """Make a proxy of what another gives away; closed where that fails."""
    end = proxy.into_client_end()
    try:
        return kind(end, port, events)
    except BaseException:
        end.close()
        raise
