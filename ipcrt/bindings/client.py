"""The client's engine: calls in flight on one connection, whoever waits for them.

It never waits itself: `begin` starts a call and answers a `Call` to wait for, `finish` ends it on
every path. The async and the blocking proxy differ only in how they wait.

1. A txid is in use until its reply has come, even when its caller has given up: the late reply
   is recognised, and its handles are closed.
2. A call that was given up before it left is taken back.
3. A peer that dies, or closes with an epitaph, fails all calls at once with that status.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, cast

from ipcrt.bindings.connection import Connection, Outgoing
from ipcrt.bindings.result import read_result
from ipcrt.bindings.tables import Event, Kind, Method, OneWay, ProtocolTable
from ipcrt.errors import (
    Canceled,
    IpcError,
    PeerClosed,
    RemoteProtocolError,
    TimedOut,
    error_for,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, Moved, close_all
from ipcrt.port.deadlines import Token
from ipcrt.port.port import Port
from ipcrt.port.waiter import Waiter
from ipcrt.wire.epitaph import decode_epitaph
from ipcrt.wire.frames import encode
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
OnEvent = Callable[[Event[Any], Any], None]

DEFAULT_TIMEOUT: Final = 25.0
"""Seconds a two-way call may take unless told otherwise."""

_MAX_TXID: Final = (1 << 31) - 1
_NO_BODY: Final = memoryview(b"")

_log: Final = logging.getLogger("ipcrt.bindings")


class Call(Generic[ResponseT]):
    """One two-way call: owns its reply's handles until the caller has decoded them."""

    __slots__ = ("body", "deadline", "handles", "method", "outgoing", "replied", "txid", "waiter")

    def __init__(self, method: Method[Any, ResponseT], txid: int, waiter: Waiter[None]) -> None:
        self.method = method
        self.txid = txid
        self.waiter = waiter
        self.deadline: Token | None = None
        self.outgoing: Outgoing | None = None
        self.replied = False
        self.body = _NO_BODY
        self.handles: list[Handle] = []

    def fail(self, error: IpcError) -> None:
        if not self.waiter.done():
            self.waiter.set_exception(error)


