"""The registry: which service offers which name now."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final

from ipcrt.locator.limits import Share
from ipcrt.locator.policy import Namespace
from ipcrt.locator.protocol import (
    MAX_ENTRIES,
    Entry,
    LocatorGetEntriesResponse,
    OutgoingProxy,
    State,
)
from ipcrt.objects.process import Process

_MAX_LISTING_BYTES: Final = 60_000
"""A listing fits a packet: larger ones would go as files, which no socket's queue bounds."""

_ENTRY_BYTES: Final = 5
"""What an entry adds to its name: the heads of its array and its text, and the state."""

_MAX_LISTINGS: Final = 64
"""Listings that are kept, one for each namespace: there are as many as policies make different."""


@dataclasses.dataclass(slots=True, eq=False)
class Registration:
    """One service's outgoing directory and the names it offers; owns the proxy and the process."""

    names: tuple[str, ...]
    outgoing: OutgoingProxy
    uid: int
    process: Process
    session: object = None
    """Who registered it."""
    share: Share | None = None
    """Where the descriptors are counted that are kept for it."""
    fds: int = 0
    """How many these are: its own, and those of the trees that it published."""


class Registry:
    """Names and who serves them. A name has one service at a time; one that has died has none."""

    def __init__(self, on_removed: Callable[[Registration], None] | None = None) -> None:
        """`on_removed` is told of each registration once, when it is withdrawn."""
        self._on_removed = on_removed
        self._by_name: dict[str, Registration] = {}
        self._registrations: set[Registration] = set()
        self._listings: dict[Namespace, LocatorGetEntriesResponse] = {}

    def add(self, registration: Registration) -> None:
        """Offer all names of a registration; the caller has checked that they are free."""
        self._listings.clear()
        self._registrations.add(registration)
        for name in registration.names:
            self._by_name[name] = registration

    def remove(self, registration: Registration) -> None:
        """Withdraw a registration and close what it owns; harmless when it is gone already."""
        self._listings.clear()
        if registration in self._registrations and self._on_removed is not None:
            self._on_removed(registration)
        self._registrations.discard(registration)
        for name in registration.names:
            if self._by_name.get(name) is registration:
                del self._by_name[name]
        registration.outgoing.close()
        registration.process.close()

    def find(self, name: str) -> Registration | None:
        """Answer who serves `name`; a service that has died does not count."""
        registration = self._by_name.get(name)
        if registration is not None and registration.outgoing.closed:
            self.remove(registration)
            return None
        return registration

    def sweep(self) -> None:
        """Withdraw what services that have died had offered."""
        for registration in [each for each in self._registrations if each.outgoing.closed]:
            self.remove(registration)

    def listing(self, namespace: Namespace) -> LocatorGetEntriesResponse:
        """Answer the entries that a namespace lets its clients see, in order."""
        self.sweep()
        listing = self._listings.get(namespace)
        if listing is None:
            names = filter(namespace.may_open, sorted(self._by_name))
            listing = LocatorGetEntriesResponse([Entry(name, State.REGISTERED) for name in names])
            if len(self._listings) >= _MAX_LISTINGS:
                self._listings.clear()
            self._listings[namespace] = listing
        return listing

    def registrations(self) -> list[Registration]:
        """Answer all registrations, also those whose service has died unnoticed."""
        return list(self._registrations)

    def has_room(self, names: Sequence[str], uid: int, names_per_uid: int) -> bool:
        """True where a service of `uid` may offer these names, too."""
        offered = sum(each.uid == uid for each in self._by_name.values())
        size = sum(len(name.encode()) + _ENTRY_BYTES for name in (*self._by_name, *names))
        return (
            len(self._by_name) + len(names) <= MAX_ENTRIES
            and offered + len(names) <= names_per_uid
            and size <= _MAX_LISTING_BYTES
        )

    def __len__(self) -> int:
        return len(self._by_name)

    def close(self) -> None:
        """Withdraw everything."""
        for registration in list(self._registrations):
            self.remove(registration)
