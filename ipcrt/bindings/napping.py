"""Napping: how a connection waits for its own packet, for a port that serves nothing else.

Sleeping or spinning in the receive itself saves the poller (`ipcrt.port.direct`).
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from ipcrt.bindings.intake import Nap, Readable
from ipcrt.bindings.outbox import Outbox
from ipcrt.bindings.reading import Message, Messages, open_reader
from ipcrt.errors import BadHandle, IpcError, NoResources, PeerClosed, RemoteProtocolError
from ipcrt.objects.channel import Channel
from ipcrt.port.port import Port


class Napping:
    """The part of a connection that a port may wait in."""

    __slots__ = (
        "_armed",
        "_busy",
        "_channel",
        "_max_message_bytes",
        "_pending",
        "_port",
        "_read",
        "_sleep",
        "_take",
        "nap",
        "outbox",
    )

    _armed: bool
    """What the port has been told: True while it calls where there is something to read."""
    _busy: bool
    """True while a message is handled."""
    _channel: Channel
    _max_message_bytes: int
    _pending: list[Message]
    """What was read and is not handled yet, of one packet, the last first."""
    _port: Port
    _read: Callable[[], Messages]
    _sleep: Callable[[], Messages] | None
    """As `_read`, but patient; None before the first nap."""
    _take: Readable
    """Handles what was found."""
    nap: Nap
    """As `_nap`."""
    outbox: Outbox

    def _give_up(self, error: Exception) -> None:
        """End the connection because of `error`."""
        raise NotImplementedError

    def _nap(self) -> bool:
        """Sleep until a packet comes and handle it; False: none came within PATIENCE_S.

        For a port that has nothing else to serve. What a signal's handler raises comes out.
        """
        if self._busy or self._pending or not self._armed:
            return False
        try:
            found = (self._sleep or self._sleep_first)()
        except IpcError as error:
            return self._not_read(error)
        if found is None:
            return False
        self._take(found)
        return True

    def spin(self, until: float) -> bool:
        """Look for a packet again and again and handle it; False: none came until then.

        `until` is a reading of the monotonic clock. Else as `_nap`; but while messages are held
        back here, which may be what the peer waits for, it is False at once.
        """
        if self.outbox.sharing or self._busy or self._pending or not self._armed:
            return False
        read = self._read
        try:
            while (found := read()) is None:
                if monotonic() >= until:
                    return False
        except IpcError as error:
            return self._not_read(error)
        self._take(found)
        return True

    def _sleep_first(self) -> Messages:
        """Have the channel's receives sleep, and sleep in one."""
        self._channel.be_patient()
        buffer = self._port.receive_buffer
        self._sleep = open_reader(self._channel, buffer, self._max_message_bytes, patient=True)
        return self._sleep()

    def _not_read(self, error: Exception) -> bool:
        """Deal with what a read has raised; True where that was the connection's end."""
        if isinstance(error, PeerClosed | RemoteProtocolError):
            self._give_up(error)
            return True
        if isinstance(error, BadHandle | NoResources):
            return False  # what another thread has closed the port is about to tell
        raise error  # a signal's handler has raised it
