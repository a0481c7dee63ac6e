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

import collections
import dataclasses
import logging
import os
import socket
from typing import Final

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.errors import IpcError, PeerClosed, ProtocolError, Status
from ipcrt.locator.account import TREE_NAME, Diagnostics, clients_account, process_account
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.descriptors import descriptor_ceiling
from ipcrt.locator.handover import HandOver
from ipcrt.locator.keeper import Keeper, TreeLimits
from ipcrt.locator.policy import Policy
from ipcrt.locator.protocol import Identity, Locator
from ipcrt.locator.registry import Registry
from ipcrt.locator.session import Session, refuse
from ipcrt.objects._fd import LentSocket
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.deadlines import Token

_log: Final = logging.getLogger("ipcrt.locator")
_ACCEPTS_PER_TURN: Final = 64
_MAX_REQUEST_BYTES: Final = 65536
_REST_S: Final = 0.2
"""How long not to look at a listener whose clients can be neither served nor refused."""


@dataclasses.dataclass(frozen=True, slots=True)
class LocatorLimits:
    """What clients may claim of one locator."""

    clients: int = 4096
    """Client channels at once, over all."""

    clients_per_uid: int = 2048
    """Client channels at once of one uid."""

    calls_in_flight: int = 64
    """Calls of one client that are not answered; more wait unread."""

    waiting_for_service: int = 2048
    """Channels' ends at once that wait for one service to take them; others are refused."""

    waiting_of_client: int = 16
    """How many of them may be one client's."""

    names_per_uid: int = 512
    """Names on offer at once by services of one uid; over all it is MAX_ENTRIES."""

    trees: TreeLimits = dataclasses.field(default_factory=TreeLimits)
    """Trees that are kept for others to look at."""


