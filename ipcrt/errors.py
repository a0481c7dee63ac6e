"""Everything that can go wrong, named after Zircon's statuses.

    IpcError                    has a `status`
    ├── PeerClosed              the other end is gone, and its messages are read
    ├── ShouldWait              nothing to read, or no room to write: wait, then try again
    ├── TimedOut                the deadline passed (also a TimeoutError)
    ├── Canceled                the wait or call was cancelled from our side
    ├── BadHandle               the handle is closed or was moved away
    ├── WrongType               the handle is another kind of object
    ├── AccessDenied            rights, policy or the kernel refuse
    ├── InvalidArgs             an argument can never be right
    ├── OutOfRange              an argument exceeds a limit, which the message names
    ├── BufferTooSmall          what arrived does not fit where it should go
    ├── BadState                the object cannot do this now
    ├── AlreadyExists
    ├── NotFound
    ├── NotSupported            this kernel or object has no such thing
    ├── NoResources             descriptors, memory or a quota ran out
    ├── Unavailable             the service is not there now; trying later may help
    ├── IoError                 the kernel failed in a way no other class names
    └── ProtocolError           the bytes break the wire format or the contract
        ├── LocalProtocolError  our side asked for it: nothing was sent
        └── RemoteProtocolError the peer sent it: its channel is closed

A subclass exists only where a caller acts differently; everything else is told
by `status`. Numbers are Zircon's, so a status may travel to another program.
Source: zircon/errors.h, errno(3).
"""

from __future__ import annotations

import enum
import errno
from typing import ClassVar, Final


class Status(enum.IntEnum):
    """A Zircon status: zero is success, negative numbers are errors."""

    OK = 0
    INTERNAL = -1
    NOT_SUPPORTED = -2
    NO_RESOURCES = -3
    NO_MEMORY = -4
    INVALID_ARGS = -10
    BAD_HANDLE = -11
    WRONG_TYPE = -12
    BAD_SYSCALL = -13
    OUT_OF_RANGE = -14
    BUFFER_TOO_SMALL = -15
    BAD_STATE = -20
    TIMED_OUT = -21
    SHOULD_WAIT = -22
    CANCELED = -23
    PEER_CLOSED = -24
    NOT_FOUND = -25
    ALREADY_EXISTS = -26
    ALREADY_BOUND = -27
    UNAVAILABLE = -28
    ACCESS_DENIED = -30
    IO = -40
    IO_DATA_INTEGRITY = -42
    BAD_PATH = -50
    NOT_DIR = -51
    NOT_FILE = -52
    FILE_BIG = -53
    NO_SPACE = -54
    NOT_EMPTY = -55
    PROTOCOL_NOT_SUPPORTED = -70
    CONNECTION_REFUSED = -74


class IpcError(Exception):
    """The root of all errors raised by this library; `status` says which one."""

    STATUS: ClassVar[Status] = Status.INTERNAL

    def __init__(self, message: str = "", status: Status | None = None) -> None:
        self.status: Final[Status] = self.STATUS if status is None else status
        super().__init__(message or self.status.name)


class PeerClosed(IpcError):
    """The other end is closed and everything it sent has been read."""

    STATUS = Status.PEER_CLOSED


class ShouldWait(IpcError):
    """The operation would block: wait for READABLE or WRITABLE and try again."""

    STATUS = Status.SHOULD_WAIT


class TimedOut(IpcError, TimeoutError):
    """The deadline passed before the operation was done."""

    STATUS = Status.TIMED_OUT


class Canceled(IpcError):
    """The operation was cancelled from this side before it was done."""

    STATUS = Status.CANCELED


class BadHandle(IpcError):
    """The handle is closed, or was moved to another owner."""

    STATUS = Status.BAD_HANDLE


class WrongType(IpcError):
    """The handle refers to another kind of object."""

    STATUS = Status.WRONG_TYPE


class AccessDenied(IpcError):
    """Rights, policy or the kernel refuse the operation."""

    STATUS = Status.ACCESS_DENIED


class InvalidArgs(IpcError):
    """An argument can never be right, whatever the object's state."""

    STATUS = Status.INVALID_ARGS


class OutOfRange(IpcError):
    """An argument exceeds a limit; the message names the limit and the value."""

    STATUS = Status.OUT_OF_RANGE


class BufferTooSmall(IpcError):
    """What arrived does not fit where it should go."""

    STATUS = Status.BUFFER_TOO_SMALL


class BadState(IpcError):
    """The object cannot do this in the state it is in."""

    STATUS = Status.BAD_STATE


class AlreadyExists(IpcError):
    """The name or the place is taken."""

    STATUS = Status.ALREADY_EXISTS


