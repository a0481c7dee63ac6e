"""What a supervisor passes to us: the protocol of sd_listen_fds(3).

Sockets that it opened for us, and descriptors that one of us before had stored with it.

1. The variables speak to one process. LISTEN_PID must be ours and, where the supervisor
   gives it, LISTEN_PIDFDID too: a pid may have been reused, a pidfd's inode never is.
2. The variables leave the environment when they are read, whatever they say, so that
   no child takes them for its own.
3. Passed descriptors arrive blocking and inheritable; they leave here neither.
4. Either every passed socket is right and the caller owns all, or all are closed.
5. What was stored is told by its name, and is looked at by whoever takes it up again.
Source: sd_listen_fds(3), systemd.socket(5).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ipcrt.errors import BadState, InvalidArgs, WrongType
from ipcrt.objects.handle import Handle, close_all

_FIRST_FD: Final = 3
"""SD_LISTEN_FDS_START: passed descriptors follow the standard three."""

_UNNAMED: Final = "unknown"
"""What sd_listen_fds_with_names(3) calls a descriptor that came without a name."""


@dataclass(frozen=True, slots=True)
class InheritedSocket:
    """A listening socket from the supervisor; whoever holds this owns the socket.

    `name` is the unit's FileDescriptorName=. The path belongs to the supervisor: never unlink it.
    """

    name: str
    socket: socket.socket


@dataclass(frozen=True, slots=True)
class Inherited:
    """All that the supervisor passed; whoever holds this owns it."""

    sockets: list[InheritedSocket]
    """Listening sockets."""

    stored: list[tuple[str, Handle]]
    """Names and descriptors, of any kind, that a predecessor had stored."""


def inherited_sockets() -> list[InheritedSocket]:
    """Take the listening sockets that the supervisor passed; see `inherited_descriptors`."""
    return inherited_descriptors().sockets


def inherited_descriptors(stored_names: Collection[str] = ()) -> Inherited:
    """Take what the supervisor passed; the caller owns it.

    What bears one of `stored_names` was stored; everything else is a listening socket. Empty where
    nothing was passed to this process, also the second time. Call it before anything else is
    opened: only the environment says that descriptors 3 and up are ours to take.

    Raises: InvalidArgs: a variable is malformed. BadState: a promised descriptor is not open.
    WrongType: one is not a listening AF_UNIX SOCK_SEQPACKET socket. All passed ones are closed.
    Source: sd_listen_fds_with_names(3).
    """
    variables = {
        name: os.environ.pop(name, "")
        for name in ("LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES")
    }
    taken = Inherited([], [])
    if not _is_for_us(variables):
        return taken
    handles = _adopt(_number(variables, "LISTEN_FDS"))
    try:
        for name, handle in zip(_names(variables, len(handles)), handles, strict=True):
            if name in stored_names:
                taken.stored.append((name, handle))
                continue
            taken.sockets.append(InheritedSocket(name, _wrap(name, handle)))
            _check(taken.sockets[-1])
            taken.sockets[-1].socket.setblocking(False)
    except BaseException:
        close_all(handles)
        for inherited in taken.sockets:
            inherited.socket.close()
        raise
    return taken


def _is_for_us(variables: dict[str, str]) -> bool:
    if not variables["LISTEN_PID"] or _number(variables, "LISTEN_PID") != os.getpid():
        return False
    if not variables["LISTEN_PIDFDID"]:
        return True
    return _number(variables, "LISTEN_PIDFDID") == _own_pidfd_inode()


def _own_pidfd_inode() -> int:
    with Handle(os.pidfd_open(os.getpid())) as pidfd:
        return os.fstat(pidfd.fileno()).st_ino


def _number(variables: dict[str, str], name: str) -> int:
    text = variables[name]
    if not (text.isascii() and text.isdecimal()):
        raise InvalidArgs(f"{name}={text!r} is not a number")
    return int(text)


def _names(variables: dict[str, str], count: int) -> list[str]:
    if not variables["LISTEN_FDNAMES"]:
        return [_UNNAMED] * count
    names = variables["LISTEN_FDNAMES"].split(":")
    if len(names) != count:
        raise InvalidArgs(f"LISTEN_FDNAMES has {len(names)} names for LISTEN_FDS={count}")
    return names


def _adopt(count: int) -> list[Handle]:
    """Own the passed descriptors, no longer inheritable (rules 3 and 4)."""
    if count > os.sysconf("SC_OPEN_MAX"):
        raise InvalidArgs(f"LISTEN_FDS={count} is more than a process may have")
    handles: list[Handle] = []
    missing: list[int] = []
    for fd in range(_FIRST_FD, _FIRST_FD + count):
        try:
            os.set_inheritable(fd, False)
        except OSError:
            missing.append(fd)
        else:
            handles.append(Handle(fd))
    if missing:
        close_all(handles)
        raise BadState(f"LISTEN_FDS={count}, but descriptor {missing[0]} is not open")
    return handles


def _wrap(name: str, handle: Handle) -> socket.socket:
    """Move the descriptor into a socket object; on error `handle` keeps it."""
    try:
        wrapped = socket.socket(fileno=handle.fileno())
    except OSError as error:
        raise WrongType(f"inherited descriptor {handle.fileno()} ({name}) is no socket") from error
    handle.take()
    return wrapped


def _check(inherited: InheritedSocket) -> None:
    """Raises: WrongType: what the socket is, and what it should be."""
    sock = inherited.socket
    what = f"inherited socket {sock.fileno()} ({inherited.name})"
    if sock.family != socket.AF_UNIX:
        raise WrongType(f"{what} is of family {sock.family!r}, not AF_UNIX: listen at a path")
    if sock.type != socket.SOCK_SEQPACKET:
        raise WrongType(f"{what} is of type {sock.type!r}: use ListenSequentialPacket=")
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise WrongType(f"{what} is not listening: use Accept=no")