class LocatorService:
    """One locator on one port."""

    def __init__(
        self, port: AsyncPort, policy: Policy, limits: LocatorLimits | None = None
    ) -> None:
        self.port = port
        self.policy = policy
        self.limits = limits or LocatorLimits()
        self.keeper = Keeper(port, self.limits.trees)
        self.registry = Registry(self.keeper.ended)
        self.stopping = False
        self._per_client = Limits(self.limits.calls_in_flight, _MAX_REQUEST_BYTES)
        self._sessions: set[Session] = set()
        self._per_uid: collections.Counter[int] = collections.Counter()
        self._listeners: list[Handle] = []
        self._rests: dict[Handle, Token] = {}
        self._ceiling = descriptor_ceiling()
        self._reserve = _reserve_fd()
        self.hand_over = HandOver(port, self._take_in)

    # ---- clients that come in

    def listen(self, listener: Handle) -> None:
        """Accept clients from a listening socket, which stays the caller's, until `close`."""
        self._listeners.append(listener)
        self._watch(listener)

    def _watch(self, listener: Handle) -> None:
        self._rests.pop(listener, None)
        if self._reserve is None:
            self._reserve = _reserve_fd()
        self.port.add_reader(listener, lambda: self._accept(listener))

    def _accept(self, listener: Handle) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                channel = _accept_one(listener)
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                _log.error("cannot accept a client: %s", error)
                if not self._shed(listener):
                    self._rest(listener)
                return
            self._take_in(channel)

    def _shed(self, listener: Handle) -> bool:
        """Turn one client away with the descriptor that was kept for this; False if we cannot."""
        if self._reserve is None:
            return False
        self._reserve.close()
        try:
            refuse(_accept_one(listener), Status.NO_RESOURCES)
        except OSError:
            return False
        finally:
            self._reserve = _reserve_fd()
        return True

    def _rest(self, listener: Handle) -> None:
        """Leave a listener alone for a while: it stays readable, and looking would not help."""
        self.port.remove_reader(listener)
        self._rests[listener] = self.port.deadlines.add(_REST_S, lambda: self._watch(listener))

    def _take_in(self, channel: Channel) -> None:
        """Serve a fresh channel, as whom the kernel says its peer is."""
        with ServerEnd[Locator](channel) as end:
            try:
                who = Credentials.of(end.channel)
                namespace = self.policy.namespace_for(who, end.channel)
                self.admit(end, Session(self, who, namespace))
            except (IpcError, OSError) as error:
                _log.warning("a client is turned away: %s", error)

    def admit(self, end: ServerEnd[Locator], session: Session) -> bool:
        """Serve `end`, or refuse it with an epitaph where a limit is reached: then False.

        The end is moved and the session released in either case.
        """
        reason = self._reason_to_refuse(end, session)
        if reason is not None:
            _log.warning("%s is turned away: %s", session, reason)
            session.release()
            refuse(end.take_channel(), Status.NO_RESOURCES)
            return False
        try:
            session.binding = ServerBinding(end, session, self.port, self._per_client)
        except BaseException:
            session.release()
            raise
        self._sessions.add(session)
        self._per_uid[session.who.uid] += 1
        return True

    def _reason_to_refuse(self, end: ServerEnd[Locator], session: Session) -> str | None:
        limits, uid = self.limits, session.who.uid
        if len(self._sessions) >= limits.clients:
            return f"{len(self._sessions)} clients, limit {limits.clients}"
        if self._per_uid[uid] >= limits.clients_per_uid:
            return f"{self._per_uid[uid]} clients of uid {uid}, limit {limits.clients_per_uid}"
        if not self.has_room(end.channel.fileno(), *session.descriptors()):
            return f"descriptors from {self._ceiling} on are kept for requests"
        return None

    def has_room(self, *descriptors: int) -> bool:
        """True where these descriptors may be kept for long (rule 4)."""
        return max(descriptors) < self._ceiling

    def has_waiting_room(self, *descriptors: int) -> bool:
        """True where these may wait for a service: all that wait leave half of what there is."""
        return max(descriptors) < self._ceiling // 2

    def forget(self, session: Session, reason: IpcError) -> None:
        """A client has gone: free its place."""
        if session in self._sessions:
            self._sessions.discard(session)
            self._per_uid[session.who.uid] -= 1
            if not self._per_uid[session.who.uid]:
                del self._per_uid[session.who.uid]
            session.release()
        if not isinstance(reason, PeerClosed | ProtocolError):  # bindings logs the latter
            _log.info("%s is closed: %s", session, reason)

    # ---- life

    def statistics(self) -> dict[str, int]:
        """Count clients, their uids, and the names on offer."""
        self.registry.sweep()
        return {
            "clients": len(self._sessions),
            "uids": len(self._per_uid),
            "names": len(self.registry),
        }

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
            "clients_by_load": clients_account(clients, self._per_client),
        }

    def show(self, diagnostics: Diagnostics) -> None:
        """Tell of ourselves, and let others look at it as at any service's tree."""
        diagnostics.lazy("locator", self.account)
        diagnostics.lazy("port", self.port.statistics)
        who = Identity(os.getpid(), os.geteuid(), os.getegid())
        with diagnostics.duplicate_vmo() as vmo:
            self.keeper.publish(self, Locator.TABLE.name, TREE_NAME, who, vmo)

    def close(self) -> None:
        """Take nobody in any more; tell every client UNAVAILABLE and close it. Idempotent."""
        self.stopping = True
        self.hand_over.stop()
        for listener in self._listeners:
            self.port.remove_reader(listener)
        for token in self._rests.values():
            self.port.deadlines.drop(token)
        self._listeners.clear()
        self._rests.clear()
        for session in list(self._sessions):
            if session.binding is not None:
                session.binding.close(Status.UNAVAILABLE)
        self.registry.close()
        self.keeper.close()
        if self._reserve is not None:
            self._reserve.close()
            self._reserve = None


def _accept_one(listener: Handle) -> Channel:
    """Accept one client; close-on-exec from the kernel on (accept4)."""
    with LentSocket(listener.fileno(), socket.SOCK_SEQPACKET) as sock:
        accepted, _ = sock.accept()
    return Channel(accepted.detach())


def _reserve_fd() -> Handle | None:
    """Keep one descriptor for the day when there are no others."""
    try:
        return Handle(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return None
