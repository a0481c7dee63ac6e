"""Call: one two-way call on its way; Sending: a one-way message that waits for room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from ipcrt.bindings.errors import again
from ipcrt.bindings.outbox import Outgoing
from ipcrt.bindings.tables import Method
from ipcrt.errors import IpcError, PeerClosed, TimedOut
from ipcrt.objects.handle import Handle
from ipcrt.port.deadlines import Slot
from ipcrt.port.waiter import Waiter
from ipcrt.wire.frames import Body

ResponseT = TypeVar("ResponseT")


class Call(msgspec.Struct, Generic[ResponseT], eq=False):
    """One two-way call: owns its reply's handles until the caller has decoded them.

    A Struct, because msgspec makes one in a third of the time.
    """

    method: Method[Any, ResponseT]
    txid: int
    waiter: Waiter[None]
    timeout: float | None
    deadline: Slot | None = None
    """Where it waits for its deadline."""
    outgoing: Outgoing | None = None
    """The request, where it had to wait for room."""
    replied: bool = False
    body: Body = b""
    handles: Sequence[Handle] = ()

    def fail(self, error: IpcError) -> None:
        """End the call with `error`, unless it has ended."""
        if not self.waiter.done():
            self.waiter.set_exception(error)

    def expire(self) -> None:
        """The deadline has passed."""
        self.fail(TimedOut(f"{self.method.name}: no reply within {self.timeout} seconds"))

    def request_done(self, error: IpcError | None) -> None:
        """The request that waited for room has left, or never will."""
        if error is not None and not isinstance(error, PeerClosed):
            self.fail(again(error))  # else the reader is about to learn why the peer is gone


class Sending:
    """A one-way message that could not leave at once: wait for `waiter`."""

    __slots__ = ("outgoing", "waiter")

    def __init__(self, outgoing: Outgoing | None, waiter: Waiter[None]) -> None:
        self.outgoing = outgoing
        """None where the peer is gone, and only the reason is waited for."""
        self.waiter = waiter

    def settle(self, error: IpcError | None) -> None:
        """Wake the sender, unless it has stopped waiting."""
        if self.waiter.done():
            return
        if error is None:
            self.waiter.set_result(None)
        else:
            self.waiter.set_exception(again(error))
