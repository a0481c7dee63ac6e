"""Router: who gets a packet: the receiver of its key, or whoever waits in the port.

Used on the port's own thread only.
"""

from __future__ import annotations

import collections
import itertools
import logging
from collections.abc import Callable
from typing import Final

from ipcrt.objects.handle import Handle
from ipcrt.port.packet import Packet
from ipcrt.port.watch import Wait

Receiver = Callable[[Packet], None]

_log: Final = logging.getLogger("ipcrt.port")
_FIRST_KEY: Final = 1 << 32
"""Keys below are the user's to choose; `new_key` gives higher ones."""


class Router:
    """Receivers by key, and the packets that have none."""

    __slots__ = ("_keys", "_on_queued", "_packets", "_receivers")

    def __init__(self, on_queued: Callable[[], None]) -> None:
        """`on_queued()` is told of each packet that waits to be taken."""
        self._on_queued = on_queued
        self._receivers: dict[int, Receiver] = {}
        self._packets: collections.deque[tuple[Packet, Wait | None]] = collections.deque()
        self._keys = itertools.count(_FIRST_KEY)

    @property
    def receivers(self) -> int:
        """How many keys have a receiver."""
        return len(self._receivers)

    @property
    def queued(self) -> int:
        """How many packets wait to be taken."""
        return len(self._packets)

    def new_key(self) -> int:
        return next(self._keys)

    def bind(self, key: int, receiver: Receiver) -> None:
        self._receivers[key] = receiver

    def unbind(self, key: int) -> None:
        self._receivers.pop(key, None)

    def deliver(self, packet: Packet, wait: Wait | None = None) -> bool:
        """Call the packet's receiver, or queue it and answer True.

        What a receiver raises is logged, and ends the wait that the packet came from.
        """
        receiver = self._receivers.get(packet.key)
        if receiver is None:
            self._packets.append((packet, wait))
            self._on_queued()
            return True
        try:
            receiver(packet)
        except Exception:  # noqa: BLE001  (one bad receiver must not stop the others)
            _log.exception("the receiver of key %d failed", packet.key)
            if wait is not None:
                wait.drop()
        return False

    def take(self) -> Packet | None:
        """Take the oldest queued packet, and arm its wait again where it repeats."""
        if not self._packets:
            return None
        packet, wait = self._packets.popleft()
        if wait is not None and wait.queued:
            wait.taken()
        return packet

    def cancel(self, handle: Handle, key: int) -> bool:
        """Drop the queued packets that came from waits of `handle` under `key`."""
        if not self._packets:
            return False
        kept = [
            (packet, wait)
            for packet, wait in self._packets
            if wait is None or packet.key != key or wait.watch.handle is not handle
        ]
        found = len(kept) != len(self._packets)
        self._packets = collections.deque(kept)
        return found

    def clear(self) -> None:
        """Forget all receivers and packets."""
        self._receivers.clear()
        self._packets.clear()
