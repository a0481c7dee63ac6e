"""Asking: the client's calls on one control channel, whoever waits for them.

It never waits itself: `begin` starts a call and answers an `Asked` to wait for, `finish` or
`abandon` ends it on every path.

1. A call's id is in use until its reply has come, even when its caller has given up: the late reply
   is recognised, and its handle is closed. So many calls there may be (MAX_CALLS), that a server
   which never answers costs its client no more.
2. A call that was given up before it left is taken back.
3. A reply to a call that was never made, a second one, one of another kind, an Abort that says OK:
   the server's channel is closed, and all calls on it fail, with that reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ipcrt.bindings.client import Client
from ipcrt.bindings.discard import close_handles
from ipcrt.bindings.errors import again
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.outbox import Outgoing
from ipcrt.bindings.tables import Event, OneWay
from ipcrt.errors import IpcError, NoResources, PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.port.port import Port
from ipcrt.port.waiter import Waiter
from ipcrt.resources.codes import error_of
from ipcrt.resources.limits import MAX_CALLS
from ipcrt.resources.messages import ABORT, Control
from ipcrt.wire.header import NO_TXID

_MAX_CALL_ID: Final = (1 << 31) - 1


class Asked:
    """One call on its way; owns its reply until somebody takes it."""

    __slots__ = ("call_id", "doing", "given_up", "kind", "outgoing", "reply", "waiter")

    def __init__(self, call_id: int, kind: Event[Any], doing: str, waiter: Waiter[None]) -> None:
        self.call_id = call_id
        self.kind = kind
        """What answers it, other than an Abort."""
        self.doing = doing
        """What was asked, for errors."""
        self.waiter = waiter
        self.outgoing: Outgoing | None = None
        self.reply: Any = None
        self.given_up = False

    def fail(self, error: IpcError) -> None:
        """End the call with `error`, unless it has ended."""
        if not self.waiter.done():
            self.waiter.set_exception(error)

    def left(self, error: IpcError | None) -> None:
        """The request that waited for room has left, or never will."""
        if error is not None and not isinstance(error, PeerClosed):
            self.fail(again(error))  # else the reader is about to learn why the peer is gone


class Asking(Client):
    """A client whose replies are told by their call ids. Used on its port's thread only."""

    __slots__ = ("_asked", "_last_id")

    def __init__(self, channel: Channel, port: Port) -> None:
        """Move `channel` here and start reading replies; on error it is closed."""
        self._asked: dict[int, Asked] = {}
        self._last_id = 0
        super().__init__(channel, port, Control.TABLE, self._reply)

    def ask(
        self, method: OneWay[Any], make: Callable[[int], Any], kind: Event[Any], doing: str
    ) -> Asked:
        """Send what `make(call_id)` answers, or line it up.

        Wait for its `waiter`, then `finish` it; where something else ends the waiting, `abandon`.
        A handle of the request is moved, unless LocalProtocolError or BadHandle says that nothing
        was sent. Raises: these; why the channel has ended; NoResources: too many calls.
        """
        if len(self._asked) >= MAX_CALLS:
            raise NoResources(f"{doing}: {MAX_CALLS} calls are owed a reply already")
        call_id = self._free_id()
        data, moved = self._encode(method, make(call_id), NO_TXID)
        asked = Asked(call_id, kind, doing, self._create_waiter())
        in_company = bool(self._asked)
        self._asked[call_id] = asked
        try:
            outgoing = self._outbox.post(data, moved, in_company)
        except PeerClosed:
            return asked  # the reader is about to learn why, from an epitaph perhaps
        except BaseException:
            del self._asked[call_id]
            raise
        if outgoing is not None:
            asked.outgoing = outgoing
            outgoing.done = asked.left
        return asked

    def finish(self, asked: Asked) -> Any:
        """Take the reply of a call whose waiter is done."""
        reply, asked.reply = asked.reply, None
        return reply

    def abandon(self, asked: Asked) -> None:
        """Forget a call that has failed, or whose reply nobody takes; that is closed."""
        close_handles(asked.reply)
        asked.reply = None
        if self._asked.get(asked.call_id) is not asked:
            return
        if asked.outgoing is not None and self._outbox.withdraw(asked.outgoing):
            del self._asked[asked.call_id]
        else:
            asked.given_up = True

    def _free_id(self) -> int:
        call_id = self._last_id
        while True:
            call_id = call_id + 1 if call_id < _MAX_CALL_ID else 1
            if call_id not in self._asked:
                self._last_id = call_id
                return call_id

    def _reply(self, event: Event[Any], payload: Any) -> None:
        """Take a reply (rules 1 and 3); what Misuse refuses is closed by whoever catches it."""
        call_id: int = payload.call_id
        asked = self._asked.get(call_id)
        if asked is None:
            raise Misuse(f"reply to call {call_id}, which was never made or has its reply")
        if event is ABORT:
            if not payload.error:
                raise Misuse(f"call {call_id} was aborted with OK")
            asked.fail(error_of(payload.error, asked.doing))
        elif event is not asked.kind:
            raise Misuse(f"{event.name} to call {call_id}, {asked.kind.name} was expected")
        elif asked.given_up or asked.waiter.done():
            close_handles(payload)
        else:
            asked.reply = payload
            asked.waiter.set_result(None)
        del self._asked[call_id]

    def statistics(self) -> dict[str, int]:
        """Count calls in flight, calls given up whose replies are owed, and waiting messages."""
        given_up = sum(asked.given_up for asked in self._asked.values())
        return {
            "calls": len(self._asked) - given_up,
            "calls_given_up": given_up,
            "backlog": len(self._outbox),
        }

    def _closed(self, error: IpcError) -> None:
        super()._closed(error)
        every, self._asked = self._asked, {}
        for asked in every.values():
            asked.fail(again(error))
