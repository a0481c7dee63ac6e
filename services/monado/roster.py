"""Who is there, who is seen, and who has the focus: rules about clients, without their calls.

1. A session is visible while it runs and is an overlay, or its client is the primary one.
2. The primary client is the one that was named last, as long as its session runs; else the one of
   the other running sessions, no overlays, that began first.
3. The focus has who was named last, as long as its session runs; else the primary client.
4. Each session is told of what changes for it: of changes that it has not asked for yet, only the
   newest few are kept.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass, field
from typing import Final

from ipcrt_services.monado.bindings import (
    MAX_CLIENTS,
    Refusal,
    Refused,
    SessionEvent,
    SessionInfo,
    SessionKind,
)

_KEPT_EVENTS: Final = 16


@dataclass(slots=True)
class Member:
    """One client, as the roster knows it; `Roster` alone changes it."""

    id: int
    pid: int
    name: str = ""
    session: SessionInfo | None = None
    z_order: int = 0
    began: int = 0
    """How many sessions had begun before; zero while it does not run."""
    io_active: bool = True
    told: SessionEvent = field(default_factory=lambda: SessionEvent(False, False))
    events: collections.deque[SessionEvent] = field(
        default_factory=lambda: collections.deque[SessionEvent](maxlen=_KEPT_EVENTS)
    )

    @property
    def running(self) -> bool:
        """True from SessionBegin to SessionEnd."""
        return self.began > 0

    @property
    def overlay(self) -> bool:
        """True where its session is one."""
        return self.session is not None and self.session.kind is SessionKind.OVERLAY


class Roster:
    """All clients of the service."""

    def __init__(self) -> None:
        self._members: dict[int, Member] = {}
        self._last_id = 0
        self._begun = 0
        self._primary = 0
        self._focused = 0

    # ---- clients

    def add(self, pid: int) -> Member:
        """Count one more client; its number is never used again."""
        self._last_id += 1
        member = self._members[self._last_id] = Member(self._last_id, pid)
        return member

    def remove(self, member: Member) -> None:
        """The client has gone."""
        del self._members[member.id]
        self._settle()

    def get(self, number: int) -> Member:
        """Answer a client. Raises: Refused."""
        member = self._members.get(number)
        if member is None:
            raise Refused(Refusal.NO_SUCH_CLIENT)
        return member

    def ids(self) -> list[int]:
        """Answer the clients' numbers in the order in which they came, as many as may be told."""
        return list(self._members)[:MAX_CLIENTS]

    # ---- sessions

    def create(self, member: Member, info: SessionInfo) -> None:
        """Make a session. Raises: Refused."""
        if member.session is not None:
            raise Refused(Refusal.SESSION_EXISTS)
        member.session = info
        member.z_order = info.z_order

    def begin(self, member: Member) -> None:
        """Let a session run. Raises: Refused."""
        self.check_session(member)
        if member.running:
            raise Refused(Refusal.SESSION_RUNNING)
        self._begun += 1
        member.began = self._begun
        self._settle()

    def end(self, member: Member) -> None:
        """Let it run no more. Raises: Refused."""
        self.check_running(member)
        member.began = 0
        self._settle()

    def destroy(self, member: Member) -> None:
        """Give the session up. Raises: Refused."""
        self.check_session(member)
        member.session = None
        member.began = 0
        self._settle()
        member.events.clear()

    def check_session(self, member: Member) -> None:
        """Refuse a client without a session. Raises: Refused."""
        if member.session is None:
            raise Refused(Refusal.NO_SESSION)

    def check_running(self, member: Member) -> None:
        """Refuse a client whose session does not run. Raises: Refused."""
        self.check_session(member)
        if not member.running:
            raise Refused(Refusal.SESSION_NOT_RUNNING)

    # ---- who is seen

    def set_primary(self, number: int) -> None:
        """Rule 2. Raises: Refused."""
        self._primary = self.get(number).id
        self._settle()

    def set_focused(self, number: int) -> None:
        """Rule 3. Raises: Refused."""
        self._focused = self.get(number).id
        self._settle()

    def toggle_io(self, number: int) -> bool:
        """Take the devices away, or give them back; answer which it was. Raises: Refused."""
        member = self.get(number)
        member.io_active = not member.io_active
        return member.io_active

    @property
    def primary(self) -> Member | None:
        """Rule 2."""
        named = self._members.get(self._primary)
        if named is not None and named.running:
            return named
        running = [each for each in self._members.values() if each.running and not each.overlay]
        return min(running, key=lambda each: each.began, default=None)

    @property
    def focused(self) -> Member | None:
        """Rule 3."""
        named = self._members.get(self._focused)
        return named if named is not None and named.running else self.primary

    def is_visible(self, member: Member) -> bool:
        """Rule 1."""
        return member.running and (member.overlay or member is self.primary)

    def is_focused(self, member: Member) -> bool:
        """Rule 3."""
        return member is self.focused

    def shown(self) -> list[Member]:
        """Answer whose layers are shown, the lowest first: the primary client, then overlays."""
        seen = [member for member in self._members.values() if self.is_visible(member)]
        return sorted(seen, key=lambda each: (each.overlay, each.z_order, each.id))

    def take_events(self, member: Member) -> list[SessionEvent]:
        """Answer what has changed since the last time (rule 4)."""
        events = list(member.events)
        member.events.clear()
        return events

    def _settle(self) -> None:
        """Tell each session of what has changed for it."""
        for member in self._members.values():
            event = SessionEvent(self.is_visible(member), self.is_focused(member))
            if event != member.told:
                member.told = event
                member.events.append(event)
