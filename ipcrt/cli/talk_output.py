"""What a talk tells: replies, events and errors, for a person or in JSON, one a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import typer

from ipcrt.bindings.tables import Method, OneWay
from ipcrt.cli.complaint import complaint
from ipcrt.cli.show import to_json
from ipcrt.errors import IpcError
from ipcrt.objects.handle import Handle, close_all

_EVENT_COLOUR: Final = "cyan"
_ERROR_COLOUR: Final = "red"


class Output:
    """Writes lines; in colour where they go to a terminal. Handles are shown, and closed.

    Raises: OSError: nobody reads any more.
    """

    def __init__(self, aside: Callable[[], AbstractContextManager[None]], *, as_json: bool) -> None:
        """`aside` makes room for what is written while a line is being typed."""
        self._aside = aside
        self._as_json = as_json

    def reply(self, method: Method[Any, Any], reply: Any) -> None:
        """Tell what a call was answered; a one-way method tells nothing."""
        shown = _shown(reply)
        if isinstance(method, OneWay):
            return
        if self._as_json:
            self._object(reply=shown, method=method.name)
        else:
            typer.echo("()" if reply is None else json.dumps(shown))

    def event(self, method: Method[Any, Any], payload: Any) -> None:
        """Tell that an event has come."""
        shown = _shown(payload)
        with self._aside():
            if self._as_json:
                self._object(event=method.name, payload=shown)
            else:
                text = method.name if payload is None else f"{method.name} {json.dumps(shown)}"
                typer.secho(f"event {text}", fg=_EVENT_COLOUR)

    def unknown_event(self, ordinal: int) -> None:
        """Tell that an event has come which the protocol does not know."""
        with self._aside():
            if self._as_json:
                self._object(event=None, ordinal=ordinal)
            else:
                typer.secho(f"event {ordinal:#x}, which is unknown", fg=_EVENT_COLOUR)

    def error(self, error: Exception, line: int | None) -> None:
        """Tell what went wrong, and at which line of a script."""
        text = complaint(error)
        if self._as_json:
            status = error.status.name if isinstance(error, IpcError) else None
            self._object(error=text, status=status, line=line)
        else:
            place = "" if line is None else f"line {line}: "
            typer.secho(f"ipcrt: {place}{text}", fg=_ERROR_COLOUR, err=True)

    def _object(self, **members: Any) -> None:
        typer.echo(json.dumps(members))


def _shown(value: Any) -> Any:
    handles: list[Handle] = []
    try:
        return to_json(value, handles)
    finally:
        close_all(handles)
