"""Socket: a bidirectional stream of bytes, without message borders and without handles.

One AF_UNIX SOCK_STREAM socket an end. Both directions are bounded by the kernel's buffers.
Source: zx_socket_create, _write, _read, _set_disposition; unix(7), shutdown(2).
"""

from __future__ import annotations

import socket
from typing import ClassVar, Self

from ipcrt.errors import BadState, InvalidArgs, from_oserror
from ipcrt.objects import _scm
from ipcrt.objects import rights as _rights
from ipcrt.objects._socket_handle import SocketHandle, make_pair
from ipcrt.objects.kind import ObjType
from ipcrt.objects.rights import Rights


class Socket(SocketHandle):
    """One end of a socket.

    Waiting: READABLE while bytes or an end of file are there, WRITABLE while there is room,
    PEER_WRITE_DISABLED once the peer's half-close is reached, PEER_CLOSED once the peer is gone
    and its bytes are read. All rights are advisory: Linux shuts down ends, not descriptors.
    """

    TYPE: ClassVar[ObjType] = ObjType.SOCKET
    DEFAULT_RIGHTS: ClassVar[Rights] = (
        _rights.BASIC | _rights.IO | _rights.PROPERTY | Rights.SIGNAL | Rights.SIGNAL_PEER
    )
    SOCKET_TYPE: ClassVar[socket.SocketKind] = socket.SOCK_STREAM

    __slots__ = ("_write_disabled",)

    def __init__(self, fd: int, rights: Rights | None = None) -> None:
        """Take ownership of `fd`, a connected SOCK_STREAM socket."""
        super().__init__(fd, rights)
        self._write_disabled = False

    @classmethod
    def create(cls) -> tuple[Self, Self]:
        """Make a socket: its two ends, each owned by the caller.

        Raises: NoResources: no descriptors are free.
        """
        first, second = make_pair(ObjType.SOCKET)
        return cls(first), cls(second)

    def write(self, data: bytes | memoryview) -> int:
        """Append as many bytes as there is room for; answer how many, at least one.

        Raises: ShouldWait: no room. PeerClosed: nobody can read. BadState: after
        `shutdown_write`. InvalidArgs: no data.
        """
        self.require(Rights.WRITE, "write")
        if self._write_disabled:
            raise BadState("writing was shut down on this end")
        if not data:
            raise InvalidArgs("no bytes to write")
        return _scm.send(self._sock or self._open(), data)

    def read(self, max_bytes: int = 65536) -> bytes:
        """Take at most `max_bytes` from the front of the stream, at least one.

        Raises: ShouldWait: nothing is there. PeerClosed: end of file: all is read, and the peer
        shut its writing down or is gone. InvalidArgs: `max_bytes` under one.
        """
        self.require(Rights.READ, "read")
        if max_bytes < 1:
            raise InvalidArgs(f"cannot read {max_bytes} bytes")
        data = _scm.receive_bytes(self._sock or self._open(), max_bytes)
        if self._held_back:
            self._note_read()
        return data

    def shutdown_write(self) -> None:
        """Write no more: the peer reads what is queued, then end of file; reading goes on.

        It holds for every descriptor of this end. A second call does nothing.
        Source: zx_socket_set_disposition, ZX_SOCKET_DISPOSITION_WRITE_DISABLED.
        """
        self.require(Rights.WRITE, "shutdown")
        self._write_disabled = True
        try:
            (self._sock or self._open()).shutdown(socket.SHUT_WR)
        except OSError as error:
            raise from_oserror(error, "shut writing down") from error
