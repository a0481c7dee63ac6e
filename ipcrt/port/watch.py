"""Watch: everything one port waits for on one handle.

1. A handle is watched by one port at a time; the last wait to go frees it.
2. What the poller reports is a hint: the object is looked at before anybody is told.
3. The poller's mask is the union of what the waits want. It reports for as long as a state
   lasts, and must not spin on news that serve nobody: a wait whose packet is queued and not taken
   yet, a hang-up while messages are queued, a half-close where only the full one is waited for.
   Such events leave the mask (a hang-up, which ignores the mask, leaves the poller) until the
   packet is taken, a read through the handle drains the queue, or waits change.
4. When the handle closes or moves, every wait ends with HANDLE_CLOSED before the number is
   free for others (a poller keeps the old registration otherwise, and never tells).
5. A reader that the event loop itself calls is taken over by the poller once the peer hangs up:
   libuv stops polling a descriptor after its first EPOLLERR, with messages still queued.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from ipcrt.objects.handle import Handle
from ipcrt.port.direct import DirectReader, Nappers
from ipcrt.port.packet import Packet
from ipcrt.port.poller import OUTSIDE
from ipcrt.port.signals import (
    GONE,
    IN,
    OUT,
    READ_HANGUP,
    Signals,
    events_for,
    interpret,
    look,
    queued_bytes,
)
from ipcrt.port.slots import set_held_back

_log: Final = logging.getLogger("ipcrt.port")
_PEER_GONE: Final = int(Signals.PEER_GONE)


class Owner(Protocol):
    """The part of a port that a watch talks to."""

    nappers: Nappers | None
    """Whom it may wait in, if that is known; a watch that changes forgets it."""

    def arm(self, fd: int, before: int, events: int) -> None:
        """Change the poller's mask of `fd`; OUTSIDE, on either side, means not in the poller.

        Raises: NotSupported: the object has no signals. NoResources.
        """

    def deliver(self, packet: Packet, wait: Wait) -> bool:
        """Pass a packet on; True when it had to be queued. Raises nothing."""
        ...

    def end(self, packet: Packet) -> None:
        """Pass the last packet of a wait on, from any thread. Raises nothing."""

    def run(self, action: Callable[[], object]) -> None:
        """Call `action` on the port's thread, from any thread. Raises nothing."""

    def start_reader(self, watch: HandleWatch, reader: Callable[[], object]) -> bool:
        """Let the loop itself call `reader`; False when the poller must do it."""
        ...

    def stop_reader(self, watch: HandleWatch) -> None:
        """Undo `start_reader`."""

    def released(self, watch: HandleWatch) -> None:
        """The watch has nothing left to wait for."""

    def inherited(self) -> bool:
        """True in a forked child: the poller is shared with the parent, and must not change."""
        ...


class Wait:
    """One `wait_async`: live until it fires (once), is cancelled or its handle closes."""

    __slots__ = ("events", "key", "live", "once", "queued", "signals", "watch")

    def __init__(self, watch: HandleWatch, key: int, signals: int, *, once: bool) -> None:
        self.watch = watch
        self.key = key
        self.signals = signals
        self.events = events_for(signals)
        self.once = once
        self.live = True
        self.queued = False

    def taken(self) -> None:
        """The queued packet was taken: a repeating wait is armed again."""
        self.queued = False
        if self.live:
            self.watch.refresh()

    def drop(self) -> None:
        """End the wait; the mask follows at the latest when the watch has served its turn."""
        if self.live:
            self.live = False
            self.watch.forget(self)


