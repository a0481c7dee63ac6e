"""Watch: everything one port waits for on one handle.

1. A handle is watched by one port at a time; the last wait to go frees it.
2. The epoll mask is the union of what the waits want. A wait whose packet is queued but not
   taken yet wants nothing: a level-triggered poller would spin on it.
3. The kernel reports a hang-up whatever the mask. When nobody can use it (messages are still
   queued), the descriptor leaves the poller until a read through the handle drains it.
4. When the handle closes or moves, every wait ends with HANDLE_CLOSED before the number is
   free for others (a poller keeps the old registration otherwise, and never tells).
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Protocol

from ipcrt.objects.handle import Handle
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals, events_for, observe

_READER_EVENTS = select.EPOLLIN | select.EPOLLRDHUP


class Owner(Protocol):
    """The part of a port that a watch talks to."""

    def arm(self, watch: HandleWatch, events: int) -> None:
        """Make the poller report `events` of the watch's descriptor; zero forgets it."""

    def deliver(self, packet: Packet, wait: Wait) -> bool:
        """Pass a packet on; True when it had to be queued."""
        ...

    def start_reader(self, watch: HandleWatch) -> bool:
        """Let the loop itself call `watch.reader`; False when the poller must do it."""
        ...

    def stop_reader(self, watch: HandleWatch) -> None:
        """Undo `start_reader`."""

    def released(self, watch: HandleWatch) -> None:
        """The watch has nothing left to wait for."""


class Wait:
    """One `wait_async`: armed until it fires (once) or is cancelled (repeating)."""

    __slots__ = ("key", "once", "queued", "signals", "watch")

    def __init__(self, watch: HandleWatch, key: int, signals: Signals, *, once: bool) -> None:
        self.watch = watch
        self.key = key
        self.signals = signals
        self.once = once
        self.queued = False

    def taken(self) -> None:
        """The queued packet was taken: a repeating wait is armed again (rule 2)."""
        self.queued = False
        self.watch.update()


class HandleWatch:
    """All waits of one port on one handle, and its reader."""

    __slots__ = ("_armed", "_loop_reads", "_owner", "_waits", "fd", "handle", "reader")

    def __init__(self, owner: Owner, handle: Handle) -> None:
        self._owner = owner
        self.handle = handle
        self.fd = handle.fileno()
        self.reader: Callable[[], None] | None = None
        self._loop_reads = False
        self._waits: list[Wait] = []
        self._armed = 0

    def add(self, key: int, signals: Signals, *, once: bool) -> None:
        """Arm one wait."""
        self._waits.append(Wait(self, key, signals, once=once))
        self.update()

    def cancel(self, key: int) -> bool:
        """Drop the waits under `key`; True when there was one."""
        kept = [wait for wait in self._waits if wait.key != key]
        found = len(kept) != len(self._waits)
        self._waits = kept
        self.update()
        return found

    def set_reader(self, reader: Callable[[], None] | None) -> None:
        """Call `reader` for as long as the handle is readable or hung up."""
        if self._loop_reads:
            self._owner.stop_reader(self)
            self._loop_reads = False
        self.reader = reader
        if reader is not None:
            self._loop_reads = self._owner.start_reader(self)
        self.update()

    def update(self) -> None:
        """Bring the poller's mask in line with what is waited for (rule 2)."""
        events = 0
        for wait in self._waits:
            if not wait.queued:
                events |= events_for(wait.signals)
        if self.reader is not None and not self._loop_reads:
            events |= _READER_EVENTS
        if events != self._armed:
            self._armed = events
            self._owner.arm(self, events)
        if not self._waits and self.reader is None and not self.handle.closed:
            self._owner.released(self)

    def ready(self, events: int) -> None:
        """Take the poller's word: call the reader, send packets to the waits it satisfies."""
        used = False
        if self.reader is not None and not self._loop_reads and events & ~select.EPOLLOUT:
            self.reader()
            used = True
        if self._waits and not self.handle.closed:
            used = self._fire(observe(self.handle, events)) or used
            self.update()
        if not used and self._armed and not self.handle.closed:
            self._hold_back()

    def _fire(self, signals: Signals) -> bool:
        fired = [w for w in self._waits if not w.queued and w.signals & signals]
        for wait in fired:
            if wait.once:
                self._waits.remove(wait)
            wait.queued = self._owner.deliver(Packet(wait.key, signals), wait) and not wait.once
        return bool(fired)

    def _hold_back(self) -> None:
        """Leave the poller until the queue is drained (rule 3)."""
        self.handle._held_back = True  # noqa: SLF001  (the slot is there for the watch)
        self._armed = 0
        self._owner.arm(self, 0)

    def drained(self) -> None:
        """A read may have emptied the queue: a hang-up may now be told."""
        self.handle._held_back = False  # noqa: SLF001
        self.update()

    def closing(self) -> None:
        """The handle gives its descriptor up: end every wait (rule 4)."""
        waits, self._waits = self._waits, []
        self.set_reader(None)
        for wait in waits:
            self._owner.deliver(Packet(wait.key, Signals.HANDLE_CLOSED), wait)
        self._owner.released(self)
