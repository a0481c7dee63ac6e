"""Misuse: a message that decodes, and breaks a rule that its contract tells in words.

    def grant(self, count: int) -> None:
        if not count:
            raise Misuse("a grant of nothing")

1. A handler that raises it ends its client's channel with `status` as the epitaph; nobody else
   notices.
2. A listener that raises it ends the server's channel: calls in flight, and later ones, fail with
   RemoteProtocolError.
3. Nothing else that is raised ends a channel. So it is not for what a third party has said.
Source: FIDL API Rubric, "Feed-forward dataflow": signal such an error by closing the connection.
"""

from __future__ import annotations

from ipcrt.errors import IpcError, Status


class Misuse(IpcError):
    """The peer did what its contract forbids; raised in a handler or a listener."""

    STATUS = Status.BAD_STATE
