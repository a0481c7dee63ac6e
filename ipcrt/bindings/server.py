"""The server's engine: one binding serves one client end.

1. Handlers start in the order of their messages. A `def` handler runs where its message is read;
   an `async def` handler runs beside the others and may wait without holding up the next.
2. What a client may have in flight is limited: at the limit, or while replies wait for room in
   its queue, nothing more is read from it. A client that does not read stalls itself alone.
3. A client's bad bytes end its binding; a handler's exception ends its call, and is logged here.
   No text of it crosses the wire.
4. When the client goes, its handlers are cancelled.
"""

from __future__ import annotations

import abc
import dataclasses
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final, Generic, TypeVar

from ipcrt.bindings.arguments import arguments_of
from ipcrt.bindings.connection import Connection
from ipcrt.bindings.ends import P, ServerEnd
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.result import write_domain_error, write_framework_error, write_response
from ipcrt.bindings.tables import Event, Kind, Method
from ipcrt.errors import IpcError, PeerClosed, RemoteProtocolError, ShouldWait, Status
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, Moved, close_all
from ipcrt.port.aport import AsyncPort
from ipcrt.port.port import Port
from ipcrt.port.waiter import Waiter
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE
from ipcrt.wire.limits import MAX_MESSAGE_BYTES

RequestT = TypeVar("RequestT")

_log: Final = logging.getLogger("ipcrt.bindings")
_NO_HANDLES: Final[tuple[Handle, ...]] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What one client may claim of its server."""

    calls_in_flight: int = 256
    """Two-way calls that have started and are not answered; more wait unread."""

    message_bytes: int = MAX_MESSAGE_BYTES
    """Bytes of the longest message accepted."""


class Server(abc.ABC, Generic[P]):
    """Base of all servers: one object serves one client. Subclasses implement the methods."""

    PROTOCOL: ClassVar[type[Any]]

    def unknown_method(self, ordinal: int, kind: Kind) -> None:
        """A flexible method came that this protocol does not know; it has been dealt with."""
        _log.info("%s: unknown %s method %#x", self.PROTOCOL.TABLE.name, kind.value, ordinal)

    def client_gone(self, reason: IpcError) -> None:
        """The client's channel has ended; free what was kept for it."""


