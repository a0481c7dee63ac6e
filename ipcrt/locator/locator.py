"""The locator: takes clients in, gives each its namespace, and counts them.

1. A client is known by the kernel's word about its socket, taken when it comes in.
2. Limits hold per locator and per uid; whoever exceeds one is told NO_RESOURCES and closed, and
   nobody else notices.
3. Every descriptor is owned: by the listener until accept(2) answers, by a `Channel` from then
   on, by the session's binding once it is admitted.
4. What lasts never takes the last descriptors: requests need them, those that they carry and
   those that we make for them (see `descriptors`).
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable
from typing import Any, Final

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import Limits
from ipcrt.errors import IpcError, NoResources, PeerClosed, ProtocolError, Status, Unavailable
from ipcrt.locator.acceptor import Acceptor
from ipcrt.locator.account import TREE_NAME, Diagnostics, clients_account, process_account
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.descriptors import descriptor_ceiling
from ipcrt.locator.guest import Guest
from ipcrt.locator.handover import HandOver
from ipcrt.locator.holders import holders_account, usages
from ipcrt.locator.keeper import Keeper, TreeLimits
from ipcrt.locator.lifetime import when_ended
from ipcrt.locator.limits import Bounds, Ledger, Quotas, Resource, Share
from ipcrt.locator.policy import Policy
from ipcrt.locator.protocol import Identity, Locator, Usage
from ipcrt.locator.queue_watch import QueueWatch
from ipcrt.locator.registry import Registration, Registry
from ipcrt.locator.session import Session, refuse
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from ipcrt.port.aport import AsyncPort

_log: Final = logging.getLogger("ipcrt.locator")
_MAX_REQUEST_BYTES: Final = 65536


@dataclasses.dataclass(frozen=True, slots=True)
class LocatorLimits:
    """What clients may claim of one locator."""

    clients: int = 4096
    """Client channels at once, over all."""

    clients_per_uid: int = 2048
    """Client channels at once of one uid."""

    calls_in_flight: int = 64
    """Calls on one channel that are not answered; more wait unread."""

    waiting_for_service: int = 2048
    """Channels' ends at once that wait for one service to take them; others are refused."""

    waiting_of_client: int = 16
    """How many of them may be one client's."""

    connections_per_client: int | None = None
    """Client channels at once of one process; None: as many as its uid's."""

    calls_per_client: int = 1024
    """Requests of one process that are not done: above all, channels' ends that wait."""

    calls_per_uid: int = 4096
    """Requests of one uid that are not done."""

    fds_per_client: int = 2048
    """Descriptors kept at once for one process."""

    fds_per_uid: int = 8192
    """Descriptors kept at once for one uid."""

    queued_bytes_per_client: int = 1 << 23
    """Bytes at once that one process has not read: some forty channels' queues, full."""

    queued_bytes_per_uid: int = 1 << 25
    """Bytes at once that processes of one uid have not read."""

    names_per_uid: int = 512
    """Names on offer at once by services of one uid; over all it is MAX_ENTRIES."""

    trees: TreeLimits = dataclasses.field(default_factory=TreeLimits)
    """Trees that are kept for others to look at."""

    def of_client(self) -> Bounds:
        """Answer what one client may hold where policy says nothing else."""
        return Bounds(
            self.connections_per_client or self.clients_per_uid,
            self.calls_per_client,
            self.fds_per_client,
            self.queued_bytes_per_client,
        )

    def of_uid(self) -> Bounds:
        """Answer what all clients of one uid may hold where policy says nothing else."""
        return Bounds(
            self.clients_per_uid,
            self.calls_per_uid,
            self.fds_per_uid,
            self.queued_bytes_per_uid,
        )


