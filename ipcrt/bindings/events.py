"""Events from the server's side: typed signatures over a binding.

    class ClockEventSender(EventSender[Clock]):
        def on_tick(self, now: int) -> None:
            self._send(CLOCK_ON_TICK, ClockOnTickRequest(now))

The client's side is any object with a method for each event; see `Proxy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from ipcrt.bindings.ends import P
from ipcrt.bindings.tables import Event

if TYPE_CHECKING:
    from ipcrt.bindings.server import ServerBinding

RequestT = TypeVar("RequestT")


class EventSender(Generic[P]):
    """Base of all event senders; the binding stays the caller's."""

    __slots__ = ("_binding",)

    def __init__(self, binding: ServerBinding[P]) -> None:
        self._binding = binding

    def _send(self, event: Event[RequestT], payload: RequestT) -> None:
        """Send now or not at all. Raises: as `ServerBinding.send_event`."""
        self._binding.send_event(event, payload)

    async def _send_wait(self, event: Event[RequestT], payload: RequestT) -> None:
        """Send, waiting while the client's queue is full."""
        await self._binding.send_event_wait(event, payload)
