"""Handling: one client's handlers from their requests to their answers, for `server`.

The rules are those of `server`; who reads the messages and finds the handlers is `ServerBinding`.
"""

from __future__ import annotations

import contextlib
import inspect
from types import CoroutineType
from typing import Any

from ipcrt.bindings.completer import Completer, Kept, is_completer
from ipcrt.bindings.connection import Connection
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.outbox import Outbox
from ipcrt.bindings.replies import Replies
from ipcrt.bindings.route import Route
from ipcrt.bindings.running import Running, Waiting, is_coroutine
from ipcrt.bindings.tables import Method
from ipcrt.errors import BadState, Status
from ipcrt.port.aport import AsyncPort, Rest
from ipcrt.port.port import Port


class Handling:
    """The handlers at work for one client. Used on its port's thread only."""

    __slots__ = (
        "_connection",
        "_in_flight",
        "_last",
        "_limit",
        "_outbox",
        "_over",
        "_port",
        "_replies",
        "_running",
        "_step",
    )

    _connection: Connection
    _in_flight: int
    _outbox: Outbox
    _replies: Replies

    def __init__(self, port: Port, limit: int) -> None:
        """At most `limit` handlers are at work; `_attach` before the first."""
        self._port = port
        self._limit = limit
        self._in_flight = 0
        self._step = port.step if isinstance(port, AsyncPort) else None
        self._running: dict[Running | Waiting | Kept, None] = {}
        self._last: Running | None = None
        self._over: bool | None = None  # handlers of calls are cancelled; True: all are

    def _attach(self, connection: Connection) -> None:
        """Answer by `connection`, whose owner the subclass is."""
        self._connection = connection
        self._outbox = connection.outbox
        self._replies = Replies(connection)

    def _misused(self, error: Misuse) -> None:
        """End the binding, since its client has misused the protocol."""
        raise NotImplementedError

    # ---- where the message is read

    def _failed(
        self, method: Method[Any, Any], txid: int, request: Any, error: BaseException
    ) -> None:
        """A handler has raised where its message was read."""
        self._ended(method, txid, request, error)
        if not isinstance(error, Exception):
            raise error
        self._brake()

    def _finish(self, method: Method[Any, Any], txid: int, request: Any, result: object) -> None:
        """Do with what a handler has answered as its kind asks for."""
        if is_coroutine(result):
            self._run(method, txid, request, result)
        else:
            self._returned(method, txid, result)
        self._brake()

    def _answered(self, method: Method[Any, Any], txid: int, request: Any, value: object) -> None:
        """Do with what a coroutine of a shortcut has returned as its kind asks for."""
        del request
        self._returned(method, txid, value)
        self._brake()

    def _post_reply(
        self, method: Method[Any, Any], txid: int, data: bytes, in_company: bool
    ) -> None:
        """Post a reply that came by a shortcut as far as this."""
        self._replies.post(method.selector, txid, data, None, in_company=in_company)
        self._brake()

    def _may_start(self, route: Route) -> bool:
        """True unless a handler that runs where its message is read would come too early (rule 1).

        The one before it runs beside the others and has not begun.
        """
        last = self._last
        if last is None or last.begun:
            self._last = None
        elif not inspect.iscoroutinefunction(route.handler):
            last.follower = self._connection.go_on
            return False
        return True

    def _run(
        self,
        method: Method[Any, Any],
        txid: int,
        request: Any,
        coroutine: CoroutineType[Any, Any, Any],
    ) -> None:
        """Run a handler, beside the others where it waits (rule 1)."""
        rest = None
        if self._step is not None and self._last is None:
            try:
                rest = self._step(coroutine)
            except StopIteration as end:
                self._returned(method, txid, end.value)
                return
            except BaseException as error:
                self._ended(method, txid, request, error)
                if not isinstance(error, Exception):
                    raise
                return
        self._run_on(method, txid, request, coroutine, rest)

    # ---- beside the others

    def _goes_on(
        self,
        method: Method[Any, Any],
        txid: int,
        request: Any,
        begun: tuple[CoroutineType[Any, Any, Any], Rest | None],
    ) -> None:
        """Run on what a shortcut has begun, if it could begin."""
        self._run_on(method, txid, request, *begun)
        self._brake()

    def _run_on(
        self,
        method: Method[Any, Any],
        txid: int,
        request: Any,
        coroutine: CoroutineType[Any, Any, Any],
        rest: Rest | None,
    ) -> None:
        """Run a handler beside the others: what is left of it, or all where it has not begun."""
        if rest is not None:
            waiting = Waiting(method, txid, request, rest, self._ran)
            self._running[waiting] = None
            if self._over is not None and (self._over or waiting.is_call):
                waiting.cancel()  # its first step has ended the binding
            return
        if isinstance(self._port, AsyncPort):
            running = Running(method, txid, request, coroutine, self._ran, before=self._last)
            self._running[running] = None
            self._last = running
            with contextlib.suppress(BadState):  # the port is closing, and it was cancelled
                running.start(self._port)
        else:
            coroutine.close()
            refusal = TypeError("a plain thread cannot await what the handler answered")
            self._ended(method, txid, request, refusal)

    def _returned(self, method: Method[Any, Any], txid: int, value: Any) -> None:
        """Answer with what a handler has returned, or keep the call for its completer."""
        if is_completer(value):
            self._keep(Kept(method, txid, self._port, self._ran), value)
            return
        self._in_flight -= 1
        if txid:
            self._replies.succeed(method, txid, value, in_company=self._in_flight > 0)

    def _keep(self, kept: Kept, completer: Completer[Any]) -> None:
        self._running[kept] = None
        try:
            completer.keep(kept)
        except BadState as error:
            kept.end(None, error)
        if self._connection.error is not None:
            kept.cancel()

    def _ran(
        self, running: Running | Waiting | Kept, value: Any, error: BaseException | None
    ) -> None:
        """A handler that ran beside the others has ended, or a completer has been used."""
        del self._running[running]
        last = self._last
        if last is not None and last is running and last.begun:
            self._last = None
        method, txid = running.method, running.txid
        if error is not None:
            self._ended(method, txid, running.request, error)
        else:
            self._returned(method, txid, value)
        self._regulate()

    def _ended(
        self, method: Method[Any, Any], txid: int, request: Any, error: BaseException
    ) -> None:
        """A handler has raised, or was cancelled: answer all the same, so that nobody hangs."""
        self._in_flight -= 1
        method.request.discard(request)  # rule 4
        if isinstance(error, Misuse):
            self._misused(error)
        elif isinstance(error, Exception):
            self._replies.fail(method, txid, error)
        elif txid:
            self._replies.refuse(method.selector, txid, Status.CANCELED)

    def _cancel(self, *, one_way: bool = False) -> None:
        """Cancel the handlers of calls, whose answers nobody can take, or all (rule 5)."""
        self._over = one_way or bool(self._over)
        for running in list(self._running):
            if one_way or running.is_call:
                running.cancel()

    # ---- the limits

    def _brake(self) -> None:
        """Read no more where the limits are reached (rule 2)."""
        if self._in_flight >= self._limit or self._outbox.clogged:
            self._connection.pause()

    def _regulate(self) -> None:
        """Read while the limits allow it (rule 2)."""
        connection = self._connection
        if self._in_flight >= self._limit or self._outbox.clogged:
            connection.pause()
        else:
            connection.resume()
