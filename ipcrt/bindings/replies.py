"""Replies: the answers to one client's calls. Every call gets one, whatever its handler does."""

from __future__ import annotations

import logging
from typing import Any, Final, cast

from ipcrt.bindings.connection import Connection
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.result import write_domain_error, write_framework_error, write_response
from ipcrt.bindings.tables import Method
from ipcrt.errors import IpcError, PeerClosed, Status
from ipcrt.objects.handle import Moved
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE

_log: Final = logging.getLogger("ipcrt.bindings")


class Replies:
    """Writes replies into a connection's outbox; one that finds no room waits there."""

    __slots__ = ("_connection", "_outbox")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outbox = connection.outbox

    def succeed(
        self, method: Method[Any, Any], txid: int, value: Any, *, in_company: bool = False
    ) -> None:
        """Answer a call with its handler's value, whose handles are moved.

        `in_company`: more answers may come in this turn.
        """
        if self._connection.error is not None:
            method.response.discard(value)
            return
        try:
            body, handles = write_response(method, value)
            data = encode(txid, method.ordinal, method.flags, body, len(handles))
            moved = Moved(handles) if handles else None
        except IpcError as error:
            method.response.discard(value)
            self.fail(method, txid, error)
            return
        self.post(method.selector, txid, data, moved, in_company=in_company)

    def fail(self, method: Method[Any, Any], txid: int, error: Exception) -> None:
        """Answer a call whose handler raised; of its own errors only the declared cross the wire.

        A txid of zero only logs.
        """
        if txid and _declares(method, error) and self._refuse_with(method, txid, error):
            return
        if not isinstance(error, PeerClosed) or self._connection.error is None:
            _log.error("%s failed", method.selector, exc_info=error)
        if txid:
            self.refuse(method.selector, txid, Status.INTERNAL)

    def refuse(self, selector: str, txid: int, status: Status) -> None:
        """End a call without a result; the client raises `status`."""
        if self._connection.error is None:
            self.post(selector, txid, encode_epitaph(status, txid), None)

    def refuse_unknown(self, ordinal: int, txid: int) -> None:
        """Answer a flexible call that no handler is there for."""
        body = write_framework_error(Status.NOT_SUPPORTED)
        self.post(f"method {ordinal:#x}", txid, encode(txid, ordinal, FLEXIBLE, body), None)

    def _refuse_with(self, method: Method[Any, Any], txid: int, error: Exception) -> bool:
        """Answer with a domain error; False where it holds no value of its enum."""
        try:
            body = write_domain_error(method, cast("DomainError[Any]", error))
        except IpcError:
            return False
        self.post(method.selector, txid, encode(txid, method.ordinal, method.flags, body), None)
        return True

    def post(
        self,
        selector: str,
        txid: int,
        data: bytes,
        moved: Moved | None,
        *,
        in_company: bool = True,
    ) -> None:
        """Post a reply that is encoded; it owns the moved handles."""
        try:
            waiting = self._outbox.post(data, moved, in_company)
        except PeerClosed:
            return  # the reader finds the end, behind messages that still count
        except IpcError as error:
            self._not_sent(selector, txid, error, moved)
            return
        if waiting is not None:
            waiting.done = lambda error: self._waited(selector, txid, error, moved)

    def _waited(
        self, selector: str, txid: int, error: IpcError | None, moved: Moved | None
    ) -> None:
        """A reply that waited for room has left, or never will."""
        if error is None or isinstance(error, PeerClosed) or self._connection.error is not None:
            return
        self._not_sent(selector, txid, error, moved)

    def _not_sent(self, selector: str, txid: int, error: IpcError, moved: Moved | None) -> None:
        """The kernel refused a reply, because of its handles most likely; say so without any."""
        _log.error("%s: cannot reply: %s", selector, error)
        if moved is None:
            self._connection.fail(error)
        else:
            self.refuse(selector, txid, error.status)


def _declares(method: Method[Any, Any], error: Exception) -> bool:
    return method.raises is not None and isinstance(error, method.raises)
