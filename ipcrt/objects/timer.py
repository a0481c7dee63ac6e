"""Timer: becomes signaled at a moment of CLOCK_MONOTONIC.

A timerfd. Zircon's slack is left out: a timerfd fires as exactly as the kernel can.
Source: zx_timer_create, _set, _cancel; timerfd_create(2).
"""

from __future__ import annotations

import struct
from typing import ClassVar, Final, Self

from ipcrt.errors import OutOfRange, ShouldWait, from_oserror
from ipcrt.objects import _syscalls
from ipcrt.objects import rights as _rights
from ipcrt.objects._fd import read_nowait
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType
from ipcrt.objects.rights import Rights

_COUNT: Final = struct.Struct("=Q")
_MAX_DEADLINE_NS: Final = (1 << 63) - 1


class Timer(Handle):
    """A timer that fires once for each `set`; every duplicate is the same timer.

    Waiting: SIGNALED from the deadline until `read`, `set` or `cancel`. Rights are advisory. The
    kernel gives timers no identity: `koid` raises NotSupported.
    """

    TYPE: ClassVar[ObjType] = ObjType.TIMER
    DEFAULT_RIGHTS: ClassVar[Rights] = _rights.BASIC | Rights.READ | Rights.WRITE | Rights.SIGNAL

    __slots__ = ()

    @classmethod
    def create(cls) -> Self:
        """Make a timer that is not set; owned by the caller.

        Raises: NoResources: no descriptor is free.
        """
        try:
            return cls(_syscalls.timerfd_create())
        except OSError as error:
            raise from_oserror(error, "create a timer") from error

    def set(self, deadline_ns: int) -> None:
        """Fire at `deadline_ns` on the clock of `time.monotonic_ns`; at once where that is past.

        An earlier deadline is replaced, and its signal cleared.
        Raises: OutOfRange: over 2**63 - 1. AccessDenied: no WRITE right.
        """
        if deadline_ns > _MAX_DEADLINE_NS:
            raise OutOfRange(f"deadline {deadline_ns} ns exceeds {_MAX_DEADLINE_NS}")
        self._arm(max(deadline_ns, 1))  # zero would disarm

    def cancel(self) -> None:
        """Unset the timer and clear its signal; nothing changes where it is not set.

        Raises: AccessDenied: no WRITE right.
        """
        self._arm(0)

    def read(self) -> int:
        """Clear the signal; answer how often the timer fired: once, unless a peer made it repeat.

        Raises: ShouldWait: it has not fired since it was set or read.
        """
        self.require(Rights.READ, "read")
        try:
            raw = read_nowait(self.fileno(), _COUNT.size)
        except BlockingIOError:
            raise ShouldWait("the timer has not fired") from None
        except OSError as error:
            raise from_oserror(error, "read a timer") from error
        count: int = _COUNT.unpack(raw)[0]
        return count

    def _arm(self, deadline_ns: int) -> None:
        self.require(Rights.WRITE, "set a timer")
        try:
            _syscalls.timerfd_settime(self.fileno(), deadline_ns)
        except OSError as error:
            raise from_oserror(error, "set a timer") from error
