"""Floors in plain Python: blocking send and recv, blobs in packets, and a memfd handed over."""

from __future__ import annotations

import array
import functools
import mmap
import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from scripts.bench.perf.packets import connected, listen
from scripts.bench.perf.row import SIZES, Driver, Kind, Measure, Row
from scripts.bench.perf.timing import each, touch

BUFFER_BYTES = 1 << 16
PACKET_BYTES = 128 << 10
"""Of a blob; the fastest of those that a socket's queue takes by default."""
SIZE_BYTES = 8
DESCRIPTOR_SPACE = socket.CMSG_SPACE(4)


# -------------------------------------------------------------------------------- send and recv


def serve_echo(address: str, ready: Callable[[], None]) -> None:
    with listen(address) as sock:
        ready()
        while True:
            connection, _ = sock.accept()
            with connection:
                while data := connection.recv(BUFFER_BYTES):
                    connection.send(data)


class EchoDriver:
    """Sends bytes and has them back."""

    def __init__(self, address: str) -> None:
        self._sock = connected(address)

    def run(self, measure: Measure, count: int) -> list[int]:
        send, recv = self._sock.send, self._sock.recv
        data = bytes(64 if measure is Measure.ECHO else 32)

        def ask() -> None:
            send(data)
            recv(BUFFER_BYTES)

        return each(ask, count)

    def close(self) -> None:
        self._sock.close()


# -------------------------------------------------------------------------------------- blobs


def serve_blobs(
    create: Callable[[int], AbstractContextManager[mmap.mmap | bytearray]],
    address: str,
    ready: Callable[[], None],
) -> None:
    """Receive blobs, each after a packet that tells its size, into a buffer made for it."""
    with listen(address) as sock:
        ready()
        while True:
            connection, _ = sock.accept()
            with connection:
                while head := connection.recv(SIZE_BYTES):
                    with create(int.from_bytes(head)) as blob:
                        _receive(connection, blob)
                        connection.send(touch(blob).to_bytes(SIZE_BYTES))


def _receive(connection: socket.socket, blob: mmap.mmap | bytearray) -> None:
    with memoryview(blob) as view:
        done = 0
        while done < len(blob):
            done += connection.recv_into(view[done : done + PACKET_BYTES])


def create_fresh(size: int) -> mmap.mmap:
    """Make a buffer of pages that nobody has used before."""
    return mmap.mmap(-1, size)


def create_allocated(size: int) -> AbstractContextManager[bytearray]:
    """Make a buffer as Python does, of what has been freed if there is enough of it."""
    return nullcontext(bytearray(size))


class BlobDriver:
    """Sends blobs in packets."""

    def __init__(self, address: str) -> None:
        self._sock = connected(address)

    def run(self, measure: Measure, count: int) -> list[int]:
        size = SIZES[measure]
        data = memoryview(b"x" * size)
        head = size.to_bytes(SIZE_BYTES)
        packets = [data[start : start + PACKET_BYTES] for start in range(0, size, PACKET_BYTES)]
        send, recv = self._sock.send, self._sock.recv

        def ask() -> None:
            send(head)
            for packet in packets:
                send(packet)
            recv(SIZE_BYTES)

        return each(ask, count)

    def close(self) -> None:
        self._sock.close()


# -------------------------------------------------------------------------------------- memfd


def serve_memfd(address: str, ready: Callable[[], None]) -> None:
    with listen(address) as sock:
        ready()
        while True:
            connection, _ = sock.accept()
            with connection:
                while _serve_memfd(connection):
                    pass


def _serve_memfd(connection: socket.socket) -> bool:
    head, control, _, _ = connection.recvmsg(SIZE_BYTES, DESCRIPTOR_SPACE, socket.MSG_CMSG_CLOEXEC)
    if not head:
        return False
    fd = int.from_bytes(control[0][2], "little")
    try:
        with mmap.mmap(fd, int.from_bytes(head), prot=mmap.PROT_READ) as mapping:
            pages = touch(mapping)
    finally:
        os.close(fd)
    connection.send(pages.to_bytes(SIZE_BYTES))
    return True


class MemfdDriver:
    """Hands memfds over that were filled before."""

    def __init__(self, address: str) -> None:
        self._sock = connected(address)

    def run(self, measure: Measure, count: int) -> list[int]:
        size = SIZES[measure]
        head = [size.to_bytes(SIZE_BYTES)]
        sendmsg, recv = self._sock.sendmsg, self._sock.recv
        found: list[int] = []
        for _ in range(count):
            with os.fdopen(os.memfd_create("blob", os.MFD_CLOEXEC), "w+b") as file:
                file.write(b"x" * size)
                file.flush()
                fds = array.array("i", [file.fileno()])
                control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
                found += each(lambda: (sendmsg(head, control), recv(SIZE_BYTES)), 1)  # noqa: B023
        return found

    def close(self) -> None:
        self._sock.close()


def connect_echo(address: str) -> Driver:
    return EchoDriver(address)


def connect_blobs(address: str) -> Driver:
    return BlobDriver(address)


def connect_memfd(address: str) -> Driver:
    return MemfdDriver(address)


ROWS = (
    Row(
        name="Python send and recv",
        kind=Kind.FLOOR,
        measures=frozenset({Measure.ADD, Measure.ECHO}),
        serve=serve_echo,
        connect=connect_echo,
    ),
    Row(
        name="Python SEQPACKET fresh buffer",
        kind=Kind.FLOOR,
        measures=frozenset({Measure.BYTES_1M, Measure.BYTES_64M}),
        serve=functools.partial(serve_blobs, create_fresh),
        connect=connect_blobs,
    ),
    Row(
        name="Python SEQPACKET bytearray",
        kind=Kind.FLOOR,
        measures=frozenset({Measure.BYTES_1M, Measure.BYTES_64M}),
        serve=functools.partial(serve_blobs, create_allocated),
        connect=connect_blobs,
    ),
    Row(
        name="Python memfd",
        kind=Kind.FLOOR,
        measures=frozenset({Measure.VMO_1M, Measure.VMO_64M}),
        serve=serve_memfd,
        connect=connect_memfd,
    ),
)
