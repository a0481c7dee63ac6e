"""The locator: takes clients in, gives each its namespace, and counts them.

1. A client is known by the kernel's word about its socket, taken when it comes in.
2. Limits hold per locator and per uid; whoever exceeds one is told NO_RESOURCES and closed, and
   nobody else notices.
3. Every descriptor is owned: by the listener until accept(2) answers, by a `Channel` from then
   on, by the session's binding once it is admitted.
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
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.handover import HandOver
from ipcrt.locator.policy import Policy
from ipcrt.locator.protocol import Locator
from ipcrt.locator.registry import Registry
from ipcrt.locator.session import Session, refuse
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort

_log: Final = logging.getLogger("ipcrt.locator")
_ACCEPTS_PER_TURN: Final = 64
_MAX_REQUEST_BYTES: Final = 65536


@dataclasses.dataclass(frozen=True, slots=True)
class LocatorLimits:
    """What clients may claim of one locator."""

    clients: int = 4096
    """Client channels at once, over all."""

    clients_per_uid: int = 2048
    """Client channels at once of one uid."""

    calls_in_flight: int = 64
    """Calls of one client that are not answered; more wait unread."""


class LocatorService:
    """One locator on one port."""

    def __init__(
        self, port: AsyncPort, policy: Policy, limits: LocatorLimits | None = None
    ) -> None:
        self.port = port
        self.registry = Registry()
        self.stopping = False
        self._policy = policy
        self._limits = limits or LocatorLimits()
        self._sessions: set[Session] = set()
        self._per_uid: collections.Counter[int] = collections.Counter()
        self._reserve = _reserve_fd()
        self.hand_over = HandOver(port, self._take_in)

    # ---- clients that come in

    def listen(self, listener: Handle) -> None:
        """Accept clients from a listening socket, which stays the caller's, until `close`."""
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
                self._shed(listener, error)
                return
            self._take_in(channel)

    def _shed(self, listener: Handle, error: OSError) -> None:
        """Out of descriptors: turn one client away with the one that was kept for this."""
        _log.error("cannot accept a client: %s", error)
        if self._reserve is None:
            return
        self._reserve.close()
        try:
            refuse(_accept_one(listener), Status.NO_RESOURCES)
        except OSError:
            _log.warning("a client could not even be refused")
        self._reserve = _reserve_fd()

    def _take_in(self, channel: Channel) -> None:
        """Serve a fresh channel, as whom the kernel says its peer is."""
        with ServerEnd[Locator](channel) as end:
            try:
                who = Credentials.of(end.channel)
                namespace = self._policy.namespace_for(who, end.channel)
                self.admit(end, Session(self, who, namespace))
            except IpcError as error:
                _log.warning("a client is turned away: %s", error)

    def admit(self, end: ServerEnd[Locator], session: Session) -> bool:
        """Serve `end`, or refuse it with an epitaph where a limit is reached: then False.

        The end is moved and the session released in either case.
        """
        reason = self._reason_to_refuse(session.who.uid)
        if reason is not None:
            _log.warning("%r is turned away: %s", session, reason)
            session.release()
            refuse(end.take_channel(), Status.NO_RESOURCES)
            return False
        limits = Limits(self._limits.calls_in_flight, _MAX_REQUEST_BYTES)
        try:
            session.binding = ServerBinding(end, session, self.port, limits)
        except BaseException:
            session.release()
            raise
        self._sessions.add(session)
        self._per_uid[session.who.uid] += 1
        return True

    def _reason_to_refuse(self, uid: int) -> str | None:
        limits = self._limits
        if len(self._sessions) >= limits.clients:
            return f"{len(self._sessions)} clients, limit {limits.clients}"
        if self._per_uid[uid] >= limits.clients_per_uid:
            return f"{self._per_uid[uid]} clients of uid {uid}, limit {limits.clients_per_uid}"
        return None

    def forget(self, session: Session, reason: IpcError) -> None:
        """A client has gone: free its place."""
        if session in self._sessions:
            self._sessions.discard(session)
            self._per_uid[session.who.uid] -= 1
            if not self._per_uid[session.who.uid]:
                del self._per_uid[session.who.uid]
            session.release()
        if isinstance(reason, ProtocolError):
            _log.warning("%r is closed: %s", session, reason)
        elif not isinstance(reason, PeerClosed):
            _log.info("%r is closed: %s", session, reason)

    # ---- life

    def statistics(self) -> dict[str, int]:
        """Count clients, their uids, and the names on offer."""
        return {
            "clients": len(self._sessions),
            "uids": len(self._per_uid),
            "names": len(self.registry),
        }

    def close(self) -> None:
        """Close every client's channel with UNAVAILABLE, and every service's; idempotent."""
        self.stopping = True
        self.hand_over.stop()
        for session in list(self._sessions):
            if session.binding is not None:
                session.binding.close(Status.UNAVAILABLE)
        self.registry.close()
        if self._reserve is not None:
            self._reserve.close()
            self._reserve = None


def _accept_one(listener: Handle) -> Channel:
    """Accept one client; close-on-exec from the kernel on (accept4)."""
    sock = socket.socket(fileno=listener.fileno())
    try:
        accepted, _ = sock.accept()
    finally:
        sock.detach()
    return Channel(accepted.detach())


def _reserve_fd() -> Handle | None:
    """Keep one descriptor for the day when there are no others."""
    try:
        return Handle(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return None
