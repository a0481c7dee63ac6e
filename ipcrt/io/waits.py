"""Waits on any descriptor that can be polled, by its number or by what has a `fileno`.

    await wait_readable(port, sock)             wait_readable_blocking(sock, timeout=1.0)

The descriptor is borrowed for the wait only. What is registered is a duplicate, closed with the
wait however it ends: two tasks may wait for one descriptor, whose owner may close it meanwhile;
no registration outlives it to keep its number's next owner from being served. (Until the wait
ends, the duplicate keeps the object open, so its peer hears nothing of the closing.)

All timeouts are in seconds; None: for ever; zero: look once.
Raises, all of them: TimeoutError; OSError with EBADF: not open; EMFILE; io.UnsupportedOperation: a
file, which is always ready; ECANCELED: the port was closed, or another thread interrupted.
Source: fdio_unsafe_wait_begin; poll(2); epoll(7).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, Protocol, TypeAlias

from ipcrt.errors import NotSupported
from ipcrt.io.errors import PosixErrors
from ipcrt.objects._fd import duplicate_fd
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.interrupter import Interrupter
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one

READABLE: Final = Signals.READABLE | Signals.PEER_CLOSED | Signals.PEER_WRITE_DISABLED
"""A read would not wait: there is something, or the end."""
WRITABLE: Final = Signals.WRITABLE | Signals.PEER_CLOSED | Signals.PEER_GONE
"""A write would not wait: there is room, or nobody to read."""
HANG_UP: Final = Signals.PEER_GONE


class HasFileno(Protocol):
    """A file, a socket, a handle."""

    def fileno(self) -> int: ...


Descriptor: TypeAlias = int | HasFileno


async def wait_readable(port: AsyncPort, fd: Descriptor, timeout: float | None = None) -> None:
    """Await that a read would not wait: bytes, a connection, or the end are there."""
    await _wait(port, fd, READABLE, timeout)


async def wait_writable(port: AsyncPort, fd: Descriptor, timeout: float | None = None) -> None:
    """Await that a write would not wait: there is room, or nobody to read."""
    await _wait(port, fd, WRITABLE, timeout)


async def wait_hang_up(port: AsyncPort, fd: Descriptor, timeout: float | None = None) -> None:
    """Await that the other end is gone, whatever of it is still to be read."""
    await _wait(port, fd, HANG_UP, timeout)


def wait_readable_blocking(
    fd: Descriptor, timeout: float | None = None, interrupter: Interrupter | None = None
) -> None:
    """As `wait_readable`, in a plain thread."""
    _block(fd, READABLE, timeout, interrupter)


def wait_writable_blocking(
    fd: Descriptor, timeout: float | None = None, interrupter: Interrupter | None = None
) -> None:
    """As `wait_writable`, in a plain thread."""
    _block(fd, WRITABLE, timeout, interrupter)


def wait_hang_up_blocking(
    fd: Descriptor, timeout: float | None = None, interrupter: Interrupter | None = None
) -> None:
    """As `wait_hang_up`, in a plain thread."""
    _block(fd, HANG_UP, timeout, interrupter)


async def _wait(port: AsyncPort, fd: Descriptor, signals: Signals, timeout: float | None) -> None:
    with PosixErrors(), _borrowed(fd) as handle:
        await port.wait_one(handle, signals, timeout)


def _block(
    fd: Descriptor, signals: Signals, timeout: float | None, interrupter: Interrupter | None
) -> None:
    with PosixErrors(), _borrowed(fd) as handle:
        wait_one(handle, signals, timeout, interrupter)


@contextmanager
def _borrowed(fd: Descriptor) -> Generator[Handle, None, None]:
    with Handle(duplicate_fd(fd if isinstance(fd, int) else fd.fileno())) as handle:
        if stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
            raise NotSupported("a file cannot be waited for")
        yield handle
