"""WriterLock: how readers learn that a writer is gone, even if it was killed.

1. The writer holds a write lock on its memory through an open file description of its own. The
   kernel drops it with the last descriptor of that description, however the writer ends.
2. Readers only ask. What was sent to them is another description, so it does not hold the lock.
3. A forked child inherits the description; it lets it go at once, or it would outlive its parent
   as the writer. An executed program does not inherit it.
4. A reader that may open the memory for writing (the same user, root) could take the lock when the
   writer is gone, and pass for it. It cannot write: seals see to that.
Source: fcntl(2), "Open file description locks"; fork(2).
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


class WriterLock(Handle):
    """The lock, held from construction until it is closed."""

    __slots__ = ()

    def __init__(self, fd: int) -> None:
        """Lock the file of `fd`, which stays the caller's.

        Raises: BadState: somebody else holds it. NoResources.
        """
        try:
            own = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise from_oserror(error, "open shared memory for its lock") from error
        super().__init__(own)
        try:
            fcntl.fcntl(own, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK))
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
