"""Listener: the user's object that is told of a protocol's events."""

from __future__ import annotations

import inspect
from typing import Any

from ipcrt.bindings.arguments import arguments_of
from ipcrt.bindings.tables import Event, ProtocolTable


class Listener:
    """Calls the method of the user's object that has an event's name."""

    __slots__ = ("_listener",)

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
        self._listener = listener

    def deliver(self, event: Event[Any], payload: Any) -> None:
        """Tell one event; its handles are the listener's."""
        arguments = arguments_of(payload)
        result = getattr(self._listener, event.name)(*arguments)
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError(f"{event.name} answered a coroutine, which nobody awaits")
