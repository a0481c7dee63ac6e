"""Statuses as POSIX programs expect them: OSError and its subclasses, with errno.

The one table. The OSError is chained from the IpcError, which says more.
Source: errno(3); zircon/errors.h; Python's `OSError`, which picks the subclass by errno.
"""

from __future__ import annotations

import errno
import io
import os
from types import TracebackType
from typing import Final, Self

from ipcrt.errors import IpcError, Status

ERRNO_OF: Final[dict[Status, int]] = {
    Status.INTERNAL: errno.EIO,
    Status.NOT_SUPPORTED: errno.EOPNOTSUPP,
    Status.NO_RESOURCES: errno.EMFILE,
    Status.NO_MEMORY: errno.ENOMEM,
    Status.INVALID_ARGS: errno.EINVAL,
    Status.BAD_HANDLE: errno.EBADF,
    Status.WRONG_TYPE: errno.EINVAL,
    Status.BAD_SYSCALL: errno.ENOSYS,
    Status.OUT_OF_RANGE: errno.ERANGE,
    Status.BUFFER_TOO_SMALL: errno.ENOBUFS,
    Status.BAD_STATE: errno.EBADFD,
    Status.TIMED_OUT: errno.ETIMEDOUT,
    Status.SHOULD_WAIT: errno.EAGAIN,
    # Not EINTR: Python's buffers take that for a signal without an exception, and try again.
    Status.CANCELED: errno.ECANCELED,
    Status.PEER_CLOSED: errno.EPIPE,
    Status.NOT_FOUND: errno.ENOENT,
    Status.ALREADY_EXISTS: errno.EEXIST,
    Status.ALREADY_BOUND: errno.EADDRINUSE,
    Status.UNAVAILABLE: errno.ECONNREFUSED,
    Status.ACCESS_DENIED: errno.EACCES,
    Status.IO: errno.EIO,
    Status.IO_DATA_INTEGRITY: errno.EBADMSG,
    Status.BAD_PATH: errno.ENAMETOOLONG,
    Status.NOT_DIR: errno.ENOTDIR,
    Status.NOT_FILE: errno.EISDIR,
    Status.FILE_BIG: errno.EFBIG,
    Status.NO_SPACE: errno.ENOSPC,
    Status.NOT_EMPTY: errno.ENOTEMPTY,
    Status.PROTOCOL_NOT_SUPPORTED: errno.EPROTONOSUPPORT,
    Status.CONNECTION_REFUSED: errno.ECONNREFUSED,
}


def oserror_for(error: IpcError, name: str | None = None) -> OSError:
    """Answer the OSError that stands for `error`; `name` is its `filename`.

    What nobody supports is an `io.UnsupportedOperation`, which is an OSError, too.
    """
    number = ERRNO_OF.get(error.status, errno.EIO)
    kind = io.UnsupportedOperation if error.status is Status.NOT_SUPPORTED else OSError
    return kind(number, os.strerror(number), name)


class PosixErrors:
    """A context that turns IpcErrors into the OSErrors that stand for them, chained."""

    __slots__ = ("_name",)

    def __init__(self, name: str | None = None) -> None:
        self._name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, IpcError):
            raise oserror_for(error, self._name) from error
