"""Signals: the states of an object that can be waited for.

PEER_CLOSED is told only after the queued messages have been read, as Zircon and Starina
do; the kernel tells a hang-up at once, so `observe` asks it what is still queued.
Source: zircon/types.h; epoll_ctl(2); unix(7) SIOCINQ.
"""

from __future__ import annotations

import enum
import fcntl
import select
import struct
import termios
from typing import Final

from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType


class Signals(enum.IntFlag):
    """Zircon's signal bits, with Zircon's numbers."""

    NONE = 0
    READABLE = 1 << 0
    """A message or bytes are queued."""
    WRITABLE = 1 << 1
    """The peer's queue has room."""
    PEER_CLOSED = 1 << 2
    """The other end is gone, and everything it sent has been read."""
    SIGNALED = 1 << 3
    """An event or event pair is signaled, a timer has fired."""
    TERMINATED = 1 << 3
    """A process has ended."""
    PEER_WRITE_DISABLED = 1 << 4
    """A socket's peer will send no more, and everything it sent has been read."""
    HANDLE_CLOSED = 1 << 23
    """The handle was closed or moved while it was waited for."""


_SIGNALED_KINDS: Final = frozenset(
    (ObjType.EVENT, ObjType.EVENTPAIR, ObjType.TIMER, ObjType.PROCESS)
)
_HANGUP: Final = select.EPOLLHUP | select.EPOLLRDHUP
_READABLE: Final = Signals.READABLE | Signals.SIGNALED
_INT: Final = struct.Struct("=i")


def events_for(signals: Signals) -> int:
    """Answer the epoll events under which one of `signals` may have come up."""
    events = 0
    if signals & _READABLE:
        events |= select.EPOLLIN
    if signals & Signals.WRITABLE:
        events |= select.EPOLLOUT
    if signals & (Signals.PEER_CLOSED | Signals.PEER_WRITE_DISABLED | _READABLE):
        events |= select.EPOLLRDHUP
    return events


def observe(handle: Handle, events: int) -> Signals:
    """Translate what epoll or poll said of `handle` into its signals."""
    kind = handle.TYPE
    signals = Signals.NONE
    if events & select.EPOLLIN:
        signals |= Signals.SIGNALED if kind in _SIGNALED_KINDS else Signals.READABLE
    if events & select.EPOLLOUT:
        signals |= Signals.WRITABLE
    if not events & (_HANGUP | select.EPOLLERR):
        return signals
    if queued_bytes(handle) > 0:
        return signals & ~Signals.WRITABLE if events & select.EPOLLHUP else signals
    if kind is ObjType.SOCKET and not events & (select.EPOLLHUP | select.EPOLLERR):
        return (signals & ~Signals.READABLE) | Signals.PEER_WRITE_DISABLED
    return Signals.PEER_CLOSED


def queued_bytes(handle: Handle) -> int:
    """Answer how many bytes wait to be read; zero where the object has no queue."""
    try:
        raw = fcntl.ioctl(handle.fileno(), termios.FIONREAD, b"\0\0\0\0")
    except OSError:
        return 0
    count: int = _INT.unpack(raw)[0]
    return count
