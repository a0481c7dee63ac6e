"""EventPair: two linked events, each of which sees when the other is gone.

A SEQPACKET pair. A signal is a packet of one byte in the other end's queue, so that only the two
holders can raise or clear it; the hang-up is PEER_CLOSED. Passed to other processes, the two ends
are matched by their koids.
Source: zx_eventpair_create, zx_object_signal_peer; unix(7).
"""

from __future__ import annotations

from typing import ClassVar, Final, Self

from ipcrt.errors import PeerClosed, ShouldWait
from ipcrt.objects import _scm
from ipcrt.objects import rights as _rights
from ipcrt.objects._socket_handle import SocketHandle, make_pair
from ipcrt.objects.kind import ObjType
from ipcrt.objects.rights import Rights

_SIGNAL: Final = b"\1"
_MAX_CLEARED: Final = 4096
"""Signals taken by one `clear`; without a bound, a peer that never stops would hold us there."""


class EventPair(SocketHandle):
    """One end of an event pair.

    Waiting: SIGNALED while the peer's signal is not cleared, PEER_CLOSED once the peer is gone
    and its signal cleared. All rights are advisory.
    """

    TYPE: ClassVar[ObjType] = ObjType.EVENTPAIR
    DEFAULT_RIGHTS: ClassVar[Rights] = _rights.BASIC | Rights.SIGNAL | Rights.SIGNAL_PEER

    __slots__ = ()

    @classmethod
    def create(cls) -> tuple[Self, Self]:
        """Make an event pair: its two ends, each owned by the caller.

        Raises: NoResources: no descriptors are free.
        """
        first, second = make_pair(ObjType.EVENTPAIR)
        return cls(first), cls(second)

    def signal_peer(self) -> None:
        """Set the other end; nothing changes where it is set already.

        Raises: PeerClosed. AccessDenied: no SIGNAL_PEER right.
        """
        self.require(Rights.SIGNAL_PEER, "signal the peer")
        try:
            _scm.send(self._sock or self._open(), _SIGNAL)
        except ShouldWait:
            return  # its queue is full of signals

    def clear(self) -> None:
        """Unset this end; nothing changes where it is unset already, or the peer gone.

        Raises: AccessDenied: no SIGNAL right.
        """
        self.require(Rights.SIGNAL, "clear")
        sock = self._sock or self._open()
        try:
            for _ in range(_MAX_CLEARED):
                _scm.receive_bytes(sock, 1)
        except (ShouldWait, PeerClosed):
            pass
        if self._held_back:
            self._note_read()

    def is_signaled(self) -> bool:
        """True while the peer's signal is not cleared; asks once and does not wait."""
        try:
            _scm.receive_bytes(self._sock or self._open(), 1, peek=True)
        except (ShouldWait, PeerClosed):
            return False
        return True
