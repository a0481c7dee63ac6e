"""Ring bell: what wakes the other end of a ring, and tells that it is gone.

1. An honest peer rings at most once for each time that this end went to sleep. One that rings again
   and again for nothing breaks the protocol; it must not keep us busy.
2. A bell that nobody has heard yet need not be rung again.
3. What the peer queued before it went is heard first; the ring's records are not in the bell.
"""

from __future__ import annotations

from typing import Final

from ipcrt.errors import PeerClosed, RemoteProtocolError, ShouldWait
from ipcrt.objects.fifo import MIN_ELEMENTS, Fifo

_RING: Final = b"\1"
_HEARD_AT_ONCE: Final = 64
"""Without a bound, a peer that never stops ringing would hold us there."""


def create_bell() -> tuple[Fifo, Fifo]:
    """Make the two ends of a bell, each owned by the caller. Raises: NoResources."""
    return Fifo.create(MIN_ELEMENTS, len(_RING))


def check_bell(bell: Fifo) -> None:
    """Refuse a fifo that cannot be rung. Raises: RemoteProtocolError."""
    if bell.elem_size != len(_RING):
        raise RemoteProtocolError(f"a fifo of {bell.elem_size}-byte elements is no ring's bell")


def ring_bell(bell: Fifo) -> bool:
    """Wake the other end; False: it is gone. Raises: NoResources, BadHandle."""
    try:
        bell.write(_RING)
    except ShouldWait:  # rule 2
        pass
    except PeerClosed:
        return False
    return True


def hear_bell(bell: Fifo) -> bool:
    """Take what was rung, without waiting; False: the other end is gone.

    Raises: RemoteProtocolError: it is no bell of ours that was rung. BadHandle.
    """
    try:
        bell.read(_HEARD_AT_ONCE)
    except ShouldWait:
        pass
    except PeerClosed:
        return False
    return True
