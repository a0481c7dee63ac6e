"""The server's engine: one binding serves one client end.

1. Handlers start in the order of their messages. A `def` handler runs where its message is read;
   an `async def` handler runs beside the others and may wait without holding up the next, unless
   the server is SEQUENTIAL. Either may return a `Completer`, and answer later.
2. What a client may have in flight is limited: at the limit, or while replies wait for room in
   its queue, nothing more is read from it. A client that does not read stalls itself alone.
3. A client's bad bytes end its binding, and so does `Misuse`; any other exception of a handler
   ends its call, and is logged here. No text of it crosses the wire.
4. A handler owns the handles that it is given, unless it raises: then those that it has not moved
   are closed.
5. When the client goes, handlers of calls are cancelled, since nobody can take their answers;
   what it said one-way is heard to the end. `close` cancels all.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any, Final, Generic, Self, TypeVar

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.call import Sending
from ipcrt.bindings.connection import Connection
from ipcrt.bindings.ends import P, ServerEnd
from ipcrt.bindings.errors import again
from ipcrt.bindings.handlers import check_handlers
from ipcrt.bindings.handling import Handling
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.route import Route
from ipcrt.bindings.shortcut import Shortcuts, make_dispatcher, shortcut_for
from ipcrt.bindings.tables import Event, Kind, Method, ProtocolTable
from ipcrt.errors import (
    Canceled,
    InvalidArgs,
    IpcError,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    Status,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, Moved, close_all
from ipcrt.port.aport import AsyncPort
from ipcrt.port.port import Port
from ipcrt.port.waiter import Waiter
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import Body, encode
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE, NO_TXID
from ipcrt.wire.limits import MAX_MESSAGE_BYTES

__all__ = ["Limits", "Server", "ServerBinding"]

RequestT = TypeVar("RequestT")

_log: Final = logging.getLogger("ipcrt.bindings")


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What one client may claim of its server."""

    calls_in_flight: int = 256
    """Requests whose handlers have started and not ended; more wait unread. One at least."""

    message_bytes: int = MAX_MESSAGE_BYTES
    """Bytes of the longest message accepted."""

    def __post_init__(self) -> None:
        """Raises: InvalidArgs: less than one call."""
        if self.calls_in_flight < 1:
            raise InvalidArgs(f"a limit of {self.calls_in_flight} calls would never read any")


