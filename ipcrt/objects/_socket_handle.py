"""SocketHandle: what sockets, fifos and event pairs have in common."""

from __future__ import annotations

import socket
from typing import ClassVar

from ipcrt.errors import from_oserror
from ipcrt.objects._fd import LentSocket
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType, tag_pair
from ipcrt.objects.rights import Rights


class SocketHandle(Handle):
    """A handle over an AF_UNIX socket."""

    SOCKET_TYPE: ClassVar[socket.SocketKind] = socket.SOCK_SEQPACKET

    __slots__ = ("_sock",)

    def __init__(self, fd: int, rights: Rights | None = None) -> None:
        """Take ownership of `fd`, a socket of this class's type."""
        super().__init__(fd, rights)
        self._sock: LentSocket | None = None

    def _open(self) -> LentSocket:
        """Make the socket object that lends us its calls, where `_sock` is None still."""
        self._sock = LentSocket(self.fileno(), self.SOCKET_TYPE)
        return self._sock

    def _forget(self) -> None:
        self._sock = None
        super()._forget()


def make_pair(kind: ObjType, detail: str = "") -> tuple[int, int]:
    """Make both ends of an object of `kind`, tagged; the caller owns the descriptors.

    Raises: NoResources: no descriptors are free.
    """
    kind_of_socket = socket.SOCK_STREAM if kind is ObjType.SOCKET else socket.SOCK_SEQPACKET
    try:
        ends = socket.socketpair(socket.AF_UNIX, kind_of_socket)
    except OSError as error:
        raise from_oserror(error, "create a socket pair") from error
    with ends[0], ends[1]:
        tag_pair(kind, ends, detail)
        return ends[0].detach(), ends[1].detach()
