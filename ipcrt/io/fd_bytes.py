"""Descriptors' bytes: at an offset, or from a pipe's end, never waiting for a peer.

1. A descriptor that came from a peer shares its file offset and its flags with that peer. So
   files are read and written at offsets of our own, and nothing depends on O_NONBLOCK.
2. A pipe or a socket is asked without waiting (RWF_NOWAIT, MSG_DONTWAIT); who waits uses a port.
Source: preadv2(2), pwritev2(2), send(2), open(2) "shared file offset".
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat

from ipcrt.io.modes import Mode
from ipcrt.objects._fd import LentSocket, read_nowait
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights, of_access_mode


def has_offsets(fd: int) -> bool:
    """True for files (memory too), False for pipes, sockets and other devices.

    Raises: IsADirectoryError.
    """
    mode = os.fstat(fd).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return stat.S_ISREG(mode) or stat.S_ISBLK(mode)


def check_handle(handle: Handle, mode: Mode) -> None:
    """Refuse a handle that is no file to be opened in this mode.

    Raises: AccessDenied: its rights. PermissionError: it was not opened for that. OSError with
    EINVAL: a channel, which holds messages. BadHandle.
    """
    if isinstance(handle, Channel):
        raise OSError(errno.EINVAL, "a channel is no file; a resource's is opened by its client")
    flags = fcntl.fcntl(handle.fileno(), fcntl.F_GETFL)
    allowed = Rights.NONE if flags & os.O_PATH else of_access_mode(flags)
    for needed, wanted in ((Rights.READ, mode.reading), (Rights.WRITE, mode.writing)):
        if wanted:
            handle.require(needed, f"mode {mode.raw}")
            if not needed & allowed:
                raise PermissionError(errno.EACCES, f"the descriptor is not open for {needed.name}")


def read_at(offset: int, view: memoryview, fd: int, flags: int) -> int:
    """Read at an offset; zero: the end."""
    return os.preadv(fd, [view], offset, flags)


def write_at(offset: int, view: memoryview, fd: int, flags: int) -> int:
    """Write at an offset; answer how much."""
    return os.pwritev(fd, [view], offset, flags)


def append(view: memoryview, fd: int, flags: int) -> int:
    """Write at the end, whatever it is by then."""
    return os.pwritev(fd, [view], 0, os.RWF_APPEND | flags)


def size(fd: int) -> int:
    """Answer how many bytes a file has now."""
    return os.fstat(fd).st_size


def receive_into(fd: int, view: memoryview) -> int:
    """Read what is there from a pipe or a socket; zero: the end (rule 2).

    Raises: BlockingIOError: nothing is there.
    """
    data = read_nowait(fd, len(view))
    view[: len(data)] = data
    return len(data)


def send(fd: int, view: memoryview) -> int:
    """Write what there is room for into a pipe or a socket (rule 2).

    Raises: BlockingIOError: there is none.
    """
    if stat.S_ISSOCK(os.fstat(fd).st_mode):
        return LentSocket(fd).send(view, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    try:
        return os.pwritev(fd, [view], -1, os.RWF_NOWAIT)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        os.set_blocking(fd, False)  # terminals, and pipes before Linux 6.4: the next best thing
        return os.write(fd, view)