class ServerBinding(Generic[P]):
    """One served client: its connection, its calls in flight."""

    __slots__ = (
        "_cancels",
        "_closers",
        "_connection",
        "_in_flight",
        "_limits",
        "_next",
        "_port",
        "_server",
        "_table",
    )

    def __init__(
        self, end: ServerEnd[P], server: Server[P], port: Port, limits: Limits | None = None
    ) -> None:
        """Move `end` here and serve it until either side closes.

        On a `BlockingPort` handlers must be plain `def`.
        """
        self._server = server
        self._port = port
        self._table = server.PROTOCOL.TABLE
        self._limits = limits or Limits()
        self._in_flight = 0
        self._next = 0
        self._cancels: dict[int, Callable[[], object]] = {}
        self._closers: list[Waiter[None]] = []
        self._connection = Connection(
            end.take_channel(),
            port,
            self._message,
            self._closed,
            on_drained=self._read_on,
            max_message_bytes=self._limits.message_bytes,
        )
        self._connection.resume()

    # ---- what comes in

    def _message(
        self, txid: int, ordinal: int, flags: int, body: memoryview, handles: list[Handle]
    ) -> None:
        method = self._table.by_ordinal.get(ordinal)
        if method is None or method.KIND is Kind.EVENT:
            close_all(handles)
            self._unknown(txid, ordinal, flags)
            return
        if (method.KIND is Kind.TWO_WAY) != (txid != 0):
            close_all(handles)
            raise RemoteProtocolError(f"{method.selector} is {method.KIND.value}, txid is {txid}")
        request = method.request.decode(body, handles)
        self._in_flight += 1
        if self._in_flight >= self._limits.calls_in_flight:
            self._connection.pause()
        self._start(method, txid, request)

    def _unknown(self, txid: int, ordinal: int, flags: int) -> None:
        kind = Kind.TWO_WAY if txid else Kind.ONE_WAY
        if not flags & FLEXIBLE or not self._table.allows_unknown(kind):
            raise RemoteProtocolError(f"{self._table.name} has no method {ordinal:#x}")
        if txid:
            self._post(txid, ordinal, write_framework_error(Status.NOT_SUPPORTED))
        self._server.unknown_method(ordinal, kind)

    def _start(self, method: Method[Any, Any], txid: int, request: Any) -> None:
        """Run a handler inline, or beside the others where it is a coroutine (rule 1)."""
        arguments = arguments_of(request)
        try:
            handler = getattr(self._server, method.name)
            result = handler(*arguments)
        except Exception as error:  # noqa: BLE001  (rule 3)
            self._failed(method, txid, error)
            return
        if not inspect.iscoroutine(result):
            self._finished(method, txid, result)
        elif isinstance(self._port, AsyncPort):
            self._next = number = self._next + 1
            run = self._run(number, method, txid, result)
            self._cancels[number] = self._port.spawn(run, method.selector)
        else:
            result.close()
            self._failed(method, txid, TypeError("a blocking port needs plain def handlers"))

    async def _run(
        self, number: int, method: Method[Any, Any], txid: int, result: Coroutine[Any, Any, Any]
    ) -> None:
        try:
            value = await result
        except Exception as error:  # noqa: BLE001  (rule 3)
            self._failed(method, txid, error)
        except BaseException:  # cancelled: an answer all the same, so that nobody hangs
            self._refuse(txid, Status.CANCELED)
            raise
        else:
            self._finished(method, txid, value)
        finally:
            self._cancels.pop(number, None)

    # ---- what goes out

    def _finished(self, method: Method[Any, Any], txid: int, value: Any) -> None:
        if txid == 0:
            self._done()
            return
        try:
            body, handles = write_response(method, value)
        except IpcError as error:
            self._failed(method, txid, error)
            return
        self._reply(txid, method.ordinal, body, handles)

    def _failed(self, method: Method[Any, Any], txid: int, error: Exception) -> None:
        declared = method.raises is not None and isinstance(error, method.raises)
        if txid and declared and isinstance(error, DomainError):
            self._reply(txid, method.ordinal, write_domain_error(method, error), [])
            return
        if not isinstance(error, PeerClosed) or self._connection.error is None:
            _log.error("%s failed", method.selector, exc_info=error)
        self._refuse(txid, Status.INTERNAL)

    def _refuse(self, txid: int, status: Status) -> None:
        """End a call without a result; the client raises `status`."""
        if txid:
            self._answer(encode_epitaph(status, txid), Moved(_NO_HANDLES))
        self._done()

    def _reply(self, txid: int, ordinal: int, body: bytes, handles: list[Handle]) -> None:
        self._post(txid, ordinal, body, handles)
        self._done()

    def _post(
        self, txid: int, ordinal: int, body: bytes, handles: list[Handle] | None = None
    ) -> None:
        moved = Moved(handles or _NO_HANDLES)
        self._answer(encode(txid, ordinal, 0, body, len(moved.fds)), moved)

    def _answer(self, data: bytes, moved: Moved) -> None:
        """Send a reply, or line it up and read no more until it has left (rule 2)."""
        if self._connection.error is not None:
            moved.close()
            return
        try:
            waiting = self._connection.post(data, moved)
        except PeerClosed as error:
            self._connection.fail(error)
            return
        if waiting is not None:
            self._connection.pause()

    def _done(self) -> None:
        self._in_flight -= 1
        self._read_on()

    def _read_on(self) -> None:
        """Read again where the limits allow it (rule 2)."""
        connection = self._connection
        if self._in_flight < self._limits.calls_in_flight and not connection.backlog:
            connection.resume()

    def send_event(self, event: Event[RequestT], payload: RequestT) -> None:
        """Send an event now or not at all; its handles are moved.

        Raises: ShouldWait: the client's queue is full. PeerClosed, LocalProtocolError.
        """
        data, moved = self._event(event, payload)
        self._connection.post_now(data, moved)

    async def send_event_wait(self, event: Event[RequestT], payload: RequestT) -> None:
        """Send an event, waiting while the client's queue is full; its handles are moved."""
        data, moved = self._event(event, payload)
        outgoing = self._connection.post(data, moved)
        if outgoing is None:
            return
        waiter: Waiter[None] = self._port.create_waiter()
        outgoing.waiter = waiter
        try:
            await waiter
        finally:
            self._connection.withdraw(outgoing)

    def _event(self, event: Event[RequestT], payload: RequestT) -> tuple[bytes, Moved]:
        body, handles = event.request.encode(payload)
        flags = 0 if event.strict else FLEXIBLE
        return encode(0, event.ordinal, flags, body, len(handles)), Moved(handles)

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
        """Count calls in flight and replies that wait for room."""
        return {"calls_in_flight": self._in_flight, "backlog": self._connection.backlog}

    async def wait_closed(self) -> None:
        """Await the end of the binding, whoever ends it."""
        if self.closed:
            return
        waiter: Waiter[None] = self._port.create_waiter()
        self._closers.append(waiter)
        await waiter

    def close(self, status: Status | None = None) -> None:
        """End the binding; `status` goes to the client as the channel's epitaph. Idempotent.

        The client's calls in flight, and later ones, fail with it.
        """
        if self.closed:
            return
        if status is not None:
            try:
                self._connection.post_now(encode_epitaph(status), Moved(_NO_HANDLES))
            except (ShouldWait, PeerClosed):
                _log.info("%s: no room for the epitaph %s", self._table.name, status.name)
        reason = PeerClosed(f"{self._table.name}: closed by the server")
        self._connection.close(reason)
        self._closed(reason)

    def _closed(self, error: IpcError) -> None:
        cancels, self._cancels = self._cancels, {}
        for cancel in cancels.values():
            cancel()
        for waiter in self._closers:
            if not waiter.done():
                waiter.set_result(None)
        try:
            self._server.client_gone(error)
        except Exception:  # noqa: BLE001  (the binding is gone whatever the server makes of it)
            _log.exception("%s: client_gone failed", self._table.name)
