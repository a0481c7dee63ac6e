"""Queue watch: closes clients that let more bytes pile up than they may.

1. What a client may queue is bounded anyway: the kernel bounds its socket's queue, and nothing more
   is read from it while a reply waits. The watch holds tighter limits, and those of a uid.
2. A queue grows only where something was sent, so only who was answered since the last look is
   looked at, a while later. A client that does nothing costs nothing.
3. Of all channels of a holder over its limit, those with the most bytes are closed first, and only
   until the limit is met. What others have read meanwhile is counted before.
"""

from __future__ import annotations

import logging
from typing import Final

from ipcrt.errors import Status
from ipcrt.locator import crowds
from ipcrt.locator.guest import Guest
from ipcrt.locator.limits import Key, Ledger, Resource, name_of
from ipcrt.port.deadlines import Token
from ipcrt.port.port import Port

_log: Final = logging.getLogger("ipcrt.locator")
_LOOK_S: Final = 0.05
"""How long after an answer to look whether it was read."""


def queued_bytes(guest: Guest) -> int:
    """Answer what waits to be read by a guest, in the kernel and before it."""
    return 0 if guest.binding is None else crowds.queued_bytes(guest.binding)


class QueueWatch:
    """Looks at the queues of guests that were answered. Used on its port's thread only."""

    def __init__(self, port: Port, ledger: Ledger) -> None:
        self._port = port
        self._ledger = ledger
        self._answered: set[Guest] = set()
        self._stalled: set[Guest] = set()
        """Guests that had something queued at the last look."""
        self._token: Token | None = None

    def answering(self, guest: Guest) -> None:
        """Something is about to be sent to a guest: look a while later (rule 2)."""
        self._answered.add(guest)
        if self._token is None:
            self._token = self._port.deadlines.add(_LOOK_S, self.look)

    def look(self) -> None:
        """Measure the queues of those that were answered, and close who is over a limit."""
        self._token = None
        answered, self._answered = self._answered, set()
        for guest in answered:
            self._measure(guest)
        for guest in answered & self._stalled:
            share = guest.share
            self._hold_to(share.client, share.client_bounds.queued_bytes)
            self._hold_to(share.uid, share.uid_bounds.queued_bytes)

    def _measure(self, guest: Guest) -> None:
        now = queued_bytes(guest)
        guest.share.hold(Resource.QUEUED_BYTES, now - guest.queued_bytes)
        guest.queued_bytes = now
        (self._stalled.add if now else self._stalled.discard)(guest)

    def _hold_to(self, key: Key, limit: int) -> None:
        """Close guests of a holder until it is within its limit (rule 3)."""
        if self._held(key) <= limit:
            return
        guests = [each for each in self._stalled if key in (each.share.client, each.share.uid)]
        for each in guests:
            self._measure(each)
        for each in sorted(guests, key=lambda guest: guest.queued_bytes, reverse=True):
            held = self._held(key)
            if held <= limit:
                return
            self._ledger.count_refusal(key, Resource.QUEUED_BYTES)
            _log.warning(
                "%s is closed: %d queued_bytes of %s, limit %d", each, held, name_of(key), limit
            )
            if each.binding is not None:
                each.binding.close(Status.NO_RESOURCES)

    def _held(self, key: Key) -> int:
        return self._ledger.held(key, Resource.QUEUED_BYTES)

    def forget(self, guest: Guest) -> None:
        """A guest has gone, with all that was queued for it."""
        self._answered.discard(guest)
        self._stalled.discard(guest)
        guest.share.give_back(Resource.QUEUED_BYTES, guest.queued_bytes)
        guest.queued_bytes = 0

    def close(self) -> None:
        """Look no more. Idempotent."""
        if self._token is not None:
            self._port.deadlines.drop(self._token)
            self._token = None
        self._answered.clear()
        self._stalled.clear()
