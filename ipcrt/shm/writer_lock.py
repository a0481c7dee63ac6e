"""WriterLock: how readers learn that a writer is gone, even if it was killed.

1. The writer holds a write lock on its memory through an open file description of its own. The
   kernel drops it with the last descriptor of that description, however the writer ends.
2. Readers only ask. What was sent to them is another description, so it does not hold the lock.
3. A forked child inherits the description; it lets it go at once, or it would outlive its parent
   as the writer. An executed program does not inherit it.
4. A write lock takes a descriptor that may write, and through /proc whoever has one that may not
   could get it: a memfd's mode lets everybody. So the mode is taken back. Left are those whom it
   does not bind (the same user, root): they could take the lock when the writer is gone, and pass
   for it. They cannot write: seals see to that.
Source: fcntl(2), "Open file description locks"; memfd_create(2); proc_pid_fd(5); fork(2).
"""

from __future__ import annotations

import fcntl
import os
import struct
import weakref
from typing import Final

from ipcrt.errors import BadState, from_oserror
from ipcrt.objects.handle import Handle

_FLOCK: Final = struct.Struct("@hhqqi4x")
"""struct flock: type, whence, start, length, pid; the last three zero for the whole file."""


_READ_ONLY: Final = 0o444


class WriterLock(Handle):
    """The lock, held from construction until it is closed."""

    __slots__ = ()

    def __init__(self, fd: int) -> None:
        """Lock the file of `fd`, which stays the caller's.

        Raises: BadState: somebody else holds it, or did. NoResources.
        """
        try:
            own = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
        except PermissionError as error:
            raise BadState("shared memory has, or had, a writer already") from error
        except OSError as error:
            raise from_oserror(error, "open shared memory for its lock") from error
        super().__init__(own)
        try:
            fcntl.fcntl(own, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK))
            os.fchmod(own, _READ_ONLY)
        except OSError as error:
            self.close()
            raise BadState(f"shared memory has a writer already: {error.strerror}") from error
        _forked.add(self)


def is_locked(fd: int) -> bool:
    """True while a writer holds the lock on the file of `fd`, other than through `fd` itself."""
    try:
        answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _flock(fcntl.F_RDLCK))
    except OSError as error:
        raise from_oserror(error, "look for a writer") from error
    kind: int = _FLOCK.unpack(answer)[0]
    return kind != fcntl.F_UNLCK


def _flock(kind: int) -> bytes:
    return _FLOCK.pack(kind, os.SEEK_SET, 0, 0, 0)


class _Forked:
    """The one process-wide hook: a forked child closes its parent's locks (rule 3)."""

    def __init__(self) -> None:
        self._locks: weakref.WeakSet[WriterLock] = weakref.WeakSet()
        os.register_at_fork(after_in_child=self._close)

    def add(self, lock: WriterLock) -> None:
        self._locks.add(lock)

    def _close(self) -> None:
        for lock in list(self._locks):
            lock.close()


_forked = _Forked()