class ServerBinding(Handling, Generic[P]):
    """One served client: its connection, its handlers. Used on its port's thread only."""

    __slots__ = ("_closers", "_routes", "_server", "_shortcuts", "_table")

    def __init__(
        self, end: ServerEnd[P], server: Server[P], port: Port, limits: Limits | None = None
    ) -> None:
        """Move `end` here and serve it until either side closes, or the port does.

        On a `BlockingPort` handlers are plain `def`, and should not wait on that same port.
        Raises: TypeError: `server` lacks a method, and the end stays. BadState.
        """
        self._table: ProtocolTable = server.PROTOCOL.TABLE
        check_handlers(server, self._table, inline_only=not isinstance(port, AsyncPort))
        limits = limits or Limits()
        super().__init__(port, 1 if server.SEQUENTIAL else limits.calls_in_flight)
        self._server = server
        self._routes: dict[int, Route] = {}
        self._shortcuts: Shortcuts = {}
        self._closers: list[Waiter[None]] = []
        connection = Connection(
            server,
            end.take_channel(),
            port,
            self._message,
            self._closed,
            on_drained=self._regulate,
            on_peer_gone=self._cancel,
            max_message_bytes=limits.message_bytes,
        )
        self._attach(connection)
        packets = connection.channel.lend_packets()
        if packets is not None:
            connection.on_message = make_dispatcher(self._message, self, packets)
        try:
            server.client_came(self)
            self._connection.resume()
        except BaseException:
            self._connection.close(PeerClosed(f"{self._table.name}: never served"))
            raise

    # ---- what comes in

    def _message(
        self, txid: int, ordinal: int, flags: int, body: Body, handles: Sequence[Handle]
    ) -> None:
        route = self._routes.get(ordinal)
        if route is None:
            method = self._table.requests.get(ordinal)
            if method is None:
                close_all(handles)
                self._unknown(txid, ordinal, flags)
                return
            route = self._add_route(method)
        method = route.method
        if method.is_call is not (txid != NO_TXID):
            close_all(handles)
            raise RemoteProtocolError(f"{method.selector} is {method.KIND.value}, txid is {txid}")
        if self._last is not None and not self._may_start(route):
            self._connection.postpone(txid, ordinal, flags, body, handles)
            return
        request = method.request.decode(body, handles)
        self._in_flight += 1
        try:
            result = route.handler(*route.arguments(request))
        except BaseException as error:  # noqa: BLE001  (told to the caller, then raised)
            self._failed(method, txid, request, error)
        else:
            self._finish(method, txid, request, result)

    def _add_route(self, method: Method[Any, Any]) -> Route:
        route = self._routes[method.ordinal] = Route(method, self._server)
        shortcut = shortcut_for(route)
        if shortcut is not None:
            self._shortcuts[method.ordinal] = shortcut
        return route

    def _unknown(self, txid: int, ordinal: int, flags: int) -> None:
        kind = Kind.TWO_WAY if txid else Kind.ONE_WAY
        known = ordinal == EPITAPH_ORDINAL or ordinal in self._table.by_ordinal
        if known or not flags & FLEXIBLE or not self._table.allows_unknown(kind):
            raise RemoteProtocolError(f"{self._table.name} has no method {ordinal:#x}")
        if txid:
            self._replies.refuse_unknown(ordinal, txid)
            self._regulate()
        try:
            self._server.unknown_method(ordinal, kind)
        except Exception:  # noqa: BLE001  (the server's mistake must not end the connection)
            _log.exception("%s: unknown_method failed", self._table.name)

    # ---- what goes out

    def send_event(self, event: Event[RequestT], payload: RequestT) -> None:
        """Send an event now or not at all; its handles are moved.

        Raises: ShouldWait: the client's queue is full. PeerClosed, LocalProtocolError.
        """
        self._outbox.post_now(*self._event(event, payload))

    async def send_event_wait(self, event: Event[RequestT], payload: RequestT) -> None:
        """Send an event, waiting while the client's queue is full; its handles are moved.

        Raises: PeerClosed, LocalProtocolError.
        """
        await _checkpoint(self._port)
        outgoing = self._outbox.post(*self._event(event, payload))
        if outgoing is None:
            return
        sending = Sending(outgoing, self._port.create_waiter())
        outgoing.done = sending.settle
        try:
            await sending.waiter
        finally:
            self._outbox.withdraw(outgoing)

    def _event(self, event: Event[RequestT], payload: RequestT) -> tuple[bytes, Moved | None]:
        if self._connection.error is not None:
            raise again(self._connection.error)
        body, handles = event.request.encode(payload)
        data = encode(NO_TXID, event.ordinal, event.flags, body, len(handles))
        return data, Moved(handles) if handles else None

    # ---- the end

    @property
    def channel(self) -> Channel:
        """The client's channel, owned here."""
        return self._connection.channel

    @property
    def closed(self) -> bool:
        """True once either side has closed the channel."""
        return self._connection.error is not None

    def statistics(self) -> dict[str, int]:
        """Count handlers at work, and messages that wait for room."""
        return {"calls_in_flight": self._in_flight, "backlog": len(self._connection.outbox)}

    def traffic(self) -> dict[str, int]:
        """See `Connection.traffic`."""
        return self._connection.traffic()

    def into_server_end(self) -> ServerEnd[P]:
        """Move the channel out, unread messages and all; the binding is over.

        `client_gone` is not called: the client is still there.
        Raises: BadState: requests are being handled, or messages are on their way in or out.
        BadHandle: the channel is closed.
        """
        counts = {"requests in flight": self._in_flight, "backlog": len(self._outbox)}
        channel = self._connection.release(self._table.name, counts)
        self._wake_closers()
        return ServerEnd[P](channel)

    async def wait_closed(self) -> None:
        """Await the end of the binding, whoever ends it."""
        if self.closed:
            await _checkpoint(self._port)
            return
        waiter: Waiter[None] = self._port.create_waiter()
        self._closers.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._closers:
                self._closers.remove(waiter)

    def close(self, status: Status | None = None) -> None:
        """End the binding; `status` goes to the client as the channel's epitaph. Idempotent.

        The client's calls in flight, and later ones, fail with it; where its queue is full it only
        learns that the peer is gone. All handlers are cancelled, also one that calls this.
        """
        if self.closed:
            return
        if status is not None:
            try:
                self._outbox.post_now(encode_epitaph(status))
            except (ShouldWait, PeerClosed):
                _log.info("%s: no room for the epitaph %s", self._table.name, status.name)
        reason = PeerClosed(f"{self._table.name}: closed by the server")
        self._connection.close(reason)
        self._cancel(one_way=True)
        self._closed(reason)

    def _misused(self, error: Misuse) -> None:
        _log.warning("%s: closing %r: %s", self._server, self.channel, error)
        self.close(error.status)

    def _closed(self, error: IpcError) -> None:
        self._cancel(one_way=isinstance(error, Canceled))  # by the port: nothing runs any more
        self._wake_closers()
        try:
            self._server.client_gone(error)
        except Exception:  # noqa: BLE001  (the binding is gone whatever the server makes of it)
            _log.exception("%s: client_gone failed", self._table.name)

    def _wake_closers(self) -> None:
        closers, self._closers = self._closers, []
        for waiter in closers:
            if not waiter.done():
                waiter.set_result(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _checkpoint(port: Port) -> None:
    """Let others run, where every await must."""
    if isinstance(port, AsyncPort) and port.strict:
        await port.checkpoint()
