"""Channel: a bounded, bidirectional queue of messages: bytes and handles.

One AF_UNIX SOCK_SEQPACKET socket an end: messages keep their borders and their order,
never block, and move with the end when it moves to another process.
Source: zx_channel_create, _write, _read; Starina's channel; unix(7).
"""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Iterable
from typing import ClassVar, Self

from ipcrt.errors import InvalidArgs, NotSupported, OutOfRange, RemoteProtocolError, from_oserror
from ipcrt.objects import _scm, spill
from ipcrt.objects import rights as _rights
from ipcrt.objects.handle import Handle, Moved, close_all
from ipcrt.objects.kind import ObjType, tag_pair
from ipcrt.objects.rights import Rights


@dataclasses.dataclass(slots=True)
class Message:
    """One message as it was read; whoever holds it owns its handles."""

    data: bytes
    handles: list[Handle]

    def close(self) -> None:
        """Close the handles that were not moved out."""
        close_all(self.handles)


class Channel(Handle):
    """One end of a channel."""

    TYPE: ClassVar[ObjType] = ObjType.CHANNEL
    DEFAULT_RIGHTS: ClassVar[Rights] = (
        Rights.TRANSFER | Rights.WAIT | Rights.INSPECT | _rights.IO | Rights.SIGNAL
    )

    __slots__ = ("_sock",)

    def __init__(self, fd: int, rights: Rights | None = None) -> None:
        """Take ownership of `fd`, a SOCK_SEQPACKET socket."""
        super().__init__(fd, rights)
        self._sock: socket.socket | None = None

    @classmethod
    def create(cls) -> tuple[Self, Self]:
        """Make a channel: its two ends, each owned by the caller.

        Raises: NoResources: no descriptors are free.
        """
        first, second = seqpacket_pair(ObjType.CHANNEL)
        return cls(first), cls(second)

    def write(self, data: bytes | memoryview, handles: Iterable[Handle] = ()) -> None:
        """Send one message; its handles are moved, whether or not it works.

        Data over 65536 bytes travels in a memfd and arrives as one message all the same.
        Raises: ShouldWait: the peer's queue is full. PeerClosed. OutOfRange: more than 64
        handles. InvalidArgs: no data. AccessDenied: a handle without TRANSFER, or no WRITE.
        NoResources. Errors about the handles themselves leave them with the caller.
        """
        with Moved(handles) as moved:
            self.write_moved(data, moved)

    def write_moved(self, data: bytes | memoryview, moved: Moved) -> None:
        """Send one message whose handles the caller has moved, and still owns when this fails.

        For those who wait and try again; raises what `write` raises.
        """
        if len(moved.fds) > _scm.MAX_HANDLES:
            raise OutOfRange(f"{len(moved.fds)} handles exceed {_scm.MAX_HANDLES} a message")
        if not data:
            raise InvalidArgs("a message without bytes would read as end of file")
        if spill.must_spill(data):
            self._write_spilled(data, moved.fds)
        else:
            self.send_packet(data, moved.fds)
        moved.close()

    def _write_spilled(self, data: bytes | memoryview, fds: list[int]) -> None:
        if len(data) > spill.MAX_MESSAGE_BYTES:
            raise OutOfRange(
                f"message of {len(data)} bytes exceeds {spill.MAX_MESSAGE_BYTES}; pass a Vmo"
            )
        record, fd = spill.store(data)
        try:
            self.send_packet(record, [*fds, fd])
        finally:
            os.close(fd)

    def send_packet(self, packet: bytes | memoryview, fds: list[int]) -> None:
        """Send at most 65536 bytes as they are; the descriptors stay the caller's."""
        if not self._rights & Rights.WRITE:
            _rights.require(self._rights, Rights.WRITE, "write")
        _scm.send(self._sock or self._open(), packet, fds)

    def read(
        self,
        buffer: _scm.ReceiveBuffer | None = None,
        max_bytes: int = spill.MAX_MESSAGE_BYTES,
    ) -> Message:
        """Read the oldest message; the caller owns its handles.

        `buffer` saves an allocation where one thread reads often. `max_bytes` bounds a message
        that the peer spilled; smaller ones are bounded by the packet.
        Raises: ShouldWait: empty, peer open. PeerClosed: empty, peer gone.
        RemoteProtocolError: truncated, too many handles, bad spill; nothing of it is left open.
        """
        if not self._rights & Rights.READ:
            _rights.require(self._rights, Rights.READ, "read")
        room = buffer or _scm.ReceiveBuffer()
        size, fds = _scm.receive(self._sock or self._open(), room)
        if self._held_back and self._watch is not None:
            self._watch.drained()
        data = bytes(room.view[:size])
        if not fds:
            if spill.is_record(data):
                raise RemoteProtocolError("spill record without a descriptor")
            return Message(data, [])
        handles = [Handle(fd) for fd in fds]
        if spill.is_record(data):
            data = _unspill(data, handles, max_bytes)
        if len(handles) > _scm.MAX_HANDLES:
            close_all(handles)
            raise RemoteProtocolError(f"{len(handles)} handles exceed {_scm.MAX_HANDLES} a message")
        return Message(data, handles)

    def _open(self) -> socket.socket:
        """Make the socket object that lends us sendmsg and recvmsg; it never owns the fd."""
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=self.fileno())
        return self._sock

    def _forget(self) -> None:
        super()._forget()
        if self._sock is not None:
            self._sock.detach()
            self._sock = None

    def _duplicate_fd(self, rights: Rights) -> int:
        """Refuse: as in Zircon, an end of a channel has one owner."""
        raise NotSupported("a channel cannot be duplicated; move it")


def seqpacket_pair(kind: ObjType, detail: str = "") -> tuple[int, int]:
    """Make a tagged SEQPACKET pair; the caller owns both descriptors."""
    try:
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    except OSError as error:
        raise from_oserror(error, "create a socket pair") from error
    with ends[0], ends[1]:
        tag_pair(kind, ends, detail)
        return ends[0].detach(), ends[1].detach()


def _unspill(record: bytes, handles: list[Handle], max_bytes: int) -> bytes:
    """Replace a spill record by its data; `handles` loses the memfd, or all on error."""
    try:
        with handles.pop() as vmo:
            return spill.load(record, vmo.fileno(), max_bytes)
    except BaseException:
        close_all(handles)
        raise
