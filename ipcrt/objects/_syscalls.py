"""System calls that Python 3.11 lacks, through ctypes, which is loaded at the first use.

Every function raises OSError, as those of `os` do; new descriptors are close-on-exec.
Source: timerfd_create(2), openat2(2), poll(2).
"""

from __future__ import annotations

import functools
import os
import struct
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ctypes

_NANOSECONDS: Final = 1_000_000_000
_TFD_TIMER_ABSTIME: Final = 1
_SYS_OPENAT2: Final = 437
"""The same number on every architecture: openat2 is younger than their unification."""
_POLLIN: Final = 1
_POLLFD: Final = struct.Struct("=ihh")
"""struct pollfd: fd, events, revents."""


def timerfd_create() -> int:
    """Make a disarmed timer on CLOCK_MONOTONIC; the caller owns it."""
    if sys.version_info >= (3, 13):
        return os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)
    return _check(_libc().timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))


def timerfd_settime(fd: int, deadline_ns: int) -> None:
    """Let the timer fire once, at `deadline_ns` of CLOCK_MONOTONIC; zero disarms it."""
    if sys.version_info >= (3, 13):
        os.timerfd_settime_ns(fd, flags=os.TFD_TIMER_ABSTIME, initial=deadline_ns)
        return
    import ctypes

    seconds, rest = divmod(deadline_ns, _NANOSECONDS)
    setting = (ctypes.c_long * 4)(0, 0, seconds, rest)  # struct itimerspec: interval, value
    _check(_libc().timerfd_settime(fd, _TFD_TIMER_ABSTIME, ctypes.byref(setting), None))


def openat2(dir_fd: int, path: bytes, flags: int, resolve: int) -> int:
    """Open `path` beneath `dir_fd` under the RESOLVE_* rules; the caller owns the descriptor."""
    import ctypes

    how = (ctypes.c_uint64 * 3)(flags, 0, resolve)  # struct open_how: flags, mode, resolve
    arguments = (
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_long(dir_fd),
        ctypes.c_char_p(path),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    while True:
        try:
            return _check(_libc().syscall(*arguments))
        except InterruptedError:  # a signal's handler has run; go on, as os.open does
            continue


def is_readable(fd: int) -> bool:
    """True while poll(2) says POLLIN; asks once and does not wait."""
    import ctypes

    entry = ctypes.create_string_buffer(_POLLFD.pack(fd, _POLLIN, 0), _POLLFD.size)
    _check(_libc().poll(entry, ctypes.c_ulong(1), 0))
    returned: int = _POLLFD.unpack(entry.raw)[2]
    return bool(returned & _POLLIN)


@functools.cache
def _libc() -> ctypes.CDLL:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> int:
    """Raise what errno says where a call answered -1."""
    if result >= 0:
        return result
    import ctypes

    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))
