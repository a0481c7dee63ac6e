"""The service's way in: register names with the locator and serve whoever is sent.

    async with open_port() as port:
        await provide(port, {"example/Echo": lambda client: EchoServer()})

A locator that goes away is looked for again: clients that were sent already keep their channels,
which lead straight to the service, and new ones come as soon as it is back.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ipcrt.bindings.ends import ServerEnd, create_endpoints
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.errors import PeerClosed, Status, TimedOut, Unavailable
from ipcrt.locator.connect import connect
from ipcrt.locator.protocol import Identity, Outgoing, OutgoingServer
from ipcrt.locator.session import refuse
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process
from ipcrt.port.aport import AsyncPort

_log: Final = logging.getLogger("ipcrt.locator")
_RETRY_S: Final = (0.05, 2.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Peer:
    """A client as the locator introduced it; `process` is closed when the client has gone."""

    identity: Identity
    process: Process | None


Factory = Callable[[Peer], Server[Any]]
"""Makes the object that serves one client."""


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceLimits:
    """What clients may claim of one service."""

    clients: int = 4096
    """Clients served at once; more are refused with NO_RESOURCES."""

    client: Limits = dataclasses.field(default_factory=Limits)
    """What each of them may claim."""


class Directory(OutgoingServer):
    """A service's outgoing directory: makes a server for each client that is sent."""

    def __init__(
        self, port: AsyncPort, offers: Mapping[str, Factory], limits: ServiceLimits | None = None
    ) -> None:
        self._port = port
        self._offers = dict(offers)
        self._limits = limits or ServiceLimits()
        self._clients: dict[ServerBinding[Any], Process | None] = {}

    def open(
        self, name: str, server_end: Channel, client: Identity, process: Process | None
    ) -> None:
        factory = self._offers.get(name)
        try:
            if factory is None:
                refuse(server_end, Status.NOT_FOUND)
            elif len(self._clients) >= self._limits.clients:
                _log.warning("%s: %d clients, the limit", name, len(self._clients))
                refuse(server_end, Status.NO_RESOURCES)
            else:
                self._serve(factory, server_end, Peer(client, process))
                return
        except BaseException:
            refuse(server_end, Status.INTERNAL)
            _close(process)
            raise
        _close(process)

    def _serve(self, factory: Factory, channel: Channel, peer: Peer) -> None:
        binding: ServerBinding[Any] = ServerBinding(
            ServerEnd(channel), factory(peer), self._port, self._limits.client
        )
        self._clients[binding] = peer.process
        self._port.spawn(self._watch(binding), "ipcrt client")

    async def _watch(self, binding: ServerBinding[Any]) -> None:
        try:
            await binding.wait_closed()
        finally:
            binding.close()
            _close(self._clients.pop(binding, None))

    def statistics(self) -> dict[str, int]:
        """Count the clients that are served, and their calls in flight."""
        calls = sum(binding.statistics()["calls_in_flight"] for binding in self._clients)
        return {"clients": len(self._clients), "calls_in_flight": calls}


async def provide(
    port: AsyncPort,
    offers: Mapping[str, Factory],
    *,
    path: str | os.PathLike[str] | None = None,
    limits: ServiceLimits | None = None,
    on_registered: Callable[[], Awaitable[None] | None] | None = None,
) -> None:
    """Offer names and serve their clients until cancelled.

    `on_registered` is called each time the locator has taken the names.
    Raises: RegisterFailed: the locator refuses. Unavailable: no locator at the first try; later
    ones are waited for.
    """
    directory = Directory(port, offers, limits)
    pause = _RETRY_S[0]
    first = True
    while True:
        try:
            async with connect(path, port=port) as locator:
                client, server = create_endpoints(Outgoing)
                binding = ServerBinding(server, directory, port)
                try:
                    await locator.proxy.register(list(offers), client)
                    first, pause = False, _RETRY_S[0]
                    if on_registered is not None and (told := on_registered()) is not None:
                        await told
                    await binding.wait_closed()
                finally:
                    binding.close()
            _log.info("the locator has gone; looking for it")
        except (Unavailable, PeerClosed, TimedOut) as error:
            if first:
                raise
            _log.info("%s; trying again in %.2f s", error, pause)
        await port.sleep(pause)
        pause = min(pause * 2, _RETRY_S[1])


def _close(process: Process | None) -> None:
    if process is not None:
        process.close()
