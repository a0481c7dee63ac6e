"""Listener: the user's object that is told of a protocol's events.

It may have a method `unknown_event(ordinal)`: it is told of a flexible event that the protocol
does not know, in its turn; the event is gone, and its handles are closed.
"""

from __future__ import annotations

import inspect
from typing import Any

from ipcrt.bindings.arguments import arguments_of
from ipcrt.bindings.tables import Event, ProtocolTable


class Listener:
    """Calls the method of the user's object that has an event's name."""

    __slots__ = ("_listener", "_on_unknown")

    def __init__(self, listener: object, table: ProtocolTable) -> None:
        """Look at `listener` before anything comes.

        Raises: TypeError: a method is missing, or an `async def`: events are told in order, so
        nobody may wait; spawn a task instead.
        """
        name = type(listener).__name__
        for event in table.events.values():
            method = getattr(listener, event.name, None)
            if not callable(method):
                raise TypeError(f"{name} listens to {table.name} without {event.name}()")
            if inspect.iscoroutinefunction(method):
                raise TypeError(f"{name}.{event.name} is async; an event is taken by a plain def")
        self._on_unknown = getattr(listener, "unknown_event", None)
        if inspect.iscoroutinefunction(self._on_unknown):
            raise TypeError(f"{name}.unknown_event is async; it is told, and must not wait")
        self._listener = listener

    def deliver(self, event: Event[Any], payload: Any) -> None:
        """Tell one event; its handles are the listener's."""
        arguments = arguments_of(payload)
        result = getattr(self._listener, event.name)(*arguments)
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError(f"{event.name} answered a coroutine, which nobody awaits")

    def deliver_unknown(self, ordinal: int) -> None:
        """Tell that an event came which the protocol does not know."""
        if self._on_unknown is not None:
            self._on_unknown(ordinal)