class NotFound(IpcError):
    """Nothing of that name is there."""

    STATUS = Status.NOT_FOUND


class NotSupported(IpcError):
    """This kernel, or this kind of object, has no such operation."""

    STATUS = Status.NOT_SUPPORTED


class NoResources(IpcError):
    """Descriptors, memory or a quota ran out."""

    STATUS = Status.NO_RESOURCES


class Unavailable(IpcError):
    """The service is not there now; trying again later may help."""

    STATUS = Status.UNAVAILABLE


class IoError(IpcError):
    """The kernel failed in a way that no other class names."""

    STATUS = Status.IO


class ProtocolError(IpcError):
    """Bytes or handles break the wire format or the contract."""

    STATUS = Status.IO_DATA_INTEGRITY


class LocalProtocolError(ProtocolError):
    """Our side asked for something the contract forbids; nothing was sent."""

    STATUS = Status.INVALID_ARGS


class RemoteProtocolError(ProtocolError):
    """The peer broke the contract; its channel is closed."""


_BY_STATUS: Final[dict[Status, type[IpcError]]] = {
    cls.STATUS: cls
    for cls in IpcError.__subclasses__()
    if cls.STATUS is not Status.IO_DATA_INTEGRITY
} | {
    Status.NO_MEMORY: NoResources,
    Status.ALREADY_BOUND: AlreadyExists,
    Status.CONNECTION_REFUSED: Unavailable,
    Status.IO_DATA_INTEGRITY: RemoteProtocolError,
}

_BY_ERRNO: Final[dict[int, Status]] = {
    errno.EAGAIN: Status.SHOULD_WAIT,
    errno.EPIPE: Status.PEER_CLOSED,
    errno.ECONNRESET: Status.PEER_CLOSED,
    errno.ENOTCONN: Status.PEER_CLOSED,
    errno.EBADF: Status.BAD_HANDLE,
    errno.EACCES: Status.ACCESS_DENIED,
    errno.EPERM: Status.ACCESS_DENIED,
    errno.EROFS: Status.ACCESS_DENIED,
    errno.EXDEV: Status.ACCESS_DENIED,  # openat2(2): the path leaves the directory
    errno.ELOOP: Status.ACCESS_DENIED,  # openat2(2): a link where none is allowed
    errno.EINVAL: Status.INVALID_ARGS,
    errno.EMSGSIZE: Status.OUT_OF_RANGE,
    errno.ERANGE: Status.OUT_OF_RANGE,
    errno.EMFILE: Status.NO_RESOURCES,
    errno.ENFILE: Status.NO_RESOURCES,
    errno.ENOBUFS: Status.NO_RESOURCES,
    errno.ETOOMANYREFS: Status.NO_RESOURCES,
    errno.EDQUOT: Status.NO_RESOURCES,
    errno.ENOMEM: Status.NO_MEMORY,
    errno.ENOSPC: Status.NO_SPACE,
    errno.ENOENT: Status.NOT_FOUND,
    errno.ESRCH: Status.NOT_FOUND,
    errno.EEXIST: Status.ALREADY_EXISTS,
    errno.EADDRINUSE: Status.ALREADY_EXISTS,
    errno.ENOTDIR: Status.NOT_DIR,
    errno.EISDIR: Status.NOT_FILE,
    errno.ENAMETOOLONG: Status.BAD_PATH,
    errno.EFBIG: Status.FILE_BIG,
    errno.ENOTEMPTY: Status.NOT_EMPTY,
    errno.ECONNREFUSED: Status.CONNECTION_REFUSED,
    errno.ETIMEDOUT: Status.TIMED_OUT,
    errno.ENOSYS: Status.NOT_SUPPORTED,
    errno.EOPNOTSUPP: Status.NOT_SUPPORTED,
    errno.ENOPROTOOPT: Status.NOT_SUPPORTED,
    errno.ENOTSOCK: Status.WRONG_TYPE,
    errno.ENODEV: Status.WRONG_TYPE,
}


def error_for(status: Status | int, message: str = "") -> IpcError:
    """Make the exception that stands for `status`; unknown numbers become INTERNAL."""
    try:
        known = Status(status)
    except ValueError:
        return IpcError(message or f"status {int(status)}, which no name is known for")
    cls = _BY_STATUS.get(known, IpcError)
    return cls(message, known)


def from_oserror(error: OSError, doing: str) -> IpcError:
    """Translate the kernel's errno; `doing` says what was tried, in a few words."""
    status = _BY_ERRNO.get(error.errno or 0, Status.IO)
    cls = _BY_STATUS.get(status, IoError)
    return cls(f"{doing}: {error.strerror or error}", status)
