"""What a client that speaks raw bytes may send, and descriptors of every kind to send with it."""

from __future__ import annotations

import array
import contextlib
import os
import select
import socket
from collections.abc import Callable, Generator, Sequence

from msgspec import msgpack

from ipcrt.locator.protocol import (
    LOCATOR_GET_ENTRIES,
    LOCATOR_GET_IDENTITY,
    LOCATOR_HAND_OVER,
    LOCATOR_OPEN,
    LOCATOR_REGISTER,
)
from ipcrt.wire.header import HEADER, VERSION_1

OPEN, REGISTER, HAND_OVER = (
    LOCATOR_OPEN.ordinal,
    LOCATOR_REGISTER.ordinal,
    LOCATOR_HAND_OVER.ordinal,
)
ENTRIES, IDENTITY = LOCATOR_GET_ENTRIES.ordinal, LOCATOR_GET_IDENTITY.ordinal


def handle(index: int) -> msgpack.Ext:
    """A handle's place in a body."""
    return msgpack.Ext(1, bytes((index,)))


def frame(
    ordinal: int,
    body: object = b"",
    *,
    txid: int = 0,
    handles: int = 0,
    flags: int = VERSION_1,
    length: int | None = None,
) -> bytes:
    """A message with any header at all; a body that is not bytes is encoded."""
    data = body if isinstance(body, bytes) else msgpack.encode(body)
    return (
        HEADER.pack(txid, len(data) if length is None else length, handles, flags, ordinal) + data
    )


def send(sock: socket.socket, data: bytes, fds: Sequence[int] = ()) -> None:
    """Send one packet; the descriptors stay the caller's."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sock.sendmsg([data], rights)


def is_closed_by_peer(sock: socket.socket) -> None:
    """Read until the end; raises TimeoutError where there is none."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while sock.recv(1 << 17):
            pass


# ------------------------------------------------------------------------------------- descriptors


def _pipe() -> list[int]:
    return list(os.pipe())


def _memfd() -> list[int]:
    return [os.memfd_create("hostile", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)]


def _file() -> list[int]:
    return [os.open(__file__, os.O_RDONLY)]


def _path_only() -> list[int]:
    return [os.open(__file__, os.O_PATH)]


def _zero() -> list[int]:
    return [os.open("/dev/zero", os.O_RDWR)]


def _directory() -> list[int]:
    return [os.open("/", os.O_RDONLY)]


def _eventfd() -> list[int]:
    return [os.eventfd(0)]


def _pidfd() -> list[int]:
    return [os.pidfd_open(os.getpid())]


def _epoll() -> list[int]:
    with select.epoll() as poller:
        return [os.dup(poller.fileno())]


def _pair(kind: int) -> Callable[[], list[int]]:
    def make() -> list[int]:
        first, second = socket.socketpair(socket.AF_UNIX, kind)
        return [first.detach(), second.detach()]

    return make


def _unconnected() -> list[int]:
    return [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).detach()]


def _listener() -> list[int]:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind("")  # an abstract address of the kernel's choice
    listener.listen()
    return [listener.detach()]


def _internet() -> list[int]:
    return [socket.socket(socket.AF_INET, socket.SOCK_DGRAM).detach()]


KINDS: dict[str, Callable[[], list[int]]] = {
    "channel": _pair(socket.SOCK_SEQPACKET),
    "stream": _pair(socket.SOCK_STREAM),
    "datagram": _pair(socket.SOCK_DGRAM),
    "unconnected": _unconnected,
    "listener": _listener,
    "internet": _internet,
    "pipe": _pipe,
    "memfd": _memfd,
    "file": _file,
    "path": _path_only,
    "zero": _zero,
    "directory": _directory,
    "eventfd": _eventfd,
    "pidfd": _pidfd,
    "epoll": _epoll,
}
"""Ways to make descriptors; the first of each is the one to send."""


@contextlib.contextmanager
def descriptors(kinds: Sequence[str]) -> Generator[list[int], None, None]:
    """One descriptor of each kind; all are closed at the end."""
    made: list[list[int]] = []
    try:
        made.extend(KINDS[kind]() for kind in kinds)
        yield [fds[0] for fds in made]
    finally:
        for fds in made:
            for fd in fds:
                os.close(fd)
