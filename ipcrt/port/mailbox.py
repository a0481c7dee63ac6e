"""Mailbox: packets from any thread, and the eventfd that wakes their port.

1. The eventfd is written under the lock that `close` takes: a sender can never write to a
   number that was closed meanwhile and belongs to somebody else.
2. It is written once for all packets that wait, and read before they are counted: a packet that
   comes later rings again.
3. The lock may be taken twice by one thread: a signal handler may interrupt `put` with a `put`.
Source: eventfd(2); zx_port_queue.
"""

from __future__ import annotations

import collections
import os
import threading
from typing import Final

from ipcrt.errors import BadState, ShouldWait, from_oserror
from ipcrt.port.packet import Packet

MAX_PACKETS: Final = 65536
"""Packets that may wait; a port that nobody serves must not eat the memory."""


class Mailbox:
    """Packets on their way to one port; owns an eventfd."""

    __slots__ = ("_fd", "_lock", "packets", "rung")

    def __init__(self) -> None:
        """Raises: NoResources."""
        try:
            self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        except OSError as error:
            raise from_oserror(error, "create a port's mailbox") from error
        self._lock = threading.RLock()
        self.packets: collections.deque[Packet] = collections.deque()
        """Those that wait; for others to look whether there are any."""
        self.rung = False
        """True from a ring until `begin`."""

    def fileno(self) -> int:
        """Lend the eventfd's number: readable while packets wait; negative once closed."""
        return self._fd

    def put(self, packet: Packet) -> None:
        """Leave a packet, from any thread.

        Raises: ShouldWait: 65536 packets wait already. BadState: closed.
        """
        with self._lock:
            if self._fd < 0:
                raise BadState("the port is closed")
            if len(self.packets) >= MAX_PACKETS:
                raise ShouldWait(f"{MAX_PACKETS} packets are queued in the port already")
            self.packets.append(packet)
            self._ring()

    def ring(self) -> None:
        """Wake the port without a packet, from any thread; harmless once it is closed."""
        with self._lock:
            if self._fd >= 0:
                self._ring()

    def begin(self) -> int:
        """Answer how many packets to take now; more that come ring again (rule 2)."""
        with self._lock:
            if self.rung and self._fd >= 0:
                os.eventfd_read(self._fd)
                self.rung = False
            return len(self.packets)

    def take(self) -> Packet | None:
        """Take the oldest packet, or None."""
        return self.packets.popleft() if self.packets else None

    def end(self) -> None:
        """Ring again if packets were left behind after `begin`."""
        if self.packets:
            with self._lock:
                if self._fd >= 0:
                    self._ring()

    def _ring(self) -> None:
        if not self.rung:
            os.eventfd_write(self._fd, 1)
            self.rung = True

    def close(self) -> None:
        """Give the eventfd back and forget the packets; idempotent."""
        with self._lock:
            self.abandon()

    def abandon(self) -> None:
        """Close without the lock: in a forked child, where its holder may not exist."""
        fd, self._fd = self._fd, -1
        self.packets.clear()
        if fd >= 0:
            os.close(fd)

    def __len__(self) -> int:
        """Answer how many packets wait."""
        return len(self.packets)
