"""The registry: which service offers which name now."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ipcrt.locator.protocol import OutgoingProxy


@dataclasses.dataclass(slots=True, eq=False)
class Registration:
    """One service's outgoing directory and the names it offers; owns the proxy."""

    names: tuple[str, ...]
    outgoing: OutgoingProxy
    uid: int


class Registry:
    """Names and who serves them. A name has one service at a time; one that has died has none."""

    def __init__(self) -> None:
        self._by_name: dict[str, Registration] = {}

    def add(self, registration: Registration) -> None:
        """Offer all names of a registration; the caller has checked that they are free."""
        for name in registration.names:
            self._by_name[name] = registration

    def remove(self, registration: Registration) -> None:
        """Withdraw a registration and close its proxy; harmless when it is gone already."""
        for name in registration.names:
            if self._by_name.get(name) is registration:
                del self._by_name[name]
        registration.outgoing.close()

    def find(self, name: str) -> Registration | None:
        """Answer who serves `name`; a service that has died does not count."""
        registration = self._by_name.get(name)
        if registration is not None and registration.outgoing.closed:
            self.remove(registration)
            return None
        return registration

    def sweep(self) -> None:
        """Withdraw what services that have died had offered."""
        for registration in set(self._by_name.values()):
            if registration.outgoing.closed:
                self.remove(registration)

    def names_of(self, uid: int) -> int:
        """Count the names that services of `uid` offer."""
        return sum(registration.uid == uid for registration in self._by_name.values())

    def __iter__(self) -> Iterator[str]:
        """Walk over the names in order."""
        return iter(sorted(self._by_name))

    def __len__(self) -> int:
        return len(self._by_name)

    def close(self) -> None:
        """Withdraw everything."""
        for registration in set(self._by_name.values()):
            self.remove(registration)
