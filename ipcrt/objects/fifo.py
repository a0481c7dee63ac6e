"""Fifo: a short, bounded queue of elements of one size, in both directions.

Each element is one packet on a SEQPACKET socket, so that elements survive a move to another
process and any number can be read at once. The kernel counts in bytes of its own memory: what
one packet costs is measured, and the send buffer is made to hold `elem_count` of them. Thus a
fifo is full for poll(2) too, when it is full for us. The element's size and count stand in the
pair's tag and are not taken on trust: a packet of another size is refused.
Source: zx_fifo_create, _write, _read; unix(7) SIOCOUTQ; socket(7) SO_SNDBUF.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import socket
import struct
import termios
from typing import ClassVar, Final, Self

from ipcrt.errors import (
    InvalidArgs,
    OutOfRange,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    WrongType,
    from_oserror,
)
from ipcrt.objects import _scm
from ipcrt.objects import rights as _rights
from ipcrt.objects._fd import LentSocket
from ipcrt.objects._socket_handle import SocketHandle, make_pair
from ipcrt.objects.handle import close_all
from ipcrt.objects.kind import ObjType, tag_detail
from ipcrt.objects.rights import Rights

MAX_FIFO_BYTES: Final = 4096
"""The most that a fifo holds: element count times element size."""

MIN_ELEMENTS: Final = 2
"""The kernel's smallest send buffer still looks writable with one packet in it; use an Event."""

_SHAPE: Final = re.compile(r"([1-9][0-9]{0,3})x([1-9][0-9]{0,3})")
_INT: Final = struct.Struct("=i")


class Fifo(SocketHandle):
    """One end of a fifo.

    Waiting: READABLE while an element is there, WRITABLE when it is well under full,
    PEER_CLOSED once the peer is gone and its elements are read. All rights are advisory.
    """

    TYPE: ClassVar[ObjType] = ObjType.FIFO
    DEFAULT_RIGHTS: ClassVar[Rights] = (
        _rights.BASIC | _rights.IO | Rights.SIGNAL | Rights.SIGNAL_PEER
    )

    __slots__ = ("_cost_bytes", "elem_count", "elem_size")

    def __init__(self, fd: int, rights: Rights | None = None) -> None:
        """Take ownership of `fd`, one end of a fifo, as its tag tells.

        Raises: WrongType: no such tag; `fd` stays the caller's.
        """
        self.elem_size, self.elem_count = _shape_of(fd)
        super().__init__(fd, rights)
        self._cost_bytes = 0

    @classmethod
    def create(cls, elem_count: int, elem_size: int) -> tuple[Self, Self]:
        """Make a fifo of at most `elem_count` unread elements of `elem_size` bytes.

        Raises: OutOfRange: a size under 1, a count under 2, more than 4096 bytes in all, or
        more elements than net.core.wmem_max admits. NoResources.
        """
        _check_shape(elem_size, elem_count)
        first, second = make_pair(ObjType.FIFO, f"{elem_size}x{elem_count}")
        ends = cls(first), cls(second)
        with contextlib.ExitStack() as undo:
            undo.callback(close_all, ends)
            cost, granted = _fit(first, elem_size, elem_count)
            if granted < cost * elem_count:
                limit = granted // cost
                raise OutOfRange(f"{elem_count} elements exceed the {limit} of net.core.wmem_max")
            undo.pop_all()
        return ends

    @classmethod
    def _inspect(cls, fd: int) -> int:
        allowed = super()._inspect(fd)
        _shape_of(fd)
        return allowed

    def write(self, data: bytes | memoryview) -> int:
        """Append whole elements, as many as there is room for; answer how many, at least one.

        Raises: ShouldWait: full. PeerClosed. InvalidArgs: `data` is no whole number of elements.
        """
        self.require(Rights.WRITE, "write")
        octets = memoryview(data).cast("B")
        if not octets or len(octets) % self.elem_size:
            raise InvalidArgs(f"{len(octets)} bytes are no whole elements of {self.elem_size}")
        sock = self._sock or self._open()
        room = self.elem_count - _queued_cost(sock) // (self._cost_bytes or self._measure())
        written = 0
        for start in range(0, min(len(octets), max(room, 0) * self.elem_size), self.elem_size):
            try:
                _scm.send(sock, octets[start : start + self.elem_size])
            except (ShouldWait, PeerClosed):
                if not written:
                    raise
                break
            written += 1
        if not written:
            raise ShouldWait(f"the fifo holds {self.elem_count} elements, all unread")
        return written

    def read(self, max_elements: int = MAX_FIFO_BYTES) -> bytes:
        """Take at most `max_elements` from the front, at least one; answer their bytes.

        Raises: ShouldWait: empty, peer open. PeerClosed: empty, peer gone. RemoteProtocolError:
        the peer sent an element of another size; those before it in this read are lost.
        InvalidArgs: `max_elements` under one.
        """
        self.require(Rights.READ, "read")
        if max_elements < 1:
            raise InvalidArgs(f"cannot read {max_elements} elements")
        sock = self._sock or self._open()
        elements: list[bytes] = []
        while len(elements) < max_elements:
            try:
                element = _scm.receive_bytes(sock, self.elem_size + 1)
            except (ShouldWait, PeerClosed):
                if not elements:
                    raise
                break
            if len(element) != self.elem_size:
                raise RemoteProtocolError(f"element is not of {self.elem_size} bytes")
            elements.append(element)
        if self._held_back:
            self._note_read()
        return b"".join(elements)

    def _measure(self) -> int:
        self._cost_bytes = _fit(self.fileno(), self.elem_size, self.elem_count)[0]
        return self._cost_bytes


def _fit(fd: int, size: int, count: int) -> tuple[int, int]:
    """Make the send buffer hold `count` elements: the cost of one, and the size it then has."""
    cost = _packet_cost(size)
    try:
        with LentSocket(fd, socket.SOCK_SEQPACKET) as sock:
            # The kernel doubles what it is told, and has a least and a greatest size.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, (cost * count + 1) // 2)
            return cost, sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    except OSError as error:
        raise from_oserror(error, "size a fifo") from error


def _packet_cost(size: int) -> int:
    """Measure how much of a send buffer one packet of `size` bytes takes."""
    try:
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    except OSError as error:
        raise from_oserror(error, "create a socket pair") from error
    with near, far:
        _scm.send(near, bytes(size))
        return _queued_cost(near)


def _queued_cost(sock: socket.socket) -> int:
    """Answer how much of the send buffer unread packets take."""
    raw = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(_INT.size))
    cost: int = _INT.unpack(raw)[0]
    return cost


def _shape_of(fd: int) -> tuple[int, int]:
    """Answer element size and count from the tag; WrongType where it tells none that can be."""
    found = _SHAPE.fullmatch(tag_detail(fd))
    if found is None:
        raise WrongType("handle is no FIFO: its tag tells no element size and count")
    size, count = int(found[1]), int(found[2])
    try:
        _check_shape(size, count)
    except OutOfRange as error:
        raise WrongType(f"handle is no FIFO of ours: {error}") from None
    return size, count


def _check_shape(size: int, count: int) -> None:
    if size < 1:
        raise OutOfRange(f"element of {size} bytes is under 1")
    if count < MIN_ELEMENTS:
        raise OutOfRange(f"{count} elements are under {MIN_ELEMENTS}")
    if size * count > MAX_FIFO_BYTES:
        raise OutOfRange(f"{count} elements of {size} bytes exceed {MAX_FIFO_BYTES}")
