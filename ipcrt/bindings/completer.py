"""Completer: the answer to one call, given later and by whoever holds it.

    def watch(self) -> Answer[State]:
        completer = Completer[State]()
        self._watchers.append(completer)
        return completer

1. A handler returns it in place of the answer; the call is in flight until it is completed.
2. It may be kept, and moved to another task of the same port; its methods belong to that port's
   thread.
3. One that is dropped without an answer ends its call with BAD_STATE: nobody waits for ever.
4. When the client goes, or the binding closes, it is over: `canceled` is true, `on_canceled` has
   been called, and an answer goes nowhere.
Source: FIDL's completers.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, Generic, TypeGuard, TypeVar

from ipcrt.bindings.tables import Method
from ipcrt.errors import BadState, IpcError
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.wire.header import NO_TXID

T = TypeVar("T")

_log: Final = logging.getLogger("ipcrt.bindings")


class Kept:
    """A call whose handler has returned a completer; what the server's binding knows of it."""

    __slots__ = (
        "_dropping",
        "_key",
        "_lock",
        "_on_end",
        "_port",
        "method",
        "on_canceled",
        "over",
        "request",
        "txid",
    )

    def __init__(
        self,
        method: Method[Any, Any],
        txid: int,
        port: Port,
        on_end: Callable[[Kept, Any, BaseException | None], None],
    ) -> None:
        """`on_end(self, value, error)` is called once; no Exception: nobody takes an answer."""
        self.method = method
        self.txid = txid
        self.request: None = None  # the handler took it when it returned
        self.over = False
        self._port = port
        self._on_end = on_end
        self.on_canceled: Callable[[], object] | None = None
        self._dropping = False
        self._lock = threading.RLock()  # `drop` may come from a collection in the midst of `end`
        self._key = port.new_key()
        port.bind(self._key, self._dropped)

    @property
    def is_call(self) -> bool:
        """False for a one-way message, which has no answer."""
        return self.txid != NO_TXID

    def end(self, value: Any, error: BaseException | None) -> None:
        """Answer the call, with `error` unless that is None."""
        with self._lock:
            self.over = True
            if not self._dropping:  # else its packet still comes, and needs a receiver
                self._port.unbind(self._key)
        self._on_end(self, value, error)

    def cancel(self) -> None:
        """Nobody takes the answer any more; harmless where it has been given."""
        if self.over:
            return
        self.end(None, GeneratorExit())
        if self.on_canceled is not None:
            try:
                self.on_canceled()
            except Exception:  # noqa: BLE001  (a server's mistake must not keep others from ending)
                _log.exception("%s: on_canceled failed", self.method.selector)

    def drop(self) -> None:
        """The completer is gone, on whatever thread and in the midst of whatever: act later."""
        with self._lock:
            if self.over:
                return
            self._dropping = True
        try:
            self._port.queue(Packet(self._key))
        except IpcError as error:  # the port is closed, or nobody serves it
            _log.info("%s: a completer was dropped: %s", self.method.selector, error)

    def _dropped(self, packet: Packet) -> None:
        del packet
        self._port.unbind(self._key)
        if not self.over:
            self.end(None, BadState("its completer was dropped without an answer"))


class Completer(Generic[T]):
    """The right and the duty to answer one call, once."""

    __slots__ = ("__weakref__", "_answered", "_kept", "_on_canceled", "_outcome")

    def __init__(self, on_canceled: Callable[[], object] | None = None) -> None:
        """`on_canceled()` is called on the port's thread once nobody can take the answer."""
        self._on_canceled = on_canceled
        self._kept: Kept | None = None
        self._answered = False
        self._outcome: tuple[T | None, Exception | None] = (None, None)

    def reply(self, value: T) -> None:
        """Answer the call; handles in `value` are moved, and closed where nobody takes them.

        Raises: BadState: it has been answered; `value` stays the caller's.
        """
        self._answer(value, None)

    def fail(self, error: Exception) -> None:
        """End the call as if its handler had raised `error`. Raises: BadState: it was answered."""
        self._answer(None, error)

    @property
    def canceled(self) -> bool:
        """True once nobody can take an answer any more."""
        return self._kept is not None and self._kept.over and not self._answered

    def _answer(self, value: T | None, error: Exception | None) -> None:
        if self._answered:
            raise BadState("the call has been answered")
        self._answered = True
        kept = self._kept
        if kept is None:  # before the handler has returned it
            self._outcome = value, error
        elif not kept.over:
            kept.end(value, error)
        else:
            kept.method.response.discard(value)

    def keep(self, kept: Kept) -> None:
        """Take what the binding knows of the call. Raises: BadState: it stands for another one."""
        if self._kept is not None:
            raise BadState("the completer stands for another call")
        self._kept = kept
        kept.on_canceled = self._on_canceled
        if self._answered:
            outcome, self._outcome = self._outcome, (None, None)
            kept.end(*outcome)

    def __del__(self) -> None:
        if self._kept is not None and not self._answered:
            self._kept.drop()


def is_completer(value: object) -> TypeGuard[Completer[Any]]:
    """True for a completer, of whatever."""
    return isinstance(value, Completer)
