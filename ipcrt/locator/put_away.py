"""Put away: all that clients have here goes to the supervisor's store, for our successor.

1. A call that was read is answered before its channel goes. What was not read stays in the
   channel, in its order, and is the successor's to read.
2. Nothing is read any more from a channel that went. All go at once, but for those whose peer does
   not take what it is sent: they are waited for, SETTLE_S at most.
3. What cannot go is closed here, a client's channel with the epitaph UNAVAILABLE. So no call ever
   waits for an answer that will not come.
4. Only a daemon that is told to stop does this. One that is killed has stored nothing: every
   channel of it closes at that moment.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from ipcrt.errors import BadState, IpcError, NotFound, Status
from ipcrt.locator.fd_store import FdStore
from ipcrt.locator.guest import Guest
from ipcrt.locator.kept import KeptClient, KeptService, KeptTree, Record, Who
from ipcrt.locator.locator import LocatorService
from ipcrt.locator.mark import Mark
from ipcrt.locator.own_connector import OwnConnector
from ipcrt.locator.policy import Namespace
from ipcrt.locator.protocol import Identity
from ipcrt.locator.registry import Registration
from ipcrt.locator.session import Session, refuse
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.port.aport import AsyncPort

_log: Final = logging.getLogger("ipcrt.locator")

SETTLE_S: Final = 1.0
"""How long a restart may wait for clients that do not take their answers."""

_LOOK_S: Final = 0.01
_ROOT: Final = Identity(0, 0, 0)


async def put_away(locator: LocatorService, store: FdStore) -> int:
    """Move all channels and trees to the store; answer how many went. Close the locator then."""
    locator.stop_listening()
    port = locator.port
    until = port.clock() + SETTLE_S
    with _Packing(locator) as packing:
        await _settle(port, packing.pack_clients, until)
        for guest in locator.guests():
            _turn_out(guest)
        packing.pack_trees()
        await _settle(port, packing.pack_services, until)
        return packing.send(store)


async def _settle(port: AsyncPort, pack: Callable[[], bool], until: float) -> None:
    """Pack again and again until all is packed, or time is up (rule 2)."""
    while not pack() and port.clock() < until:
        await port.sleep(_LOOK_S)


class _Packing:
    """What goes, and what is written down of it; owns it until it is sent."""

    def __init__(self, locator: LocatorService) -> None:
        self._locator = locator
        self._record = Record()
        self._handles: list[Handle] = []
        self._koids: dict[Guest, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        close_all(self._handles)

    # ---- clients

    def pack_clients(self) -> bool:
        """Pack the clients that are settled; True where none is left."""
        for guest in self._locator.guests():
            try:
                self._pack_client(guest)
            except BadState:
                continue  # rule 1
            except IpcError:  # its process has ended, or its channel has
                _turn_out(guest)
        return not self._locator.guests()

    def _pack_client(self, guest: Guest) -> None:
        """Raises: BadState: it is owed something. NotFound: the process has ended. BadHandle."""
        binding = guest.binding
        if binding is None:
            raise NotFound(f"{guest} is not served")
        koid = binding.channel.koid
        note = KeptClient(koid)
        if guest.descriptors():
            with guest.process() as process:
                connects = isinstance(guest, OwnConnector)
                note = KeptClient(koid, Who.of(guest.who), Mark.of(process), connects)
        self._handles.append(binding.into_server_end().take_channel())
        self._record.clients.append(note)
        self._koids[guest] = koid
        self._locator.dismiss(guest)

    # ---- services

    def pack_services(self) -> bool:
        """Pack the services that are settled; True where none is left."""
        done = True
        for registration in self._locator.registry.registrations():
            try:
                self._pack_service(registration)
            except BadState:
                done = False
            except IpcError:
                continue  # it has ended, or was packed
        return done

    def _pack_service(self, registration: Registration) -> None:
        """Raises: BadState: it is owed something. IpcError: it has ended, or has gone already."""
        session = registration.session
        if not isinstance(session, Session):
            raise NotFound("nobody registered it")
        process = Mark.of(registration.process)
        end = registration.outgoing.into_client_end()
        channel = end.take_channel()
        self._handles.insert(len(self._record.services), channel)
        note = KeptService(
            channel.koid,
            self._koids.get(session, 0),
            Who.of(session.who),
            process,
            list(registration.names),
        )
        self._record.services.append(note)

    # ---- trees

    def pack_trees(self) -> None:
        """Pack what is published, but our own; no client can publish any more."""
        keeper, after = self._locator.keeper, 0
        nothing = Namespace((), ())
        while page := keeper.listing(_ROOT, nothing, after):
            for tree in page:
                after = tree.number
                vmo = keeper.find(_ROOT, nothing, tree.number)
                if vmo is None or tree.publisher.pid == os.getpid():
                    continue
                who = tree.publisher
                try:
                    self._handles.append(vmo.duplicate())
                except IpcError:
                    return  # no descriptors: what is left is lost
                note = KeptTree(
                    vmo.koid, tree.service, tree.name, (who.pid, who.uid, who.gid), tree.alive
                )
                self._record.trees.append(note)

    # ---- sending

    def send(self, store: FdStore) -> int:
        """Store it all, and turn away whom there is no room for (rule 3)."""
        sent = 0
        try:
            with self._record.to_vmo() as state:
                sent = store.put(self._handles, state)
        except IpcError as error:
            _log.error("clients cannot be written down: %s", error)
        for handle in self._handles[sent:]:
            if isinstance(handle, Channel):
                refuse(handle, Status.UNAVAILABLE)
        return sent


def _turn_out(guest: Guest) -> None:
    if guest.binding is not None:
        guest.binding.close(Status.UNAVAILABLE)
