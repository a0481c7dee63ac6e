"""Guest: one channel that the locator serves for a client, whatever is spoken on it.

Who the client is, was settled when its first channel came in; all that come from it are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.errors import IpcError, NotFound
from ipcrt.locator.credentials import Credentials, peer_process
from ipcrt.locator.limits import Quotas
from ipcrt.locator.policy import Namespace
from ipcrt.locator.protocol import Identity
from ipcrt.objects.process import Process

if TYPE_CHECKING:
    from ipcrt.locator.locator import LocatorService


class Guest:
    """A client's channel: who is behind it, what it may do, and what it holds."""

    def __init__(
        self,
        service: LocatorService,
        who: Credentials,
        namespace: Namespace,
        process: Process | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        """`process` is the client's, moved here, where its own channel does not tell it."""
        self._service = service
        self._process = process
        self.who = who
        self.identity = Identity(who.pid, who.uid, who.gid)
        self.namespace = namespace
        self.quotas = quotas or Quotas()
        self.share = service.open_share(who, self.quotas)
        self.binding: ServerBinding[Any] | None = None
        self.queued_bytes = 0
        """As it was last measured; see `queue_watch`."""
        self._waiting: int = 0

    def serve(self, end: ServerEnd[Any], limits: Limits) -> None:
        """Serve `end`, which is moved, as long as it lasts."""
        assert isinstance(self, Server)
        self.binding = ServerBinding[Any](end, self, self._service.port, limits)

    def process(self) -> Process:
        """Open the client's process; the caller owns the answer.

        Raises: NotFound: it has ended. NoResources: no descriptor is free.
        """
        if self._process is not None:
            return self._process.duplicate()
        if self.binding is None:
            raise NotFound(f"{self} is not served")
        return peer_process(self.binding.channel)

    def descriptors(self) -> list[int]:
        """Lend the numbers of what is kept for the client beside its channel."""
        return [] if self._process is None else [self._process.fileno()]

    def end(self) -> None:
        """Close the client's channel."""
        if self.binding is not None:
            self.binding.close()

    def release(self) -> None:
        """Close what is kept for the client."""
        self.binding = None
        if self._process is not None:
            self._process.close()

    def client_gone(self, reason: IpcError) -> None:
        """Give the place back."""
        self._service.forget(self, reason)

    def __str__(self) -> str:
        return f"client pid {self.who.pid} uid {self.who.uid}"
