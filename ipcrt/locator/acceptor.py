"""Acceptor: takes clients' connections from listening sockets, also when descriptors run out.

1. A bounded number is accepted in one turn, so that those who are served already get theirs.
2. One descriptor is kept back: whoever cannot be served is accepted with it, told NO_RESOURCES,
   and closed. Who can not even be told is left in the queue, and the listener alone for a while:
   it stays readable, and looking again and again would only burn the processor.
Source: accept(2), EMFILE.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable
from typing import Final

from ipcrt.errors import IpcError, Status
from ipcrt.objects._fd import LentSocket
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.deadlines import Token
from ipcrt.port.port import Port
from ipcrt.wire.epitaph import encode_epitaph

_log: Final = logging.getLogger("ipcrt.locator")
_ACCEPTS_PER_TURN: Final = 64
_REST_S: Final = 0.2
"""How long not to look at a listener whose clients can be neither served nor refused."""


class Acceptor:
    """Accepts from listeners, which stay their owner's, until it stops."""

    def __init__(self, port: Port, take: Callable[[Channel], object]) -> None:
        """`take(channel)` owns the channel of each client."""
        self._port = port
        self._take = take
        self._listeners: list[Handle] = []
        self._rests: dict[Handle, Token] = {}
        self._reserve = _reserve_fd()
        # Made beforehand: without descriptors not even a module can be loaded that is new.
        self._last_words = encode_epitaph(Status.NO_RESOURCES)

    def listen(self, listener: Handle) -> None:
        """Accept clients from a listening socket."""
        self._listeners.append(listener)
        self._watch(listener)

    def _watch(self, listener: Handle) -> None:
        self._rests.pop(listener, None)
        if self._reserve is None:
            self._reserve = _reserve_fd()
        self._port.add_reader(listener, lambda: self._accept(listener))

    def _accept(self, listener: Handle) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                channel = _accept_one(listener)
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                _log.error("cannot accept a client: %s", error)
                if not self._shed(listener):
                    self._rest(listener)
                return
            self._take(channel)

    def _shed(self, listener: Handle) -> bool:
        """Turn one client away with the descriptor that was kept for this; False if we cannot."""
        if self._reserve is None:
            return False
        self._reserve.close()
        try:
            with _accept_one(listener) as channel, contextlib.suppress(IpcError):
                channel.write(self._last_words)
        except OSError:
            return False
        finally:
            self._reserve = _reserve_fd()
        return True

    def _rest(self, listener: Handle) -> None:
        """Leave a listener alone for a while (rule 2)."""
        self._port.remove_reader(listener)
        self._rests[listener] = self._port.deadlines.add(_REST_S, lambda: self._watch(listener))

    def stop(self) -> None:
        """Leave whoever connects from now on in the listeners' queues. Idempotent."""
        for listener in self._listeners:
            self._port.remove_reader(listener)
        for token in self._rests.values():
            self._port.deadlines.drop(token)
        self._listeners.clear()
        self._rests.clear()

    def close(self) -> None:
        """Stop for good. Idempotent."""
        self.stop()
        if self._reserve is not None:
            self._reserve.close()
            self._reserve = None


def _accept_one(listener: Handle) -> Channel:
    """Accept one client; close-on-exec from the kernel on (accept4)."""
    with LentSocket(listener.fileno(), socket.SOCK_SEQPACKET) as sock:
        accepted, _ = sock.accept()
    return Channel(accepted.detach())


def _reserve_fd() -> Handle | None:
    """Keep one descriptor for the day when there are no others."""
    try:
        return Handle(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return None
