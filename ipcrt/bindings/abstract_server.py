"""The base of what serves a protocol, apart from the engine that serves it.

The modules that hold a contract's servers hold its proxies, too. A client that imports one gets
by without `server`, and all that is behind it.
"""

from __future__ import annotations

import logging
from abc import ABC
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic

from ipcrt.bindings.ends import P
from ipcrt.bindings.tables import Kind, ProtocolTable
from ipcrt.errors import IpcError

if TYPE_CHECKING:
    from ipcrt.bindings.server import ServerBinding

_log: Final = logging.getLogger("ipcrt.bindings")


class Server(ABC, Generic[P]):
    """Base of all servers: one object serves one client. Subclasses implement the methods."""

    PROTOCOL: ClassVar[type[Any]]

    SEQUENTIAL: ClassVar[bool] = False
    """True where each request is to wait until the one before it has been answered."""

    def __str__(self) -> str:
        """Whom this serves, for the log; override it where more is known of the client."""
        table: ProtocolTable = self.PROTOCOL.TABLE
        return table.name

    def unknown_method(self, ordinal: int, kind: Kind) -> None:
        """A flexible method came that this protocol does not know; it has been dealt with."""
        _log.info("%s: unknown %s method %#x", self.PROTOCOL.TABLE.name, kind.value, ordinal)

    def client_came(self, binding: ServerBinding[P]) -> None:
        """Serving begins; `binding` sends events, and can close the channel."""

    def client_gone(self, reason: IpcError) -> None:
        """The client's channel has ended; free what was kept for it."""
