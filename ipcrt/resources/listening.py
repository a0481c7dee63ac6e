"""Listening: clients that come by a listen channel, each with a control channel of its own."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Final

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import Server, ServerBinding
from ipcrt.errors import IpcError, Status
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.messages import Control, Listen
from ipcrt.wire.epitaph import encode_epitaph

_log: Final = logging.getLogger("ipcrt.resources")


class ListenServer(Server[Listen]):
    """Serves a listen channel; owns the bindings of who has come."""

    PROTOCOL = Listen

    def __init__(
        self, bind: Callable[[Channel], ServerBinding[Control]], max_clients: int, name: str
    ) -> None:
        self._bind = bind
        self._max_clients = max_clients
        self._name = name
        self._clients: list[ServerBinding[Control]] = []

    def __str__(self) -> str:
        return f"{self._name}, listening"

    def connect(self, handle: Channel) -> None:
        """Handle a Connect."""
        self._clients = [client for client in self._clients if not client.closed]
        if len(self._clients) < self._max_clients:
            self._clients.append(self._bind(handle))
            return
        _log.warning("%s: %d clients are here, no more", self._name, self._max_clients)
        with handle, contextlib.suppress(IpcError):
            handle.write(encode_epitaph(Status.NO_RESOURCES))

    async def run(self, port: AsyncPort, channel: Channel) -> None:
        """Move `channel` here, and serve it until it is closed and all who came have gone."""
        with ServerBinding(ServerEnd[Listen](channel), self, port) as binding:
            await binding.wait_closed()
        for client in self._clients:
            await client.wait_closed()

    def close(self) -> None:
        """Close the clients' channels."""
        for client in self._clients:
            client.close()