class Client:
    """The calls and events of one client end. Used on its port's thread only."""

    __slots__ = ("_calls", "_connection", "_deadlines", "_on_event", "_port", "_table", "_txid")

    def __init__(
        self, channel: Channel, port: Port, table: ProtocolTable, on_event: OnEvent | None = None
    ) -> None:
        """Move `channel` here and start reading replies."""
        self._table = table
        self._port = port
        self._deadlines = port.deadlines
        self._on_event = on_event
        self._calls: dict[int, Call[Any] | None] = {}
        self._txid = 0
        self._connection = Connection(channel, port, self._message, self._closed)
        self._connection.resume()

    @property
    def connection(self) -> Connection:
        """The connection, owned here."""
        return self._connection

    # ---- calls

    def begin(
        self, method: Method[RequestT, ResponseT], request: RequestT, timeout: float | None
    ) -> Call[ResponseT]:
        """Send a request, or line it up; wait for `call.waiter`, then `finish` the call.

        The request's handles are moved. `timeout` in seconds, None for none.
        Raises: LocalProtocolError: nothing was sent. PeerClosed or the epitaph's error.
        """
        self._check_open()
        body, handles = method.request.encode(request)
        txid = self._new_txid()
        flags = 0 if method.strict else FLEXIBLE
        data = encode(txid, method.ordinal, flags, body, len(handles))
        call = Call(method, txid, self._port.create_waiter())
        moved = Moved(handles)
        self._calls[txid] = call
        try:
            call.outgoing = self._connection.post(data, moved)
        except PeerClosed:
            pass  # the reader is about to learn why, from an epitaph perhaps
        except BaseException:
            del self._calls[txid]
            raise
        if timeout is not None:
            call.deadline = self._deadlines.add(timeout, lambda: self._expired(call, timeout))
        return call

    def finish(self, call: Call[ResponseT]) -> None:
        """Forget a call, however it ended; a reply that nobody took is closed."""
        if call.deadline is not None:
            self._deadlines.drop(call.deadline)
        close_all(call.handles)
        if call.replied or self._calls.get(call.txid) is not call:
            return
        if call.outgoing is not None and self._connection.withdraw(call.outgoing):
            del self._calls[call.txid]
        else:
            self._calls[call.txid] = None

    def result(self, call: Call[ResponseT]) -> ResponseT:
        """Decode the reply of a call whose waiter is done.

        Raises: DomainError; UnknownMethod; the status that the server closed the call with;
        RemoteProtocolError: the reply breaks the contract, and the connection is closed.
        """
        handles, call.handles = call.handles, []
        try:
            return read_result(call.method, call.body, handles)
        except RemoteProtocolError as error:
            self._connection.fail(error)
            raise

    def send(
        self, method: OneWay[RequestT], request: RequestT
    ) -> tuple[Outgoing, Waiter[None]] | None:
        """Send a one-way message now, or line it up and answer what to wait for.

        The handles are moved. Raises: as `begin`.
        """
        self._check_open()
        body, handles = method.request.encode(request)
        data = encode(0, method.ordinal, 0 if method.strict else FLEXIBLE, body, len(handles))
        outgoing = self._connection.post(data, Moved(handles))
        if outgoing is None:
            return None
        waiter: Waiter[None] = self._port.create_waiter()
        outgoing.waiter = waiter
        return outgoing, waiter

    def send_now(self, method: OneWay[RequestT], request: RequestT) -> None:
        """Send a one-way message now or not at all; its handles are moved.

        Raises: ShouldWait: the peer's queue is full. Else as `begin`.
        """
        self._check_open()
        body, handles = method.request.encode(request)
        data = encode(0, method.ordinal, 0 if method.strict else FLEXIBLE, body, len(handles))
        self._connection.post_now(data, Moved(handles))

    def withdraw(self, outgoing: Outgoing) -> None:
        """Take back a one-way message that still waits."""
        self._connection.withdraw(outgoing)

    def statistics(self) -> dict[str, int]:
        """Count calls in flight, calls given up whose replies are owed, and waiting messages."""
        given_up = sum(call is None for call in self._calls.values())
        return {
            "calls": len(self._calls) - given_up,
            "calls_given_up": given_up,
            "backlog": self._connection.backlog,
        }

    def close(self) -> None:
        """Close the channel; calls in flight fail with Canceled. Idempotent."""
        self._connection.close(Canceled("the client was closed"))
        self._fail_calls(Canceled("the client was closed"))

    # ---- what comes in

    def _message(
        self, txid: int, ordinal: int, flags: int, body: memoryview, handles: list[Handle]
    ) -> None:
        if txid == 0:
            if ordinal == EPITAPH_ORDINAL:
                self._epitaph(body)
            else:
                self._event(ordinal, flags, body, handles)
            return
        if txid not in self._calls:
            close_all(handles)
            raise RemoteProtocolError(f"reply to txid {txid}, which is no call in flight")
        call = self._calls.pop(txid)
        if call is None or call.waiter.done():  # given up (rule 1)
            close_all(handles)
            return
        call.replied = True
        if ordinal == EPITAPH_ORDINAL:
            close_all(handles)
            call.fail(error_for(decode_epitaph(body), f"{call.method.name}: failed in the server"))
        elif ordinal != call.method.ordinal:
            close_all(handles)
            raise RemoteProtocolError(f"reply with ordinal {ordinal:#x} to {call.method.selector}")
        else:
            call.body, call.handles = body, handles
            call.waiter.set_result(None)

    def _epitaph(self, body: memoryview) -> None:
        status = decode_epitaph(body)
        self._connection.fail(error_for(status, f"{self._table.name}: closed by the server"))

    def _event(self, ordinal: int, flags: int, body: memoryview, handles: list[Handle]) -> None:
        method = self._table.by_ordinal.get(ordinal)
        if method is None or method.KIND is not Kind.EVENT:
            close_all(handles)
            if method is None and flags & FLEXIBLE and self._table.allows_unknown(Kind.EVENT):
                _log.info("%s: ignoring unknown event %#x", self._table.name, ordinal)
                return
            raise RemoteProtocolError(f"{self._table.name} has no event {ordinal:#x}")
        payload = method.request.decode(body, handles)
        if self._on_event is None:
            _log.info("%s: nobody listens for %s", self._table.name, method.name)
            close_all(handles)
            return
        try:
            self._on_event(cast("Event[Any]", method), payload)
        except Exception:  # noqa: BLE001  (a listener's mistake must not end the connection)
            _log.exception("%s: the listener for %s failed", self._table.name, method.name)

    def _closed(self, error: IpcError) -> None:
        self._fail_calls(error)

    def _fail_calls(self, error: IpcError) -> None:
        calls, self._calls = self._calls, {}
        for call in calls.values():
            if call is not None:
                call.fail(again(error))

    def _expired(self, call: Call[Any], timeout: float) -> None:
        call.fail(TimedOut(f"{call.method.name}: no reply within {timeout} seconds"))

    def _check_open(self) -> None:
        error = self._connection.error
        if error is not None:
            raise again(error)

    def _new_txid(self) -> int:
        txid = self._txid
        while True:
            txid = txid + 1 if txid < _MAX_TXID else 1
            if txid not in self._calls:
                self._txid = txid
                return txid


def again(error: IpcError) -> IpcError:
    """Make a fresh copy: one error that many tasks raise would gather all their tracebacks."""
    copy = type(error)(str(error), error.status)
    copy.__cause__ = error
    return copy
