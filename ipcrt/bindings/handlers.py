"""Handlers: what a server object must have, told before its first client is served."""

from __future__ import annotations

import inspect

from ipcrt.bindings.tables import ProtocolTable


def check_handlers(server: object, table: ProtocolTable, *, inline_only: bool) -> None:
    """Refuse a server that lacks a method of its protocol.

    `inline_only`: nothing here could run an `async def`.
    Raises: TypeError, which names what is wrong.
    """
    name = type(server).__name__
    for method in table.requests.values():
        handler = getattr(server, method.name, None)
        if not callable(handler):
            raise TypeError(f"{name} serves {table.name} without {method.name}()")
        if inline_only and inspect.iscoroutinefunction(handler):
            raise TypeError(f"{name}.{method.name} is async; a plain thread runs a plain def only")
    for hook in ("client_came", "client_gone", "unknown_method"):
        if inspect.iscoroutinefunction(getattr(server, hook, None)):
            raise TypeError(f"{name}.{hook} is async; it is told, and must not wait")
