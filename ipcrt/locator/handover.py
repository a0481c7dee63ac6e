"""Hand-over: give the locator a channel from any thread, and know who owns it at every moment.

Monado's `ipc_server_mainloop_add_fd`: one hand-over is under way at a time, so that no
acknowledgement is lost; the giving thread waits until the loop has taken the channel, has shut
down, or time is up; the loop itself never waits for anybody.

The channel is the giver's until the loop takes it, under the slot's lock, and the loop's from
then on. A giver that gives up withdraws it under the same lock.
Source: Monado, ipc_server_mainloop_android.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ipcrt.errors import BadHandle, BadState, TimedOut, Unavailable
from ipcrt.objects.channel import Channel
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port


class _Slot:
    """One hand-over; guarded by its condition."""

    def __init__(self, channel: Channel) -> None:
        self.changed = threading.Condition()
        self.channel = channel
        self.settled = False
        self.error: BadHandle | None = None

    def take(self) -> Channel | None:
        """Take the channel for the loop, unless its giver has given up."""
        with self.changed:
            if self.settled:
                return None
            self.settled = True
            self.changed.notify_all()
            try:
                return Channel(self.channel.take(), self.channel.rights)
            except BadHandle as error:  # somebody closed it under its giver
                self.error = error
                return None


class HandOver:
    """The way in for channels that come from other threads."""

    def __init__(self, port: Port, take: Callable[[Channel], None]) -> None:
        """`take(channel)` is called on the port's thread and owns what it is given."""
        self._port = port
        self._take = take
        self._push = threading.Lock()
        self._queueing = threading.Lock()  # held for a moment only: the loop takes it, too
        self._current: _Slot | None = None
        self._stopped = False
        self._thread = threading.get_ident()
        self._key = port.new_key()
        port.bind(self._key, self._receive)

    def add_channel(self, channel: Channel, timeout: float | None = None) -> None:
        """Give `channel` away; returns when it is accepted. From any thread but the loop's.

        `timeout` in seconds, which waiting for other threads' hand-overs counts towards; None:
        for ever. On error the channel stays with the caller, as it was.
        Raises: Unavailable: shutting down. TimedOut. BadHandle: closed. BadState: called on the
        loop's own thread, which would wait for itself.
        """
        if threading.get_ident() == self._thread:
            raise BadState("add_channel would wait for the thread it runs on")
        until = None if timeout is None else time.monotonic() + timeout
        if not self._push.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            raise TimedOut(f"other hand-overs took all of {timeout} seconds")
        try:
            slot = _Slot(channel)
            self._hand_over(slot, until)
        finally:
            self._current = None
            self._push.release()
        if slot.error is not None:
            raise slot.error

    def _hand_over(self, slot: _Slot, until: float | None) -> None:
        with self._queueing:  # never on a port that is closed behind `stop`
            if self._stopped:
                raise Unavailable("the locator is shutting down")
            self._current = slot
            self._port.queue(Packet(self._key, payload=slot))
        with slot.changed:
            try:
                rest = None if until is None else max(0.0, until - time.monotonic())
                slot.changed.wait_for(lambda: slot.settled or self._stopped, rest)
                if slot.settled:
                    return
            finally:
                slot.settled = True  # withdrawn where the loop did not take it
        if self._stopped:
            raise Unavailable("the locator is shutting down")
        raise TimedOut("the locator did not accept the channel in time")

    def _receive(self, packet: Packet) -> None:
        slot = packet.payload
        assert isinstance(slot, _Slot)
        channel = slot.take()
        if channel is not None:
            self._take(channel)

    def stop(self) -> None:
        """Refuse the hand-over that is under way, and all that follow."""
        with self._queueing:
            self._stopped = True
            slot = self._current
        if slot is not None:
            with slot.changed:
                slot.changed.notify_all()
        self._port.unbind(self._key)
