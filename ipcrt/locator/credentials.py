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
import socket
import struct
from typing import Final, Self

from ipcrt.errors import IpcError, NotFound, from_oserror
from ipcrt.objects._fd import LentSocket
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process

SO_PEERPIDFD: Final = 77
SO_PEERGROUPS: Final = 59
_UCRED: Final = struct.Struct("=iII")
_GID: Final = struct.Struct("=I")
_GROUPS_BYTES: Final = (64, 1024)
"""Room for 16 groups, which most peers fit, and the most that Python's getsockopt gives: 256."""

_ENDED: Final = (errno.ESRCH, errno.ENODATA, errno.EINVAL)
"""No such process; no process known; pid 0, which stands for one in a foreign pid namespace."""

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
        try:
            with LentSocket(handle.fileno(), socket.SOCK_SEQPACKET) as sock:
                pid, uid, gid = _ucred(sock)
                groups = _groups(sock)
        except OSError as error:
            raise from_oserror(error, "read a peer's credentials") from error
        return cls(pid, uid, gid, groups | {gid})


def peer_process(handle: Handle) -> Process:
    """Answer the process at the other end; the caller owns it.

    Before Linux 6.5 the pid is opened instead, which cannot tell a process from its successor.
    Raises: NotFound: it has ended and is gone, or is none of our pid namespace. NoResources.
    """
    try:
        with LentSocket(handle.fileno(), socket.SOCK_SEQPACKET) as sock:
            return Process(_peer_pidfd(sock))
    except OSError as error:
        if error.errno in _ENDED:
            raise NotFound("the peer's process has ended") from error
        raise from_oserror(error, "open the peer's process") from error


def peer_cgroup(handle: Handle, pid: int) -> str | None:
    """Answer the path of the peer's cgroup, such as `/system.slice/x.service`; None: not known.

    The process is checked to live after its cgroup was read, so the pid was its own.
    """
    try:
        with peer_process(handle) as process:
            cgroup = cgroup_of(pid)
            if process.is_terminated():
                return None
    except (IpcError, OSError):
        return None
    return cgroup


def unit_of(cgroup: str) -> str | None:
    """Answer the service that a cgroup path belongs to, such as `ipcrt-service@kvstore.service`.

    None for whatever does not run in the system's own slice: a user's manager may call its units
    as it likes. Only the first name below the slices is the system manager's word: what lies
    deeper is delegated, to a container's own manager perhaps.
    """
    if not cgroup.startswith(_SYSTEM_SLICE):
        return None
    for part in cgroup.split("/")[2:]:
        if not part.endswith(".slice"):
            return part if part.endswith(".service") else None
    return None


def cgroup_of(pid: int) -> str | None:
    """Answer the path in the unified hierarchy, or in systemd's own of version 1.

    None for the root. Raises: OSError: the process is not there.
    """
    # Whoever was delegated a cgroup may give those below it names that are no UTF-8.
    with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            if controllers in ("", "name=systemd") and path != "/":
                return path
    return None


def _peer_pidfd(sock: LentSocket) -> int:
    try:
        return sock.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD)
    except OSError as error:
        if error.errno != errno.ENOPROTOOPT:
            raise
    return os.pidfd_open(_ucred(sock)[0])


def _ucred(sock: LentSocket) -> tuple[int, int, int]:
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return _UCRED.unpack(raw)


def _groups(sock: LentSocket) -> frozenset[int]:
    """Answer the supplementary groups; none where they are more than we can be told.

    An error only ever takes groups away. Source: Linux 4.13 for SO_PEERGROUPS.
    """
    for size in _GROUPS_BYTES:
        with contextlib.suppress(OSError):  # ERANGE: more groups than that
            raw = sock.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, size)
            return frozenset(gid for (gid,) in _GID.iter_unpack(raw))
    return frozenset()
