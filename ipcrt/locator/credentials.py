"""Who is at the other end: the kernel's word, never a bare pid.

SO_PEERCRED tells pid, uid and gid as they were when the peer connected, or made the pair;
SO_PEERPIDFD gives the process itself, so that a pid that was given to somebody else is noticed.
For sockets from a supervisor the *client's* side of SO_PEERCRED names whoever made the listener;
the locator's side, used here, is right.
Source: unix(7); Linux 6.5 for SO_PEERPIDFD.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import select
import socket
import struct
from typing import Final, Self

from ipcrt.errors import IpcError, NotFound, from_oserror
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process

SO_PEERPIDFD: Final = 77
SO_PEERGROUPS: Final = 59
_UCRED: Final = struct.Struct("=iII")
_GID: Final = struct.Struct("=I")
_MAX_GROUPS: Final = 65536
_SYSTEM_SLICE: Final = "/system.slice/"


@dataclasses.dataclass(frozen=True, slots=True)
class Credentials:
    """Identity of a peer: numbers as the kernel told them; `groups` holds `gid` too."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int]

    @classmethod
    def of(cls, handle: Handle) -> Self:
        """Read the credentials of the peer of a connected AF_UNIX socket.

        Raises: NotSupported, WrongType: no such socket.
        """
        sock = socket.socket(fileno=handle.fileno())
        try:
            raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
            pid, uid, gid = _UCRED.unpack(raw)
            groups = _groups(sock)
        except OSError as error:
            raise from_oserror(error, "read a peer's credentials") from error
        finally:
            sock.detach()
        return cls(pid, uid, gid, groups | {gid})


def peer_process(handle: Handle) -> Process:
    """Answer the process at the other end; the caller owns it.

    Before Linux 6.5 the pid is opened instead, which cannot tell a process from its successor.
    Raises: NotFound: it has ended and is gone.
    """
    sock = socket.socket(fileno=handle.fileno())
    try:
        try:
            return Process(sock.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD))
        except OSError as error:
            if error.errno != errno.ENOPROTOOPT:
                raise
        raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        return Process(os.pidfd_open(_UCRED.unpack(raw)[0]))
    except OSError as error:
        if error.errno in (errno.ESRCH, errno.EINVAL, errno.ENODATA):
            raise NotFound("the peer's process has ended") from error
        raise from_oserror(error, "open the peer's process") from error
    finally:
        sock.detach()


def peer_unit(handle: Handle, pid: int) -> str | None:
    """Answer the system unit of the peer, such as `ipcrt-service@kvstore.service`.

    None for whatever does not run in the system's own slice: a user's manager may call its units
    as it likes. The process is checked to live after its cgroup was read, so the pid was its own.
    """
    try:
        with peer_process(handle) as process:
            cgroup = _cgroup(pid)
            if _has_ended(process):
                return None
    except (IpcError, OSError):
        return None
    return None if cgroup is None else unit_of(cgroup)


def unit_of(cgroup: str) -> str | None:
    """Answer the unit that a cgroup path belongs to, or None outside the system slice."""
    if not cgroup.startswith(_SYSTEM_SLICE):
        return None
    for part in cgroup.split("/"):
        if part.endswith(".service"):
            return part
    return None


def _cgroup(pid: int) -> str | None:
    """Answer the path in the unified hierarchy, or in systemd's own of version 1."""
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as lines:
        for line in lines:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            if controllers in ("", "name=systemd") and path != "/":
                return path
    return None


def _has_ended(process: Process) -> bool:
    poll = select.poll()
    poll.register(process.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _groups(sock: socket.socket) -> frozenset[int]:
    for size in (
        64,
        _GID.size * _MAX_GROUPS,
    ):  # most peers fit the first; ERANGE is the reason to retry
        with contextlib.suppress(OSError):
            raw = sock.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, size)
            return frozenset(gid for (gid,) in _GID.iter_unpack(raw))
    return frozenset()  # before Linux 4.13: an error only ever takes groups away
