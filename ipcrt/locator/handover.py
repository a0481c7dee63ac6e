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
from collections.abc import Callable

from ipcrt.errors import BadState, TimedOut, Unavailable
from ipcrt.objects.channel import Channel
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port


class _Slot:
    """One hand-over; guarded by its condition."""

    def __init__(self, channel: Channel) -> None:
        self.changed = threading.Condition()
        self.channel = channel
        self.taken = False
        self.withdrawn = False


class HandOver:
    """The way in for channels that come from other threads."""

    def __init__(self, port: Port, take: Callable[[Channel], None]) -> None:
        """`take(channel)` is called on the port's thread and owns what it is given."""
        self._port = port
        self._take = take
        self._push = threading.Lock()
        self._current: _Slot | None = None
        self._stopped = False
        self._thread = threading.get_ident()
        self._key = port.new_key()
        port.bind(self._key, self._receive)

    def add_channel(self, channel: Channel, timeout: float | None = None) -> None:
        """Give `channel` away; returns when it is accepted. From any thread but the loop's.

        On error the channel stays with the caller, open.
        Raises: Unavailable: shutting down. TimedOut. BadState: called on the loop's own thread,
        which would wait for itself.
        """
        if threading.get_ident() == self._thread:
            raise BadState("add_channel would wait for the thread it runs on")
        with self._push:
            slot = self._current = _Slot(channel)
            try:
                self._hand_over(slot, timeout)
            finally:
                self._current = None

    def _hand_over(self, slot: _Slot, timeout: float | None) -> None:
        if not self._stopped:
            self._port.queue(Packet(self._key, payload=slot))
        with slot.changed:
            slot.changed.wait_for(lambda: slot.taken or self._stopped, timeout)
            if slot.taken:
                return
            slot.withdrawn = True
        if self._stopped:
            raise Unavailable("the locator is shutting down")
        raise TimedOut(f"not accepted within {timeout} seconds")

    def _receive(self, packet: Packet) -> None:
        slot = packet.payload
        assert isinstance(slot, _Slot)
        with slot.changed:
            if slot.withdrawn:
                return
            slot.taken = True
            channel = Channel(slot.channel.take(), slot.channel.rights)
            slot.changed.notify_all()
        self._take(channel)

    def stop(self) -> None:
        """Refuse the hand-over that is under way, and all that follow."""
        self._stopped = True
        slot = self._current
        if slot is not None:
            with slot.changed:
                slot.changed.notify_all()
        self._port.unbind(self._key)
