"""Raw descriptors: lent, copied, read and closed; nothing here owns one longer than a call.

1. A socket object made here never closes its descriptor, not even when it is collected.
2. No call here blocks, whatever another process does to the O_NONBLOCK that it shares with us.
3. Every new descriptor is close-on-exec.
Source: close(2), fcntl(2), preadv2(2), memfd_create(2).
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterable
from typing import Final

from ipcrt.errors import from_oserror

_MFD_NOEXEC_SEAL: Final = 0x0008
"""Linux 6.3 on: never executable, and sealed so; implies MFD_ALLOW_SEALING."""


class LentSocket(socket.socket):
    """The socket calls of a descriptor that somebody else owns and closes (rule 1).

    The collector may finalize this object before the one that owns the number; a plain socket
    would close it then, and the owner's close would hit a stranger's descriptor.
    """

    __slots__ = ()

    def __init__(self, fd: int, kind: int = socket.SOCK_STREAM) -> None:
        """Borrow `fd`, a socket of type `kind`."""
        # SOCK_NONBLOCK touches no descriptor here. It keeps Python's own default timeout away,
        # under which a call would first wait in poll(2).
        super().__init__(socket.AF_UNIX, kind | socket.SOCK_NONBLOCK, 0, fileno=fd)

    def close(self) -> None:
        """Give the number back; the descriptor stays open."""
        self.detach()

    def __del__(self) -> None:
        """Leave the descriptor alone: without this, socket's own finalizer closes it."""


def close_fd(fd: int) -> None:
    """Close a descriptor; only a number that was not open raises.

    Whatever else close(2) reports (a file system may fail late, and a peer chooses the files that
    it sends) the descriptor is gone.
    """
    try:
        os.close(fd)
    except OSError as error:
        if error.errno == errno.EBADF:
            raise


def close_fds(fds: Iterable[int]) -> None:
    """Close raw descriptors that no handle owns yet."""
    for fd in fds:
        close_fd(fd)


def duplicate_fd(fd: int) -> int:
    """Duplicate a descriptor, close-on-exec; the caller owns the copy.

    Raises: NoResources: the descriptor table is full. BadHandle: not open.
    """
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 0)
    except OSError as error:
        raise from_oserror(error, "duplicate a descriptor") from error


def read_nowait(fd: int, size: int) -> bytes:
    """Read at most `size` bytes without waiting (rule 2).

    Raises: BlockingIOError: nothing to read. OSError.
    """
    room = bytearray(size)
    try:
        count = os.preadv(fd, [room], -1, os.RWF_NOWAIT)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        os.set_blocking(fd, False)  # timerfds before Linux 6.10: the next best thing
        return os.read(fd, size)
    return bytes(room[:count])


def create_memfd(name: str) -> int:
    """Make an empty memfd that may be sealed; the caller owns it.

    Raises: NoResources: no descriptor or no memory. InvalidArgs: a name over 249 bytes.
    """
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        try:
            return os.memfd_create(name, flags | _MFD_NOEXEC_SEAL)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return os.memfd_create(name, flags)  # before Linux 6.3
    except OSError as error:
        raise from_oserror(error, "create a memfd") from error
