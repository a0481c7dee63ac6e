"""The well-known socket, bound by ourselves where no supervisor does it.

1. Whoever binds holds the lock file beside the path, from before the first look until after
   the last unlink. It is never removed: one that comes and goes could be held twice.
2. A path is stale only if it is a socket and connecting says ECONNREFUSED. Anything else that
   is there stays there: a live socket, an activated one, a file, a link.
3. We unlink only the inode that we looked at, or that we bound. It is held open meanwhile, so
   that its number cannot be given to another file.
Source: unix(7), flock(2), open(2) for O_PATH.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
import stat
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ipcrt.errors import AlreadyExists, InvalidArgs, OutOfRange, from_oserror
from ipcrt.objects.handle import Handle

_PATH_LIMIT_BYTES: Final = 107
"""sun_path holds 108 bytes, the last of which is a NUL. Source: unix(7)."""

_BACKLOG: Final = 4096
"""The kernel cuts it to net.core.somaxconn; connecting to a full one waits or says EAGAIN."""

_Inode = tuple[int, int]
"""Device and number: the identity of a file for as long as it is held open."""

_log = logging.getLogger(__name__)


class Listener:
    """A listening socket that we bound; owns the socket, its path and the lock.

    `socket` is non-blocking and stays owned by this object.
    """

    __slots__ = ("_inode", "_lock", "path", "socket")

    def __init__(self, path: Path, sock: socket.socket, inode: _Inode, lock: Handle) -> None:
        """Take ownership of all that `bind` made; use that."""
        self.path = path
        self.socket = sock
        self._inode = inode
        self._lock = lock

    @classmethod
    def bind(cls, path: str | os.PathLike[str], mode: int = 0o600) -> Self:
        """Listen at `path`, whose mode bits say who may connect; recover it if it is stale.

        A missing directory is made, open to others only if the socket is.

        Raises: AlreadyExists: another process starts or serves there, or the path is no socket.
        OutOfRange: the path is too long. InvalidArgs: no path. NotFound: the directory's own
        directory is missing. AccessDenied: the kernel refuses.
        """
        where = _checked(path)
        _make_directory(where.parent, mode)
        lock = _lock(where)
        try:
            _clear(where)
            sock, inode = _bound(where, mode)
        except OSError as error:
            lock.close()
            raise from_oserror(error, f"listen at {where}") from error
        except BaseException:
            lock.close()
            raise
        return cls(where, sock, inode, lock)

    def fileno(self) -> int:
        """Lend the socket's number; -1 once closed."""
        return self.socket.fileno()

    def close(self) -> None:
        """Unlink our path if it is still ours, then close; a second close does nothing."""
        if self._lock.closed:
            return
        try:
            _unlink_if(self.path, self._inode)
        except OSError as error:  # the next start recovers it
            _log.warning("cannot unlink %s: %s", self.path, error)
        self.socket.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _inode(found: os.stat_result) -> _Inode:
    return found.st_dev, found.st_ino


def _checked(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path)
    if not text or "\0" in text:
        raise InvalidArgs(f"{text!r} is not the path of a socket")
    where = Path(text).absolute()  # a later chdir must not change what `close` unlinks
    length = len(os.fsencode(where))
    if length > _PATH_LIMIT_BYTES:
        raise OutOfRange(f"socket path of {length} bytes exceeds {_PATH_LIMIT_BYTES}: {where}")
    return where


def _make_directory(directory: Path, mode: int) -> None:
    wanted = 0o755 if mode & 0o077 else 0o700
    try:
        directory.mkdir(wanted)
        directory.chmod(wanted)  # what the umask took
    except FileExistsError:
        return
    except OSError as error:
        raise from_oserror(error, f"make the directory {directory}") from error


def _lock(path: Path) -> Handle:
    """Hold the lock file of `path`; the caller owns it.

    Raises: AlreadyExists: somebody else holds it.
    """
    name = path.with_name(path.name + ".lock")
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = Handle(os.open(name, flags, 0o600))
    except OSError as error:
        raise from_oserror(error, f"open the lock file {name}") from error
    try:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise AlreadyExists(f"another process starts or serves at {path}") from error
    except BaseException:
        lock.close()
        raise
    return lock


def _clear(path: Path) -> None:
    """Make sure that nothing is at `path`; the caller holds the lock (rules 2 and 3).

    Raises: AlreadyExists: something that is not ours to remove.
    """
    try:
        pin = Handle(os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC))
    except FileNotFoundError:
        return
    with pin:
        found = os.fstat(pin.fileno())
        if not stat.S_ISSOCK(found.st_mode):
            raise AlreadyExists(f"{path} is not a socket, and is left alone")
        _probe(path)
        _unlink_if(path, _inode(found))


def _probe(path: Path) -> None:
    """Return if nobody listens at `path`.

    Raises: AlreadyExists: somebody does. AccessDenied: we may not even ask.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        probe.setblocking(False)
        code = probe.connect_ex(os.fspath(path))
    if code in (errno.ECONNREFUSED, errno.ENOENT):
        return
    # EAGAIN is a full backlog, EPROTOTYPE a socket of another type: both are alive.
    if code in (0, errno.EAGAIN, errno.EPROTOTYPE):
        raise AlreadyExists(f"another process listens at {path}")
    raise from_oserror(OSError(code, os.strerror(code)), f"connect to {path}")


def _unlink_if(path: Path, inode: _Inode) -> None:
    """Remove `path` if it is that inode, which the caller keeps alive."""
    try:
        if _inode(os.lstat(path)) == inode:
            path.unlink()
    except FileNotFoundError:
        return


def _bound(path: Path, mode: int) -> tuple[socket.socket, _Inode]:
    """Bind and listen; the caller owns the socket. On error nothing is left."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.setblocking(False)
        # The path is born with the socket's own mode less the umask, so never too open;
        # the chmod gives back what the umask took.
        os.fchmod(sock.fileno(), mode)
        sock.bind(os.fspath(path))
        return sock, _opened(path, mode, sock)
    except BaseException:
        sock.close()
        raise


def _opened(path: Path, mode: int, sock: socket.socket) -> _Inode:
    """Let clients in; on error the path is removed."""
    inode = _inode(os.lstat(path))
    try:
        path.chmod(mode)
        sock.listen(_BACKLOG)
    except BaseException:
        _unlink_if(path, inode)
        raise
    return inode