class LocatorService:
    """One locator on one port."""

    def __init__(
        self, port: AsyncPort, policy: Policy, limits: LocatorLimits | None = None
    ) -> None:
        self.port = port
        self.policy = policy
        self.limits = limits or LocatorLimits()
        self.keeper = Keeper(port, self.limits.trees)
        self.registry = Registry(self._unregistered)
        self.ledger = Ledger()
        self.queues = QueueWatch(port, self.ledger)
        self.stopping = False
        self._bounds = self.limits.of_client(), self.limits.of_uid()
        self._per_client = Limits(self.limits.calls_in_flight, _MAX_REQUEST_BYTES)
        self._sessions: set[Guest] = set()
        self._turned_away = 0
        self._acceptor = Acceptor(port, self.take_in)
        self._ceiling = descriptor_ceiling()
        self._left_at = port.clock()
        self.hand_over = HandOver(port, self._take_over)

    # ---- clients that come in

    def listen(self, listener: Handle) -> None:
        """Accept clients from a listening socket, which stays the caller's, until `close`."""
        self._acceptor.listen(listener)

    def take_in(self, channel: Channel) -> Session | None:
        """Serve a channel that was accepted, as whom the kernel says its peer is.

        The channel is moved; None: whoever it is was turned away.
        """
        with ServerEnd[Locator](channel) as end:
            try:
                session = self._session_for(end.channel)
                return session if self.admit(end, session) else None
            except (IpcError, OSError) as error:
                _log.warning("a client is turned away: %s", error)
                return None

    def _take_over(self, channel: Channel) -> None:
        """Serve a channel that another thread gives, which is moved unless this raises.

        Raises: NoResources: a limit is reached. NotSupported, WrongType: it has no peer.
        """
        session = self._session_for(channel)
        self._check_room_for(session, channel.fileno())
        with ServerEnd[Locator](channel) as end:
            self._serve(end, session)

    def _session_for(self, channel: Channel) -> Session:
        who = Credentials.of(channel)
        grant = self.policy.grant_for(who, channel)
        return Session(self, who, grant.namespace, quotas=grant.quotas)

    def open_share(self, who: Credentials, quotas: Quotas) -> Share:
        """Open a client's share of what there is, under the limits that policy sets for it."""
        client, uid = self._bounds
        return Share(self.ledger, who, client.under(quotas.client), uid.under(quotas.uid))

    def admit(self, end: ServerEnd[Any], guest: Guest) -> bool:
        """Serve `end`, or refuse it with an epitaph where a limit is reached: then False.

        The end is moved and the guest released in either case.
        """
        try:
            self._check_room_for(guest, end.channel.fileno(), *guest.descriptors())
        except NoResources:
            guest.release()
            refuse(end.take_channel(), Status.NO_RESOURCES)
            return False
        self._serve(end, guest)
        return True

    def _serve(self, end: ServerEnd[Any], guest: Guest) -> None:
        calls = min(self._per_client.calls_in_flight, guest.share.client_bounds.calls)
        limits = dataclasses.replace(self._per_client, calls_in_flight=calls)
        try:
            guest.serve(end, limits)
        except BaseException:
            guest.release()
            raise
        self._sessions.add(guest)
        guest.share.hold(Resource.CONNECTIONS)
        guest.share.hold(Resource.FDS, 1 + len(guest.descriptors()))

    def admit_another(self, end: ServerEnd[Locator], client: Guest) -> None:
        """Serve `end` as one more channel of a client, until its process ends; the end is moved.

        Raises: Unavailable: shutting down. NoResources, NotFound: the client has gone.
        """
        if self.stopping:
            raise Unavailable("the locator is shutting down")
        process = client.process()
        another = Session(self, client.who, client.namespace, process, client.quotas)
        if not self.admit(end, another):
            raise NoResources(f"{client} may have no more channels")
        self.end_with(process, another.end)

    def end_with(self, process: Process, end: Callable[[], None]) -> None:
        """Call `end` with the process's end, or now where that cannot be watched for."""
        try:
            when_ended(self.port, process, end)
        except BaseException:
            end()
            raise

    def _check_room_for(self, guest: Guest, *descriptors: int) -> None:
        """Raises: NoResources: says which limit is reached, and the log says it, too."""
        try:
            self._check_limits(guest, *descriptors)
        except NoResources as error:
            self._turned_away += 1
            _log.warning("%s is turned away: %s", guest, error)
            raise

    def _check_limits(self, guest: Guest, *descriptors: int) -> None:
        if len(self._sessions) >= self.limits.clients:
            raise NoResources(f"{len(self._sessions)} clients, limit {self.limits.clients}")
        guest.share.check(Resource.CONNECTIONS)
        guest.share.check(Resource.FDS, len(descriptors))
        if not self.has_room(*descriptors):
            raise NoResources(f"descriptors from {self._ceiling} on are kept for requests")

    def has_room(self, *descriptors: int) -> bool:
        """True where these descriptors may be kept for long (rule 4)."""
        return max(descriptors) < self._ceiling

    def has_waiting_room(self, *descriptors: int) -> bool:
        """True where these may wait for a service: all that wait leave half of what there is."""
        return max(descriptors) < self._ceiling // 2

    def guests(self) -> list[Guest]:
        """Answer who is served."""
        return list(self._sessions)

    def dismiss(self, guest: Guest) -> None:
        """Free the place of a client that is served no more; harmless where that was done."""
        if guest in self._sessions:
            self._sessions.discard(guest)
            guest.share.give_back(Resource.CONNECTIONS)
            guest.share.give_back(Resource.FDS, 1 + len(guest.descriptors()))
            self.queues.forget(guest)
            guest.release()
            self._left_at = self.port.clock()

    def forget(self, guest: Guest, reason: IpcError) -> None:
        """A client has gone: free its place."""
        self.dismiss(guest)
        if not isinstance(reason, PeerClosed | ProtocolError):  # bindings logs the latter
            _log.info("%s is closed: %s", guest, reason)

    def _unregistered(self, registration: Registration) -> None:
        """A service has gone: its trees stay a while, and what it held is free."""
        self.keeper.ended(registration)
        if registration.share is not None:
            registration.share.give_back(Resource.FDS, registration.fds)

    # ---- life

    @property
    def idle_since(self) -> float | None:
        """When the last client left, on the port's clock; None while there is one.

        Whoever serves a name is a client, also where its own channel is closed.
        """
        self.registry.sweep()
        if self._sessions or len(self.registry):
            self._left_at = self.port.clock()
            return None
        return self._left_at

    def statistics(self) -> dict[str, int]:
        """Count clients, their uids, and the names on offer."""
        self.registry.sweep()
        return {
            "clients": len(self._sessions),
            "uids": len({guest.who.uid for guest in self._sessions}),
            "names": len(self.registry),
        }

    def usages_of(self, guest: Guest) -> list[Usage]:
        """Tell a client what it and its uid hold, and may hold."""
        return usages(self.ledger, guest.share, self._sessions)

    def account(self) -> dict[str, object]:
        """Tell of the locator itself, its limits, and its busiest clients."""
        clients = [
            (session.identity, session.binding)
            for session in self._sessions
            if session.binding is not None
        ]
        return {
            **self.statistics(),
            "process": process_account(),
            "limits": dataclasses.asdict(self.limits),
            "trees": self.keeper.statistics(),
            "turned_away": self._turned_away,
            "refused": {each.value: count for each, count in self.ledger.refused.items()},
            "holders": holders_account(self.ledger, self._sessions),
            "clients_by_load": clients_account(clients, self._per_client),
        }

    def show(self, diagnostics: Diagnostics) -> None:
        """Tell of ourselves, and let others look at it as at any service's tree."""
        diagnostics.lazy("locator", self.account)
        diagnostics.lazy("port", self.port.statistics)
        who = Identity(os.getpid(), os.geteuid(), os.getegid())
        with diagnostics.duplicate_vmo() as vmo:
            self.keeper.publish(self, Locator.TABLE.name, TREE_NAME, who, vmo)

    def stop_listening(self) -> None:
        """Leave whoever connects from now on in the listeners' queues. Idempotent."""
        self._acceptor.stop()

    def close(self) -> None:
        """Take nobody in any more; tell every client UNAVAILABLE and close it. Idempotent."""
        self.stopping = True
        self.hand_over.stop()
        self._acceptor.close()
        for session in list(self._sessions):
            if session.binding is not None:
                session.binding.close(Status.UNAVAILABLE)
        self.registry.close()
        self.keeper.close()
        self.queues.close()
