"""The client's engine: calls in flight on one connection, whoever waits for them.

It never waits itself: `begin` starts a call and answers a `Call` to wait for, `finish` ends it on
every path. The async and the blocking proxy differ only in how they wait.

1. A txid is in use until its reply has come, even when its caller has given up: the late reply
   is recognised, and its handles are closed.
2. A call that was given up before it left is taken back.
3. A peer that dies, or closes with an epitaph, fails all calls at once with that status; so it
   does for those who are writing at that moment.
4. Events are told in their order, and before any reply that came behind them is read.
5. Whatever a signal's handler raises in between, a request that has left has its entry, and a
   reply that has come is with its call. Between two calls of functions nothing is raised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

from ipcrt.bindings.call import Call, Sending
from ipcrt.bindings.caller import Begin, Result, Ways, make_caller, plan_for
from ipcrt.bindings.connection import Connection
from ipcrt.bindings.errors import again
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.outbox import Done
from ipcrt.bindings.result import read_result
from ipcrt.bindings.tables import Event, Kind, Method, OneWay, ProtocolTable
from ipcrt.errors import (
    BadHandle,
    Canceled,
    IpcError,
    PeerClosed,
    RemoteProtocolError,
    Status,
    error_for,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, Moved, close_all
from ipcrt.port.port import Port
from ipcrt.port.waiter import Waiter
from ipcrt.wire.epitaph import decode_epitaph
from ipcrt.wire.frames import Body, encode
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE, NO_TXID

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
OnEvent = Callable[[Event[Any], Any], None]
OnUnknown = Callable[[int], None]
"""Takes the ordinal of a flexible event that the protocol does not know."""

__all__ = ["DEFAULT_TIMEOUT", "Client", "again"]

DEFAULT_TIMEOUT: Final = 25.0
"""Seconds a two-way call may take unless told otherwise."""

_MAX_TXID: Final = (1 << 31) - 1

_log: Final = logging.getLogger("ipcrt.bindings")


class Client:
    """The calls and events of one client end. Used on its port's thread only."""

    __slots__ = (
        "_calls",
        "_connection",
        "_create_waiter",
        "_deadlines",
        "_mourners",
        "_on_event",
        "_on_unknown",
        "_outbox",
        "_port",
        "_table",
        "_telling",
        "_txid",
        "_wake",
        "begin",
        "result",
    )

    _create_waiter: Callable[[], Waiter[None]]
    _wake: Callable[[Any], None] | None
    begin: Begin
    """As `_begin`."""
    result: Result
    """As `_result`."""

    def __init__(
        self,
        channel: Channel,
        port: Port,
        table: ProtocolTable,
        on_event: OnEvent | None = None,
        on_unknown: OnUnknown | None = None,
    ) -> None:
        """Move `channel` here and start reading replies; on error it is closed."""
        self._table = table
        self._port = port
        self._create_waiter, self._wake = port.waker or (port.create_waiter, None)
        self._deadlines = port.deadlines
        self._on_event = on_event
        self._on_unknown = on_unknown
        self._calls: dict[int, Call[Any] | None] = {}
        self._mourners: list[Sending] = []
        self._txid = 0
        self._telling = False  # a listener
        self._connection = Connection(table.name, channel, port, self._message, self._closed)
        self._connection.on_interrupted = self._interrupted
        self._outbox = self._connection.outbox
        self.begin, self.result = self._begin, self._result
        packets = self._connection.channel.lend_packets()
        if packets is not None:
            self.begin, self.result, self._connection.on_message = make_caller(
                Ways(self._begin, self._result, self._message), self, packets, plan_for, Call
            )
        try:
            self._connection.resume()
        except BaseException:
            self.close()
            raise

    @property
    def connection(self) -> Connection:
        """The connection, owned here."""
        return self._connection

    # ---- calls

    def _begin(
        self, method: Method[RequestT, ResponseT], request: RequestT, timeout: float | None
    ) -> Call[ResponseT]:
        """Send a request, or line it up; wait for `call.waiter`, then take the `result`.

        Where something else ends the waiting, `give_up` the call.

        `timeout` in seconds, None for none. The request's handles are moved, and closed where
        it does not get through; only with LocalProtocolError or BadHandle they stay.
        Raises: LocalProtocolError: nothing was sent. BadHandle: the client is closed, or a handle
        of the request. PeerClosed or the epitaph's error. NoResources, AccessDenied, InvalidArgs:
        of its handles.
        """
        calls = self._calls
        txid = self._txid + 1
        if txid in calls or txid > _MAX_TXID:
            txid = self._free_txid()
        error = self._connection.error
        if error is not None:
            raise again(error)
        body, handles = method.request.encode(request)
        data = encode(txid, method.ordinal, method.flags, body, len(handles))
        call = Call(method, txid, self._create_waiter(), timeout)
        in_company, moved, sent = bool(calls), None, self._outbox.sent
        self._txid = txid
        try:
            if timeout is not None:
                call.deadline = slot = self._deadlines.slot(timeout)
                slot[call] = None
            if handles:
                [moved] = map(Moved, (handles,))  # as in `handle.own`
            calls[txid] = call
            outgoing = self._outbox.post(data, moved, in_company)
        except PeerClosed:
            return call  # the reader is about to learn why, from an epitaph perhaps
        except BaseException:
            if moved is not None:
                moved.close()
            if self._outbox.sent == sent:
                calls.pop(txid, None)
                call.replied = True
            self.give_up(call)
            raise
        if outgoing is not None:
            call.outgoing = outgoing
            outgoing.done = call.request_done
        return call

    def give_up(self, call: Call[Any]) -> None:
        """Forget a call that has failed, or whose reply nobody takes; that is closed."""
        if call.deadline is not None:
            call.deadline.pop(call, None)
        if call.handles:
            close_all(call.handles)
        if call.replied or self._calls.get(call.txid) is not call:
            return
        if call.outgoing is not None and self._outbox.withdraw(call.outgoing):
            del self._calls[call.txid]
        else:
            self._calls[call.txid] = None

    @property
    def last_txid(self) -> int:
        """The txid of the last call."""
        return self._txid

    def give_up_since(self, txid: int) -> None:
        """Give up what was begun after the call of that txid, where nobody has learnt of it."""
        for later in range(txid + 1, self._txid + 1):
            call = self._calls.get(later)
            if call is not None:
                self.give_up(call)

    def _result(self, call: Call[ResponseT]) -> ResponseT:
        """Decode the reply of a call whose waiter is done.

        Raises: DomainError; UnknownMethod; RemoteProtocolError: the reply breaks the contract, and
        the connection is closed.
        """
        if call.deadline is not None:
            call.deadline.pop(call, None)
        try:
            return read_result(call.method, call.body, call.handles)
        except RemoteProtocolError as error:
            self._connection.refuse(error)
            raise

    def send(self, method: OneWay[RequestT], request: RequestT) -> Sending | None:
        """Send a one-way message now, or line it up and answer what to wait for.

        The handles are moved. Raises: as `begin`.
        """
        data, moved = self._encode(method, request, NO_TXID)
        try:
            outgoing = self._outbox.post(data, moved)
        except PeerClosed:
            outgoing = None
        else:
            if outgoing is None:
                return None
        sending = Sending(outgoing, self._create_waiter())
        if outgoing is None:
            self._mourners.append(sending)  # until the reader has learnt why (rule 3)
        else:
            outgoing.done = lambda error: self._sent(sending, error)
        return sending

    def send_now(self, method: OneWay[RequestT], request: RequestT) -> None:
        """Send a one-way message now or not at all; its handles are moved.

        Raises: ShouldWait: the peer's queue is full. Else as `begin`.
        """
        self._outbox.post_now(*self._encode(method, request, NO_TXID))

    def send_soon(self, method: OneWay[RequestT], request: RequestT, done: Done) -> bool:
        """Send a one-way message now, or line it up and answer True; nobody has to wait.

        Its handles are moved. `done(error)` is told once what became of a message that waited:
        None when it has left. How many may wait is up to the caller. Raises: as `begin`.
        """
        outgoing = self._outbox.post(*self._encode(method, request, NO_TXID))
        if outgoing is None:
            return False
        outgoing.done = done
        return True

    def mourn(self) -> Sending:
        """Answer what is settled with the reason when the connection ends; `withdraw` it then.

        Raises: why it has ended.
        """
        if self._connection.error is not None:
            raise again(self._connection.error)
        sending = Sending(None, self._create_waiter())
        self._mourners.append(sending)
        return sending

    def withdraw(self, sending: Sending) -> None:
        """Stop waiting for a one-way message, and take it back where it has not left."""
        if sending.outgoing is not None:
            self._outbox.withdraw(sending.outgoing)
        if sending in self._mourners:
            self._mourners.remove(sending)

    def _encode(
        self, method: Method[RequestT, Any], request: RequestT, txid: int
    ) -> tuple[bytes, Moved | None]:
        error = self._connection.error
        if error is not None:
            raise again(error)
        body, handles = method.request.encode(request)
        data = encode(txid, method.ordinal, method.flags, body, len(handles))
        return data, Moved(handles) if handles else None

    def _sent(self, sending: Sending, error: IpcError | None) -> None:
        """A one-way message that waited has left, or never will."""
        if isinstance(error, PeerClosed) and self._connection.error is None:
            self._mourners.append(sending)
        else:
            sending.settle(error)

    def _free_txid(self) -> int:
        txid = self._txid
        while True:
            txid = txid + 1 if txid < _MAX_TXID else 1
            if txid not in self._calls:
                return txid

    # ---- what comes in

    def _message(
        self, txid: int, ordinal: int, flags: int, body: Body, handles: Sequence[Handle]
    ) -> None:
        if txid == NO_TXID:
            if ordinal == EPITAPH_ORDINAL:
                self._epitaph(body)
                return
            self._telling = True
            try:
                self._event(ordinal, flags, body, handles)
            finally:
                self._telling = False
            return
        try:
            call = self._calls[txid]
        except KeyError:
            close_all(handles)
            raise RemoteProtocolError(f"reply to txid {txid}, no call in flight") from None
        if call is None or (waiter := call.waiter).done():  # given up (rule 1)
            close_all(handles)
            del self._calls[txid]
            return
        if ordinal == call.method.ordinal:
            del self._calls[txid]  # from here on it is the call's, and not taken in again
            call.replied = True
            call.body, call.handles = body, handles
            if (wake := self._wake) is None:
                waiter.set_result(None)
            else:
                wake(waiter)
            return
        close_all(handles)
        del self._calls[txid]
        call.replied = True
        try:
            call.fail(self._not_answered(call, ordinal, body))
        except RemoteProtocolError as error:
            call.fail(again(error))
            raise

    def _interrupted(
        self, txid: int, ordinal: int, flags: int, body: Body, handles: Sequence[Handle]
    ) -> bool:
        """Take a reply in where a signal's handler has raised meanwhile (rule 5)."""
        if txid in self._calls:
            self._message(txid, ordinal, flags, body, handles)
        return txid != NO_TXID

    def _not_answered(self, call: Call[Any], ordinal: int, body: Body) -> IpcError:
        """Read a message that ends a call and is not its reply."""
        if ordinal != EPITAPH_ORDINAL:
            raise RemoteProtocolError(f"reply with ordinal {ordinal:#x} to {call.method.selector}")
        status = decode_epitaph(body)
        if status == Status.OK:
            raise RemoteProtocolError(f"{call.method.selector}: failed with OK")
        return error_for(status, f"{call.method.name}: the server answered {_name(status)}")

    def _epitaph(self, body: Body) -> None:
        status = decode_epitaph(body)
        message = f"{self._table.name}: the server closed the channel with {_name(status)}"
        self._connection.fail(error_for(status or Status.PEER_CLOSED, message))

    def _event(self, ordinal: int, flags: int, body: Body, handles: Sequence[Handle]) -> None:
        method = self._table.events.get(ordinal)
        if method is None:
            close_all(handles)
            self._unknown_event(ordinal, flags)
            return
        payload = method.request.decode(body, handles)
        if self._on_event is None:
            _log.info("%s: nobody listens for %s", self._table.name, method.name)
            method.request.discard(payload)
            return
        try:
            self._on_event(cast("Event[Any]", method), payload)
        except Misuse as error:
            method.request.discard(payload)
            raise RemoteProtocolError(f"{method.name}: {error}") from error
        except Exception:  # noqa: BLE001  (a listener's mistake must not end the connection)
            _log.exception("%s: the listener for %s failed", self._table.name, method.name)
            method.request.discard(payload)

    def _unknown_event(self, ordinal: int, flags: int) -> None:
        """Tell of an event that came too early or too late, or refuse it. Source: RFC-0138."""
        known = ordinal in self._table.by_ordinal
        if known or not flags & FLEXIBLE or not self._table.allows_unknown(Kind.EVENT):
            raise RemoteProtocolError(f"{self._table.name} has no event {ordinal:#x}")
        _log.info("%s: ignoring unknown event %#x", self._table.name, ordinal)
        if self._on_unknown is None:
            return
        try:
            self._on_unknown(ordinal)
        except Exception:  # noqa: BLE001  (as with the events that are known)
            _log.exception("%s: the listener for unknown events failed", self._table.name)

    # ---- the end

    def statistics(self) -> dict[str, int]:
        """Count calls in flight, calls given up whose replies are owed, and waiting messages."""
        given_up = sum(call is None for call in self._calls.values())
        return {
            "calls": len(self._calls) - given_up,
            "calls_given_up": given_up,
            "backlog": len(self._outbox),
        }

    def release(self) -> Channel:
        """Move the channel out, unread messages and all.

        Raises: BadState: replies are owed, or messages are on their way in or out; whoever has the
        channel next could not make sense of them. BadHandle: the channel is closed.
        """
        if not self._telling:  # but where a task goes on in whose reply's packet more has come
            self._connection.catch_up()
        return self._connection.release(self._table.name, self.statistics())

    def close(self) -> None:
        """Close the channel; calls in flight fail with Canceled, later ones with BadHandle."""
        if self._connection.error is None:
            pending = Canceled(f"{self._table.name}: the client was closed")
            self._connection.close(BadHandle(f"{self._table.name}: the client is closed"), pending)
            self._closed(pending)

    def _closed(self, error: IpcError) -> None:
        calls, self._calls = self._calls, {}
        for call in calls.values():
            if call is not None:
                call.fail(again(error))
        mourners, self._mourners = self._mourners, []
        for sending in mourners:
            sending.settle(error)


def _name(status: int) -> str:
    return next((each.name for each in Status if each == status), str(status))
