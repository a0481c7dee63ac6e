"""Lifetime: an empty protocol, whose channel says that somebody still wants something.

    closed protocol Pin {};

    def pin(self, shape_id: int, pin: ServerEnd[Pin]) -> None:
        serve_lifetime(pin, Pin, self._port, lambda reason: self._unpin(shape_id))

The client keeps its end, as a `ClientEnd` or a proxy, for as long as it wants the object; closing
it, or dying, ends the object. The server ends it by closing the binding, with an epitaph or
without; then the client's channel tells PEER_CLOSED. Methods may be added later.
Source: FIDL API Rubric, "Empty protocols".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipcrt.bindings.ends import P, ServerEnd
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.errors import IpcError
from ipcrt.port.port import Port

_LIMITS = Limits(calls_in_flight=1, message_bytes=256)
"""Nothing of the protocol's own ever comes."""


class LifetimeServer(Server[Any]):
    """Waits for the end. `serve_lifetime` makes it; PROTOCOL is the lifetime's own."""

    def __init__(self, on_end: Callable[[IpcError], object]) -> None:
        self._on_end = on_end

    def client_gone(self, reason: IpcError) -> None:
        self._on_end(reason)


def serve_lifetime(
    end: ServerEnd[P], protocol: type[P], port: Port, on_end: Callable[[IpcError], object]
) -> ServerBinding[P]:
    """Move `end` here; `on_end(reason)` is called once, when either side has closed.

    Raises: TypeError: `protocol` has methods, so it wants a server; then the end stays. BadState.
    """
    if protocol.TABLE.requests:
        raise TypeError(f"{protocol.TABLE.name} has methods; write a server for it")
    lifetime = type(f"{protocol.__name__}Lifetime", (LifetimeServer,), {"PROTOCOL": protocol})
    server: LifetimeServer = lifetime(on_end)
    return ServerBinding(end, server, port, _LIMITS)
