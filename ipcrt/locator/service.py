"""The service's way in: register names with the locator and serve whoever is sent.

    async with open_port() as port:
        await provide(port, {"example/Echo": lambda client: EchoServer()})

A locator that goes away is looked for again: clients that were sent already keep their channels,
which lead straight to the service, and new ones come as soon as it is back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ipcrt.bindings.ends import ServerEnd, create_endpoints
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.errors import IpcError, PeerClosed, Status
from ipcrt.locator.account import TREE_NAME, Diagnostics, clients_account, process_account
from ipcrt.locator.connect import LocatorClient, connect
from ipcrt.locator.crowds import Crowds
from ipcrt.locator.descriptors import descriptor_ceiling
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
    """What clients may claim of one service; more of them are refused with NO_RESOURCES."""

    clients: int = 4096
    """Clients served at once, over all."""

    clients_per_uid: int = 2048
    """Clients served at once of one uid."""

    queued_bytes_per_uid: int = 1 << 25
    """Bytes that all clients of one uid may leave unread for long; then some of them are closed."""

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
        self._clients: dict[ServerBinding[Any], Peer] = {}
        self._crowds = Crowds(port, self._limits.queued_bytes_per_uid, self._limits.client)
        self._ceiling = descriptor_ceiling()

    @property
    def names(self) -> list[str]:
        """What it offers."""
        return list(self._offers)

    def open(
        self, name: str, server_end: Channel, client: Identity, process: Process | None
    ) -> None:
        peer = Peer(client, process)
        with ServerEnd[Any](server_end) as end:
            try:
                status = self._reason_to_refuse(name, peer, end.channel.fileno())
                if status is Status.OK:
                    self._serve(end, self._offers[name](peer), peer)
                    return
            except BaseException:
                _close(peer)
                if not end.closed:
                    refuse(end.take_channel(), Status.INTERNAL)
                raise
            _close(peer)
            refuse(end.take_channel(), status)

    def _reason_to_refuse(self, name: str, peer: Peer, descriptor: int) -> Status:
        uid = peer.identity.uid
        if name not in self._offers:
            return Status.NOT_FOUND
        if len(self._clients) >= self._limits.clients:
            _log.warning("%s: %d clients, the limit", name, len(self._clients))
            return Status.NO_RESOURCES
        if self._crowds.count(uid) >= self._limits.clients_per_uid:
            _log.warning("%s: %d clients of uid %d, the limit", name, self._crowds.count(uid), uid)
            return Status.NO_RESOURCES
        if descriptor >= self._ceiling:
            _log.warning("%s: descriptors from %d on are kept for requests", name, self._ceiling)
            return Status.NO_RESOURCES
        return Status.OK

    def _serve(self, end: ServerEnd[Any], server: Server[Any], peer: Peer) -> None:
        binding = ServerBinding(end, server, self._port, self._limits.client)
        self._clients[binding] = peer
        self._crowds.join(peer.identity.uid, binding)
        self._port.spawn(self._watch(binding), "ipcrt client")

    async def _watch(self, binding: ServerBinding[Any]) -> None:
        try:
            await binding.wait_closed()
        finally:
            binding.close()
            self._forget(binding)

    def _forget(self, binding: ServerBinding[Any]) -> None:
        peer = self._clients.pop(binding, None)
        if peer is None:
            return
        _close(peer)
        self._crowds.leave(peer.identity.uid, binding)

    def statistics(self) -> dict[str, int]:
        """Count the clients that are served, and their calls in flight."""
        calls = sum(binding.statistics()["calls_in_flight"] for binding in self._clients)
        return {"clients": len(self._clients), "calls_in_flight": calls}

    def account(self) -> dict[str, object]:
        """Tell of the service, its limits, and its busiest clients."""
        clients = [(peer.identity, binding) for binding, peer in self._clients.items()]
        return {
            **self.statistics(),
            "process": process_account(),
            "limits": {
                "clients": self._limits.clients,
                "clients_per_uid": self._limits.clients_per_uid,
                "queued_bytes_per_uid": self._limits.queued_bytes_per_uid,
            },
            "uids": self._crowds.account(),
            "clients_by_load": clients_account(clients, self._limits.client),
        }


async def provide(
    port: AsyncPort,
    offers: Mapping[str, Factory],
    *,
    path: str | os.PathLike[str] | None = None,
    limits: ServiceLimits | None = None,
    on_registered: Callable[[], Awaitable[None] | None] | None = None,
    inspect: Diagnostics | None = None,
) -> None:
    """Offer names and serve their clients until cancelled.

    `on_registered` is called each time the locator has taken the names. `inspect`, which stays the
    caller's, shows the clients meanwhile, and is published under the first name.
    Raises, at the first try: RegisterFailed: the locator refuses. Unavailable: there is none.
    NoResources: it is full. Later it tries again and again whatever happens (a locator may not
    have noticed yet that our last registration is gone): clients are being served meanwhile.
    """
    directory = Directory(port, offers, limits)
    with contextlib.ExitStack() as stack:
        if inspect is not None:
            stack.callback(inspect.lazy("service", directory.account).close)
            stack.callback(inspect.lazy("port", port.statistics).close)
        await _provide(port, directory, path, on_registered, inspect)


async def _provide(
    port: AsyncPort,
    directory: Directory,
    path: str | os.PathLike[str] | None,
    on_registered: Callable[[], Awaitable[None] | None] | None,
    inspect: Diagnostics | None,
) -> None:
    first, pause = True, _RETRY_S[0]

    async def registered(locator: LocatorClient) -> None:
        nonlocal first, pause
        first, pause = False, _RETRY_S[0]
        if inspect is not None:
            await _publish(locator, directory.names[0], inspect)
        if on_registered is not None and (told := on_registered()) is not None:
            await told

    while True:
        try:
            await _provide_once(port, directory, path, registered)
            _log.info("the locator has gone; looking for it")
        except IpcError as error:
            if first or port.closed:
                raise
            _log.warning("not registered: %s; trying again in %.2f s", error, pause)
        await port.sleep(pause)
        pause = min(pause * 2, _RETRY_S[1])


async def _provide_once(
    port: AsyncPort,
    directory: Directory,
    path: str | os.PathLike[str] | None,
    registered: Callable[[LocatorClient], Awaitable[None]],
) -> None:
    """Register with the locator, and return when it has gone."""
    async with connect(path, port=port) as locator:
        client, server = create_endpoints(Outgoing)
        with client:
            binding = ServerBinding(server, directory, port)
            try:
                await locator.proxy.register(directory.names, client)
                await registered(locator)
                await binding.wait_closed()
            finally:
                binding.close()


async def _publish(locator: LocatorClient, service: str, inspect: Diagnostics) -> None:
    """Publish what a service tells of itself; it serves without that as well."""
    try:
        with inspect.duplicate_vmo() as vmo:
            await locator.proxy.publish(service, TREE_NAME, vmo)
    except PeerClosed:
        raise
    except IpcError as error:
        _log.warning("diagnostics are not published: %s", error)


def _close(peer: Peer) -> None:
    if peer.process is not None:
        peer.process.close()
