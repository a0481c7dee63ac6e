"""Signals: the states of an object that can be waited for.

PEER_CLOSED is told only after the queued messages have been read, as Starina does; the kernel
tells a hang-up at once, so what is still queued is asked for.
Source: zircon/types.h; poll(2); epoll_ctl(2); unix(7) SIOCINQ.
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
    """The peer's queue has room: once it was full, not before most of it is read."""
    PEER_CLOSED = 1 << 2
    """The other end is gone, and everything it sent has been read, through this very handle."""
    SIGNALED = 1 << 3
    """An event or event pair is signaled, a timer has fired."""
    TERMINATED = 1 << 3
    """A process has ended."""
    PEER_WRITE_DISABLED = 1 << 4
    """A socket's peer will send no more, and everything it sent has been read."""
    PEER_GONE = 1 << 22
    """The other end is gone, whatever of it is still queued. Not Zircon's; told only to those who
    wait for it, because they do not read and must know all the same."""
    HANDLE_CLOSED = 1 << 23
    """The handle was closed or moved while it was waited for, or the port was closed."""


# Plain integers: arithmetic on Signals members costs ten times as much.
_R: Final = int(Signals.READABLE)
_W: Final = int(Signals.WRITABLE)
_CLOSED: Final = int(Signals.PEER_CLOSED)
_SIGNALED: Final = int(Signals.SIGNALED)
_DISABLED: Final = int(Signals.PEER_WRITE_DISABLED)
_GONE: Final = int(Signals.PEER_GONE)
_MEMBERS: Final = tuple(Signals(number) for number in range(32))

_HAS_NO_PEER: Final = frozenset((ObjType.EVENT, ObjType.TIMER, ObjType.PROCESS))
_HALF_CLOSES: Final = frozenset((ObjType.SOCKET, ObjType.NONE))

IN: Final = select.EPOLLIN
OUT: Final = select.EPOLLOUT
READ_HANGUP: Final = select.EPOLLRDHUP
GONE: Final = select.EPOLLHUP | select.EPOLLERR
"""What a poller reports whether or not it was asked."""
ALL: Final = IN | OUT | READ_HANGUP

_INT: Final = struct.Struct("=i")
_NO_COUNT: Final = bytes(_INT.size)


def events_for(signals: int) -> int:
    """Answer the poller's events under which one of `signals` may have come up."""
    events = 0
    if signals & (_R | _SIGNALED):
        events |= IN
    if signals & _W:
        events |= OUT
    if signals & (_CLOSED | _DISABLED | _GONE):
        events |= READ_HANGUP
    return events


def look(fd: int) -> int:
    """Ask the kernel for all events that are up on `fd` now."""
    poll = select.poll()
    poll.register(fd, ALL)
    ready = poll.poll(0)
    return ready[0][1] if ready else 0


def interpret(kind: ObjType, fd: int, events: int) -> Signals:
    """Translate all events that are up on `fd`, an object of `kind`, into its signals."""
    if kind in _HAS_NO_PEER:  # a pidfd hangs up, too, once its process is reaped
        return _MEMBERS[_SIGNALED if events & IN else 0]
    if kind is ObjType.EVENTPAIR:
        readable, writable = _SIGNALED, 0
    else:
        readable, writable = _R, _W
    signals = (readable if events & IN else 0) | (writable if events & OUT else 0)
    gone = events & GONE
    if not gone and not events & READ_HANGUP:
        return _MEMBERS[signals]
    if queued_bytes(fd) > 0:
        return _MEMBERS[signals & ~_W if gone else signals]
    if kind in _HALF_CLOSES and not gone:
        return _MEMBERS[signals & _W | _DISABLED]
    return _MEMBERS[_CLOSED]


def observe(handle: Handle, wanted: int = 0) -> Signals:
    """Look at `handle` now: every signal that is up, PEER_GONE only if `wanted`. Never blocks.

    Raises: BadHandle.
    """
    fd = handle.fileno()
    events = look(fd)
    up = interpret(handle.TYPE, fd, events)
    return up | Signals.PEER_GONE if wanted & _GONE and events & GONE else up


def queued_bytes(fd: int) -> int:
    """Answer how many bytes wait to be read; zero where the object has no queue."""
    try:
        raw = fcntl.ioctl(fd, termios.FIONREAD, _NO_COUNT)
    except OSError:
        return 0
    count: int = _INT.unpack(raw)[0]
    return count
