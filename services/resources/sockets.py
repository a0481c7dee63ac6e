"""Sockets: TCP connections and listeners as handles; none of these calls blocks the event loop."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeAlias

from ipcrt.errors import IpcError, NotFound, Unavailable, from_oserror
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt_services.resources.streams import WRITING
from ipcrt_services.resources.threads import Thread

CONNECT_S: Final = 20.0
"""Seconds that one address may take to answer."""

BACKLOG: Final = 128

Found: TypeAlias = Sequence[tuple[int, Any]]
"""Families and addresses, in the order to try them in."""


async def resolve(thread: Thread, host: str, port: int) -> Found:
    """Answer the addresses of a host; a name is looked up on the thread. Raises: NotFound."""
    try:
        found = _look_up(host, port, socket.AI_NUMERICHOST)
    except NotFound:
        found = await thread.run(partial(_look_up, host, port, 0), "look a host up")
    return [(family, address) for family, _, _, _, address in found]


def _look_up(host: str, port: int, flags: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except (socket.gaierror, UnicodeError) as error:
        raise NotFound(f"host {host!r:.80}: {error}") from error


async def connect(port: AsyncPort, found: Found) -> Handle:
    """Connect to the first address that answers; the caller owns the handle.

    Raises: of the last one, Unavailable: refused; TimedOut; other IpcErrors.
    """
    last: IpcError = Unavailable("no address")
    for family, address in found:
        try:
            return await _connect_to(port, family, address)
        except IpcError as error:
            last = error
    raise last


async def _connect_to(port: AsyncPort, family: int, address: Any) -> Handle:
    with _socket(family) as handle, _lent(handle) as sock:
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            await port.wait_one(handle, WRITING, CONNECT_S)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise from_oserror(OSError(code, os.strerror(code)), f"connect to {address}")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Handle(handle.take())


def listen(found: Found) -> tuple[Handle, tuple[str, int]]:
    """Listen at the first address; answer the handle, which the caller owns, and where it is.

    Raises: AlreadyExists: taken. AccessDenied, Unavailable, NoResources.
    """
    family, address = found[0]
    with _socket(family) as handle, _lent(handle) as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
            host, port = sock.getsockname()[:2]
        except OSError as error:
            raise from_oserror(error, f"listen at {address}") from error
        return Handle(handle.take()), (host, port)


def accept(listener: Handle) -> Handle | None:
    """Accept a connection, which the caller owns; None: there is none. Raises: NoResources."""
    with _lent(listener) as sock:
        while True:
            try:
                connection, _ = sock.accept()
            except BlockingIOError:
                return None
            except ConnectionError:  # it went before it was accepted
                continue
            except OSError as error:
                raise from_oserror(error, "accept a connection") from error
            with connection:
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return Handle(connection.detach())


def shut_down_writing(handle: Handle) -> None:
    """Send the end of our direction; harmless where the peer has gone."""
    with _lent(handle) as sock:
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise from_oserror(error, "shut writing down") from error


def _socket(family: int) -> Handle:
    kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    try:
        return Handle(socket.socket(family, kind).detach())
    except OSError as error:
        raise from_oserror(error, "make a socket") from error


@contextmanager
def _lent(handle: Handle) -> Generator[socket.socket, None, None]:
    """Lend a socket's calls; the handle owns the descriptor before and after."""
    sock = socket.socket(fileno=handle.fileno())
    try:
        yield sock
    finally:
        sock.detach()
