"""Open a file beneath a directory, and nothing outside it, whatever the path says.

1. A path is relative, and has no ".." and no NUL. It is refused before the kernel sees it.
2. No symbolic link is followed, neither in the middle nor at the end, wherever it points: a link
   inside may be replaced by one that leads outside. So there are no magic links either.
3. Only regular files and directories are handed out; anything else is closed again, unread.
   Nothing blocks meanwhile: no FIFO, no lease.
4. openat2(2) does it in one call. Where the kernel has none, or a sandbox denies it, the path is
   walked one name at a time with O_NOFOLLOW: slower, with the same answers.
Source: openat2(2), open(2), path_resolution(7).
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from ipcrt.errors import AccessDenied, InvalidArgs, IpcError, Status, WrongType, from_oserror
from ipcrt.objects import _syscalls
from ipcrt.objects import rights as _rights
from ipcrt.objects._fd import close_fd
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights

_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_NO_SYMLINKS: Final = 0x04
_RESOLVE_BENEATH: Final = 0x08
_RESOLVE: Final = _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS

_ALLOWED: Final = os.O_ACCMODE | os.O_APPEND | os.O_TRUNC | os.O_DIRECTORY | os.O_CLOEXEC
_ALWAYS: Final = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_STEP: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_PATH_MAX: Final = 4096
_NO_OPENAT2: Final = (errno.ENOSYS, errno.EPERM)
"""EPERM is how sandboxes deny a call; where it is the file's own, the walk says so too."""


def open_beneath(dir_fd: int, path: str, flags: int = os.O_RDONLY) -> Handle:
    """Open a regular file or directory beneath `dir_fd`; the caller owns the handle.

    `flags` are an access mode and any of O_APPEND, O_TRUNC and O_DIRECTORY. The handle's rights
    READ and WRITE are those of the access mode.
    Raises: NotFound. AccessDenied: a path that leaves the directory, a link, or no permission.
    WrongType: neither file nor directory. InvalidArgs: an empty path, a NUL, or other flags.
    ShouldWait: another process holds a lease on the file. NoResources. IpcError with NOT_DIR,
    NOT_FILE or BAD_PATH (too long).
    """
    if flags & ~_ALLOWED:
        raise InvalidArgs(f"flags {flags & ~_ALLOWED:#o} are not among those that are allowed")
    names = _split(path)
    try:
        fd = _open(dir_fd, names, flags | _ALWAYS)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a FIFO without reader, or a socket
            raise WrongType(f"{path!r} is neither file nor directory") from error
        raise from_oserror(error, f"open {path!r}") from error
    try:
        return _checked(fd, path, flags)
    except BaseException:
        close_fd(fd)
        raise


def _split(path: str) -> list[bytes]:
    """Answer the names of a path that obeys rule 1, without "." and empty ones."""
    try:
        raw = os.fsencode(path)
    except UnicodeEncodeError as error:
        raise InvalidArgs(f"path {path!r} is no text that a file system can hold") from error
    if not raw or b"\0" in raw:
        raise InvalidArgs(f"path {path!r} is empty or holds a NUL")
    if len(raw) >= _PATH_MAX:
        raise IpcError(f"path of {len(raw)} bytes exceeds {_PATH_MAX - 1}", Status.BAD_PATH)
    names = raw.split(b"/")
    if raw.startswith(b"/") or b".." in names:
        raise AccessDenied(f"path {path!r} may leave its directory")
    return [name for name in names if name not in (b"", b".")] or [b"."]


def _open(dir_fd: int, names: list[bytes], flags: int) -> int:
    try:
        return _syscalls.openat2(dir_fd, b"/".join(names), flags, _RESOLVE)
    except OSError as error:
        if error.errno not in _NO_OPENAT2:
            raise
    return _walk(dir_fd, names, flags)


def _walk(dir_fd: int, names: list[bytes], flags: int) -> int:
    """Do what openat2 does (rule 4); the caller owns the descriptor."""
    *directories, last = names
    step = -1
    try:
        for name in directories:
            onward = _open_name(name, _STEP, dir_fd if step < 0 else step)
            if step >= 0:
                close_fd(step)
            step = onward
        return _open_name(last, flags, dir_fd if step < 0 else step)
    finally:
        if step >= 0:
            close_fd(step)


def _open_name(name: bytes, flags: int, dir_fd: int) -> int:
    """Open one name; a link is ELOOP, as openat2 says, even where open says ENOTDIR."""
    try:
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=dir_fd)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
        raise


def _checked(fd: int, path: str, flags: int) -> Handle:
    """Make the handle of what was opened, if rule 3 allows it."""
    mode = os.fstat(fd).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise WrongType(f"{path!r} is neither file nor directory")
    os.set_blocking(fd, True)  # we set O_NONBLOCK, but only for open's sake
    held = _rights.BASIC | _rights.PROPERTY | Rights.MAP | _rights.of_access_mode(flags)
    return Handle(fd, held)
