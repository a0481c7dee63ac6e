"""What this process was started with: namespaces and handles that its parent prepared.

    with connect_blocking(EchoBlockingProxy, namespace=incoming_namespace()) as echo: ...
    container = namespace("container")

1. IPCRT_STARTUP=FD:COOKIE tells the bootstrap channel. The variable leaves the environment when it
   is read, whatever it says, and the channel becomes close-on-exec, so that no child of ours takes
   it for its own.
2. The cookie is the channel's koid, which the kernel never gives out twice: a number that is
   something else by now is left alone. The first message tells the process; a table for another
   one is not read. Either is ignored, and who asks for what only the table could give is told why.
3. It is read once, by the first who asks, and belongs to the process, as its environment does: the
   one object at the end of this module keeps it. A forked child has nothing of it.
4. Who was passed no namespace has the default locator's, under its own identity.
Source: Fuchsia, zx_take_startup_handle; sd_listen_fds(3).
"""

from __future__ import annotations

import dataclasses
import logging
import os
import select
import socket
import threading
from typing import Final

from ipcrt.errors import BadState, IpcError, NotFound, PeerClosed, ProtocolError, TimedOut
from ipcrt.locator.namespace import Namespace
from ipcrt.locator.startup_table import Address, decode_address, decode_table
from ipcrt.objects._fd import LentSocket
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.kind import ObjType, check_kind, koid_of
from ipcrt.objects.process import Process
from ipcrt.port.fork import generation
from ipcrt.wire.limits import MAX_PACKET_BYTES

VARIABLE: Final = "IPCRT_STARTUP"
"""Environment variable that tells the bootstrap channel's descriptor and koid."""

OWN: Final = "own"
"""The namespace that a process has as itself; others are those that it acts for."""

_PATIENCE_S: Final = 25.0
"""Seconds to wait for the table; a parent sends it as soon as we run."""

_DIED: Final = "the parent died before it had passed a namespace"

_log: Final = logging.getLogger("ipcrt.locator")


@dataclasses.dataclass(slots=True)
class Startup:
    """All that was passed; whoever holds this owns it."""

    namespaces: dict[str, Namespace] = dataclasses.field(default_factory=dict[str, Namespace])
    handles: dict[str, Handle] = dataclasses.field(default_factory=dict[str, Handle])
    ignored: str = ""
    """Why the environment's variable was ignored, if it was."""

    def close(self) -> None:
        """Close what nobody has taken."""
        close_all(self.handles.values())
        for each in self.namespaces.values():
            each.close()

    def explain(self, what: str) -> NotFound:
        """Make the error for something that was not passed."""
        why = f"; {self.ignored}" if self.ignored else ""
        return NotFound(f"{what} was not passed to this process{why}")


def take_startup() -> Startup:
    """Take what the parent passed; the caller owns it. Empty where nothing was, and a second time.

    Most want `incoming_namespace`, `namespace` and `startup_handle` instead, which keep it.
    Raises: PeerClosed: the parent died before it had passed anything. TimedOut: it hangs.
    RemoteProtocolError: what it passed breaks a rule; all of it is closed.
    """
    text = os.environ.pop(VARIABLE, None)
    if text is None:
        return Startup()
    fd = _bootstrap_fd(text)
    if fd is None:
        return _ignore(f"{VARIABLE}={text!r:.80} names no bootstrap channel of this process")
    os.set_inheritable(fd, False)
    with Channel(fd) as bootstrap:
        wanted = _peek_address(bootstrap)
        with Process.open(os.getpid()) as myself:
            if wanted != Address.of(myself):
                return _ignore(
                    f"{VARIABLE}={text} is meant for process {wanted.pid}, this is {os.getpid()}"
                )
        bootstrap.read().close()
        _wait(bootstrap)
        try:
            message = bootstrap.read()
        except PeerClosed:
            raise PeerClosed(_DIED) from None
        namespaces, handles = decode_table(message)
    return Startup(namespaces, handles)


def _ignore(reason: str) -> Startup:
    _log.warning("%s; it is ignored", reason)
    return Startup(ignored=f"{reason}, and was ignored")


def _bootstrap_fd(text: str) -> int | None:
    """Answer the descriptor, if it is the channel that was meant (rule 2)."""
    number, _, cookie = text.partition(":")
    if not all(part.isascii() and part.isdecimal() and len(part) < 21 for part in (number, cookie)):
        return None
    fd = int(number)
    try:
        check_kind(fd, ObjType.CHANNEL)
        return fd if koid_of(fd) == int(cookie) else None
    except (IpcError, OSError, OverflowError):
        return None


def _peek_address(bootstrap: Channel) -> Address:
    """Look at whom the table is for, and leave the message where it is."""
    _wait(bootstrap)
    with LentSocket(bootstrap.fileno(), socket.SOCK_SEQPACKET) as sock:
        data = sock.recv(MAX_PACKET_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    if not data:
        raise PeerClosed(_DIED)
    return decode_address(data)


def _wait(bootstrap: Channel) -> None:
    """Sleep until a message is there; on an event loop's thread too, since it is under way."""
    poll = select.poll()
    poll.register(bootstrap.fileno(), select.POLLIN)
    if not poll.poll(_PATIENCE_S * 1000):
        raise TimedOut(f"the parent has passed nothing within {_PATIENCE_S:g} seconds")


# ---- what the process keeps (rule 3)


class _Kept:
    """What was passed, from when it is first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._startup: Startup | None = None
        self._failure: IpcError | None = None
        self._generation = generation()

    def namespace(self, name: str) -> Namespace:
        with self._lock:
            startup = self._get()
            if name == OWN and name not in startup.namespaces:
                startup.namespaces[name] = Namespace.of_locator()  # rule 4
            found = startup.namespaces.get(name)
            if found is None:
                raise startup.explain(f"a namespace {name!r}")
            return found

    def take_handle(self, name: str) -> Handle:
        with self._lock:
            startup = self._get()
            handle = startup.handles.pop(name, None)
            if handle is None:
                raise startup.explain(f"a handle {name!r}")
            return handle

    def names(self) -> list[str]:
        with self._lock:
            return sorted({OWN, *self._get().namespaces})

    def _get(self) -> Startup:
        if self._generation != generation():
            raise BadState("a forked child has none of its parent's namespaces; spawn it instead")
        if self._failure is not None:
            raise type(self._failure)(str(self._failure))
        if self._startup is None:
            try:
                self._startup = take_startup()
            except (PeerClosed, TimedOut, ProtocolError) as error:
                self._failure = error
                raise
        return self._startup


_kept: Final = _Kept()


def incoming_namespace() -> Namespace:
    """Answer this process's own namespace, lent: what its parent passed, or the default locator's.

    Raises: PeerClosed: the parent died before it had passed it. TimedOut, RemoteProtocolError: as
    `take_startup`. BadState: in a forked child.
    """
    return _kept.namespace(OWN)


def namespace(name: str) -> Namespace:
    """Answer another namespace that this process was started with, such as "container"; lent.

    Raises: NotFound: none of that name was passed. Else as `incoming_namespace`.
    """
    return _kept.namespace(name)


def namespace_names() -> list[str]:
    """Answer which namespaces there are, "own" among them. Raises: as `incoming_namespace`."""
    return _kept.names()


def startup_handle(name: str) -> Handle:
    """Take a handle that this process was started with; the caller owns it.

    Make it what it is with `from_handle`, which looks at it: `Channel.from_handle(...)`.
    Raises: NotFound: none of that name, or taken already. Else as `incoming_namespace`.
    """
    return _kept.take_handle(name)
