"""Hand-over: give a loop a client's channel from any thread, and know who owns it at every moment.

Monado's `ipc_server_mainloop_add_fd`, for a service whose clients come by another way than its own
socket: on Android by calls into another thread.

1. One client at a time is between giving and acceptance, so no acknowledgement is lost. Others wait
   for their turn, and their time runs meanwhile.
2. The loop never waits for anybody: it takes locks that are held for a moment only, and it looks
   for clients only when a packet says so. One packet stands for all that were not looked at.
3. The giving thread waits until the loop serves its client or refuses it, shuts down, or time is
   up.
4. The channel is the giver's until the loop accepts it, under the slot's lock, and the loop's from
   then on. A giver that gives up withdraws it under the same lock. So a return means that it is
   gone, and an error that it is still there, as it was. (What a signal's handler raises may come
   after the acceptance: then `channel.closed` tells.)
Source: Monado, ipc_server_mainloop_android; its design, "Synchronization".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from ipcrt.errors import BadState, Canceled, IpcError, TimedOut, Unavailable
from ipcrt.objects._fd import close_fd, duplicate_fd
from ipcrt.objects.channel import Channel
from ipcrt.objects.kind import ObjType, check_kind
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port

_LONGEST_S: Final = threading.TIMEOUT_MAX / 2
"""Locks refuse to wait any longer: some hundred years."""


class _Slot:
    """One hand-over; guarded by its condition."""

    def __init__(self, channel: Channel) -> None:
        self.changed = threading.Condition()
        self.settled = False
        self.error: IpcError | None = None
        self._channel = channel

    def settle(self, take: Callable[[Channel], None]) -> None:
        """Have the loop take the channel, unless its giver has given up (rule 4)."""
        with self.changed:
            if self.settled:
                return
            self.error = Canceled("the loop failed to take the channel")
            try:
                take(self._channel)
                self.error = None
            except IpcError as error:
                self.error = error
            finally:
                self.settled = True
                self.changed.notify_all()


class HandOver:
    """The way in for channels that come from other threads."""

    def __init__(self, port: Port, take: Callable[[Channel], None]) -> None:
        """`take(channel)` is called on the port's thread; it moves the channel out, or raises.

        An IpcError is the giver's to hear, and the channel the giver's to keep.
        """
        self._port = port
        self._take = take
        self._push = threading.Lock()
        self._state = threading.Lock()  # held for a moment only: the loop takes it, too
        self._current: _Slot | None = None
        self._rung = False
        self._stopped = False
        self._thread = threading.get_ident()
        self._key = port.new_key()
        port.bind(self._key, self._receive)

    def add_fd(self, fd: int, timeout: float | None = None) -> None:
        """Give the channel away that `fd` is an end of; else as `add_channel`.

        A copy is handed over, and `fd` is closed here when that is accepted: whatever interrupts
        the wait, an exception means that the number is still the caller's.
        Raises: also WrongType: it is no channel. NoResources: no descriptor for the copy.
        """
        check_kind(fd, ObjType.CHANNEL)
        with Channel(duplicate_fd(fd)) as copy:
            self.add_channel(copy, timeout)
            close_fd(fd)

    def add_channel(self, channel: Channel, timeout: float | None = None) -> None:
        """Give `channel` away; returns when it is accepted. From any thread but the loop's.

        `timeout` in seconds, which waiting for other threads' hand-overs counts towards; None:
        for ever. On error the channel stays with the caller, as it was.
        Raises: Unavailable: shutting down. TimedOut. BadHandle: closed. BadState: called on the
        loop's own thread, which would wait for itself. NoResources and others: the loop refuses.
        """
        if threading.get_ident() == self._thread:
            raise BadState("add_channel would wait for the thread it runs on")
        if timeout is not None:
            timeout = max(0.0, min(timeout, _LONGEST_S))
        until = None if timeout is None else time.monotonic() + timeout
        if not self._push.acquire(timeout=-1 if timeout is None else timeout):
            raise TimedOut(f"other hand-overs took all of {timeout} seconds")
        try:
            self._hand_over(_Slot(channel), until)
        finally:
            with self._state:
                self._current = None
            self._push.release()

    def _hand_over(self, slot: _Slot, until: float | None) -> None:
        with self._state:  # never on a port that is closed behind `stop`
            if self._stopped:
                raise Unavailable("the locator is shutting down")
            self._current = slot
            if not self._rung:
                self._port.queue(Packet(self._key))
                self._rung = True
        with slot.changed:
            try:
                rest = None if until is None else max(0.0, until - time.monotonic())
                slot.changed.wait_for(lambda: slot.settled or self._stopped, rest)
                settled = slot.settled
            finally:
                slot.settled = True  # withdrawn where the loop did not take it
        if settled:
            if slot.error is not None:
                raise slot.error
            return
        if self._stopped:
            raise Unavailable("the locator is shutting down")
        raise TimedOut("the locator did not accept the channel in time")

    def _receive(self, packet: Packet) -> None:
        del packet
        with self._state:
            self._rung = False
            slot = self._current
        if slot is not None:
            slot.settle(self._take)

    def stop(self) -> None:
        """Refuse the hand-over that is under way, and all that follow. Idempotent."""
        with self._state:
            self._stopped = True
            slot = self._current
        if slot is not None:
            with slot.changed:
                slot.changed.notify_all()
        self._port.unbind(self._key)