class HandleWatch:
    """All waits of one port on one handle, and its reader."""

    __slots__ = (
        "_armed",
        "_direct",
        "_gone",
        "_loop_reads",
        "_muted",
        "_on_end",
        "_owner",
        "_reader",
        "_waits",
        "fd",
        "handle",
    )

    def __init__(self, owner: Owner, handle: Handle) -> None:
        self._owner = owner
        self.handle = handle
        self.fd = handle.fileno()
        self._reader: Callable[[], object] | None = None
        self._on_end: Callable[[], object] | None = None
        self._direct: DirectReader | None = None
        self._loop_reads = False
        self._waits: list[Wait] = []
        self._armed = OUTSIDE
        self._muted = 0
        self._gone = False

    def __len__(self) -> int:
        """Answer how many waits there are; the reader is none."""
        return len(self._waits)

    # ---- what is waited for

    def add(self, key: int, signals: int, *, once: bool) -> None:
        """Arm one wait. Raises: NotSupported, NoResources."""
        wait = Wait(self, key, signals, once=once)
        self._waits.append(wait)
        try:
            self.refresh()
        except BaseException:
            self._waits.remove(wait)
            self._update()
            raise

    def cancel(self, key: int) -> bool:
        """Drop the waits under `key`; True when there was one."""
        found = [wait for wait in self._waits if wait.key == key]
        for wait in found:
            wait.drop()
        self._update()
        return bool(found)

    def set_reader(
        self,
        reader: Callable[[], object],
        on_end: Callable[[], object] | None = None,
        *,
        safe: bool = False,
        direct: DirectReader | None = None,
    ) -> None:
        """Call `reader` while the handle is readable or hung up; raises as `add`.

        `safe`: it raises nothing. `direct` does what `reader` does, and can wait.
        """
        self._reader, self._on_end, self._direct = reader, on_end, direct
        try:
            self._loop_reads = self._owner.start_reader(self, reader if safe else self.read)
            self.refresh()
        except BaseException:
            self.clear_reader()
            raise

    def clear_reader(self) -> None:
        """Stop calling the reader; harmless where there is none."""
        self._stop_loop()
        self._reader = self._on_end = self._direct = None
        self._update()

    def refresh(self) -> None:
        """Bring the mask in line with the waits, and give muted events another try."""
        self._gone, self._muted = False, 0
        set_held_back(self.handle, False)
        self._update()

    def forget(self, wait: Wait) -> None:
        self._waits.remove(wait)

    def _update(self) -> None:
        self._owner.nappers = None
        events = self._mask()
        if events != self._armed:
            self._owner.arm(self.fd, self._armed, events)
            self._armed = events
        if not self._waits and self._reader is None:
            self._owner.released(self)

    def _mask(self) -> int:
        """Work out what the poller shall report (rules 3 and 5)."""
        events = 0
        for wait in self._waits:
            events |= wait.events
        if self._reader is not None:
            events |= READ_HANGUP if self._loop_reads else IN | READ_HANGUP
        if events == 0 or self._gone:
            return OUTSIDE
        return events & ~self._muted

    def direct(self) -> DirectReader | None:
        """Answer what can wait for all that is waited for here; None: only the poller can.

        A read tells that the peer has gone, too, and a channel that is closed ends its waits.
        """
        for wait in self._waits:
            if wait.signals != _PEER_GONE:
                return None
        return self._direct

    # ---- what the poller says

    def ready(self, events: int) -> None:
        """Take the poller's hint: call the reader, send packets to the waits it satisfies."""
        changed = bool(self._waits)
        if self._loop_reads and events & (GONE | READ_HANGUP):
            self._stop_loop()  # rule 5
            changed = True
        if self._reader is not None and not self._loop_reads and events & ~OUT:
            self.read()
        if self._waits:
            self._serve_waits()
            changed = True
        if changed:  # else only the reader can have changed the mask, and it has told
            self._update()

    def read(self) -> None:
        """Call the reader; one that raises is logged and stopped."""
        reader, on_end = self._reader, self._on_end
        if reader is None:
            return
        try:
            reader()
        except Exception:  # noqa: BLE001  (one bad reader must not stop the others)
            _log.exception("the reader of %r failed", self.handle)
            if self._reader is reader:
                self.clear_reader()
            if on_end is not None:
                self._owner.run(on_end)

    def _serve_waits(self) -> None:
        events = look(self.fd)
        signals = interpret(self.handle.TYPE, self.fd, events)
        gone = _PEER_GONE if events & GONE else 0
        up = int(signals) | gone
        fired = [wait for wait in self._waits if wait.signals & up and not wait.queued]
        for wait in fired:
            if not wait.live:  # a receiver before it cancelled it, or closed the handle
                continue
            if wait.once:
                wait.drop()
            told = signals | Signals.PEER_GONE if gone and wait.signals & gone else signals
            queued = self._owner.deliver(Packet(wait.key, told), wait)
            wait.queued = queued and not wait.once
        if not fired:
            self._mute(events if self._reader is None else events & OUT)

    def _mute(self, events: int) -> None:
        """Leave out what is up and serves nobody (rule 3)."""
        if events & GONE:
            self._gone = True
        elif self._armed != OUTSIDE and events & self._armed:
            self._muted |= events & self._armed
        else:
            return
        set_held_back(self.handle, True)

    def drained(self) -> None:
        """A read took something out: once the queue is empty, a hang-up may be told."""
        if self._owner.inherited() or queued_bytes(self.fd) > 0:
            return
        try:
            self.refresh()
        except Exception:  # noqa: BLE001  (whoever reads is not to blame)
            _log.exception("cannot wait for %r any more", self.handle)

    # ---- the end

    def closing(self) -> None:
        """The handle gives its descriptor up, or the port closes: end every wait (rule 4)."""
        if self._owner.inherited():
            return
        waits, self._waits = self._waits, []
        on_end = self._on_end
        self.clear_reader()
        for wait in waits:
            wait.live = False
            self._owner.end(Packet(wait.key, Signals.HANDLE_CLOSED))
        if on_end is not None:
            self._owner.run(on_end)

    def _stop_loop(self) -> None:
        if self._loop_reads:
            self._loop_reads = False
            self._owner.stop_reader(self)
