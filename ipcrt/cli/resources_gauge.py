"""Gauges: how far a server has got with what it copies by itself, as it can be seen from here.

1. Of what a server writes to by a descriptor we have another, of the same open description. So a
   file's offset is shared, and what is appended makes it longer; of a connection the kernel counts
   the bytes that the far end has acknowledged.
2. What is written through a file's server is as long as that says (`stat`).
3. Of anything else nobody can tell: None. No message of the resources' own is spent on it.
Source: open(2), lseek(2), tcp(7); TCP_INFO in linux/tcp.h.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from ipcrt.cli.resources_progress import Progress
from ipcrt.port.aport import AsyncPort

Gauge: TypeAlias = Callable[[], Awaitable[int | None]]
"""Answers how many bytes have arrived, or None: nobody knows."""

EVERY_S: Final = 0.25

_ACKED: Final = struct.Struct("=120xQ")
"""TCP_INFO up to `tcpi_bytes_acked`, which counts one for having connected."""


class DescriptorGauge:
    """How far it has got with a file or connection; borrows the descriptor."""

    def __init__(self, fd: int, *, appends: bool = False) -> None:
        self._fd = fd
        if appends:
            self._look = _size
        elif stat.S_ISSOCK(os.fstat(fd).st_mode):
            self._look = _connection
        else:
            self._look = _offset
        self._begun = self._now() or 0

    async def __call__(self) -> int | None:
        now = self._now()
        return None if now is None else max(0, now - self._begun)

    def _now(self) -> int | None:
        try:
            return self._look(self._fd)
        except OSError:
            return None


def _offset(fd: int) -> int | None:
    return os.lseek(fd, 0, os.SEEK_CUR)


def _size(fd: int) -> int | None:
    return os.fstat(fd).st_size


def _connection(fd: int) -> int | None:
    with socket.socket(fileno=os.dup(fd)) as sock:
        told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED.size)
    if len(told) < _ACKED.size:  # an old kernel
        return None
    count: int = _ACKED.unpack(told)[0]
    return count


async def follow(gauge: Gauge, progress: Progress, port: AsyncPort) -> None:
    """Show what a gauge says, again and again; never returns."""
    while True:
        await port.sleep(EVERY_S)
        progress.reach(await gauge())
