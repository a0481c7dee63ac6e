"""Event: one bit that any holder may set and clear, and all may wait for.

An eventfd; the event is signaled while the counter is above zero.
Source: zx_event_create, zx_object_signal; eventfd(2).
"""

from __future__ import annotations

import os
from typing import ClassVar, Final, Self

from ipcrt.errors import from_oserror
from ipcrt.objects import _syscalls
from ipcrt.objects import rights as _rights
from ipcrt.objects._fd import read_nowait
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType
from ipcrt.objects.rights import Rights

_COUNTER_BYTES: Final = 8


class Event(Handle):
    """An event; every duplicate sets and clears the same bit.

    Waiting: SIGNALED. The SIGNAL right is advisory. Whoever holds an event may also clear it, or
    signal it for others: across a border of trust use an EventPair.
    """

    TYPE: ClassVar[ObjType] = ObjType.EVENT
    DEFAULT_RIGHTS: ClassVar[Rights] = _rights.BASIC | Rights.SIGNAL

    __slots__ = ()

    @classmethod
    def create(cls) -> Self:
        """Make an event that is not signaled; owned by the caller.

        Raises: NoResources: no descriptor is free.
        """
        try:
            return cls(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))
        except OSError as error:
            raise from_oserror(error, "create an event") from error

    def signal(self) -> None:
        """Set the event; nothing changes where it is set already.

        Raises: AccessDenied: no SIGNAL right.
        """
        self.require(Rights.SIGNAL, "signal")
        fd = self.fileno()
        # A write to a full counter waits unless O_NONBLOCK is set, and other holders can change
        # that flag. One that does so between these two calls can still stop us: see the class.
        if os.get_blocking(fd):
            os.set_blocking(fd, False)
        try:
            os.eventfd_write(fd, 1)
        except BlockingIOError:
            return  # the counter is full: signaled
        except OSError as error:
            raise from_oserror(error, "signal an event") from error

    def clear(self) -> None:
        """Unset the event; nothing changes where it is unset already.

        Raises: AccessDenied: no SIGNAL right.
        """
        self.require(Rights.SIGNAL, "clear")
        try:
            read_nowait(self.fileno(), _COUNTER_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            raise from_oserror(error, "clear an event") from error

    def is_signaled(self) -> bool:
        """True while the event is set; asks once and does not wait."""
        try:
            return _syscalls.is_readable(self.fileno())
        except OSError as error:
            raise from_oserror(error, "look at an event") from error
