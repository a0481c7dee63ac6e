"""Crowds: the clients of one service by uid, and what those of one uid may leave unread, together.

1. The queue of one channel is bounded anyway: by the kernel, and since nothing more is read from a
   client whose replies wait. So only a uid with so many channels that they could exceed its limit
   is looked at, once a second; a service with few clients does nothing for this.
2. A uid that is over its limit in two looks in a row loses channels, those with the most unread
   bytes first, until what is left is within it. Nobody else notices.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.errors import Status
from ipcrt.locator.kernel_queue import unread_by_peer
from ipcrt.port.deadlines import Token
from ipcrt.port.port import Port
from ipcrt.wire.limits import MAX_PACKET_BYTES

_log: Final = logging.getLogger("ipcrt.locator")
_LOOK_S: Final = 1.0
_WMEM_MAX: Final = Path("/proc/sys/net/core/wmem_max")
_USUAL_WMEM: Final = 212992

MAX_UIDS: Final = 32
"""Uids that an account tells one by one: those with the most clients."""


def queued_bytes(binding: ServerBinding[Any]) -> int:
    """Answer what waits to be read by a client, in the kernel and before it; 0 where it is gone."""
    if binding.closed:
        return 0
    return unread_by_peer(binding.channel) + binding.traffic()["backlog_bytes"]


def most_of_one(limits: Limits) -> int:
    """Answer the bytes that one client can leave unread: a queue, and its calls' replies.

    A queue takes one more packet when it is nearly full. Source: socket(7), SO_SNDBUF.
    """
    try:
        queue = 2 * int(_WMEM_MAX.read_text())
    except (OSError, ValueError):  # a network namespace without it
        queue = 2 * _USUAL_WMEM
    return queue + (limits.calls_in_flight + 1) * MAX_PACKET_BYTES


class Crowds:
    """Who is served, by uid. Used on its port's thread only."""

    def __init__(self, port: Port, limit_bytes: int, limits: Limits) -> None:
        """All clients of one uid may leave `limit_bytes` unread; `limits` are those of each."""
        self._port = port
        self._limit = limit_bytes
        self._few = limit_bytes // most_of_one(limits)
        self._members: dict[int, set[ServerBinding[Any]]] = {}
        self._over: set[int] = set()
        """Uids that were over the limit at the last look (rule 2)."""
        self._token: Token | None = None
        self.closed = 0
        """Clients that lost their channel by rule 2."""

    def count(self, uid: int) -> int:
        """Answer how many clients of `uid` are served."""
        return len(self._members.get(uid, ()))

    def join(self, uid: int, binding: ServerBinding[Any]) -> None:
        """One more is served."""
        members = self._members.setdefault(uid, set())
        members.add(binding)
        if len(members) > self._few:
            self._look_later()

    def leave(self, uid: int, binding: ServerBinding[Any]) -> None:
        """It is served no more."""
        members = self._members[uid]
        members.remove(binding)
        if not members:
            del self._members[uid]

    def _look_later(self) -> None:
        if self._token is None:
            self._token = self._port.deadlines.add(_LOOK_S, self.look)

    def look(self) -> None:
        """Look at uids that are many, and have those within the limit that are over it (rule 2)."""
        self._token = None
        before, self._over = self._over, set()
        for uid, members in list(self._members.items()):
            if len(members) <= self._few:
                continue
            self._look_later()
            held = {binding: queued_bytes(binding) for binding in members}
            if sum(held.values()) <= self._limit:
                continue
            if uid in before:
                self._reduce(uid, held)
            else:
                self._over.add(uid)

    def _reduce(self, uid: int, held: Mapping[ServerBinding[Any], int]) -> None:
        total = sum(held.values())
        for binding, size in sorted(held.items(), key=lambda each: each[1], reverse=True):
            if total <= self._limit:
                return
            _log.warning(
                "a client is closed: %d queued_bytes of uid %d, limit %d", total, uid, self._limit
            )
            self.closed += 1
            total -= size
            binding.close(Status.NO_RESOURCES)

    def account(self) -> dict[str, object]:
        """Tell of the uids with the most clients what they have."""
        told: dict[str, object] = {"closed": self.closed}
        most = heapq.nlargest(MAX_UIDS, self._members, key=self.count)
        for uid in most:
            members = self._members[uid]
            told[f"uid-{uid}"] = {
                "clients": len(members),
                "calls_in_flight": sum(each.statistics()["calls_in_flight"] for each in members),
                "queued_bytes": sum(map(queued_bytes, members)),
            }
        told["not_shown"] = len(self._members) - len(most)
        return told
