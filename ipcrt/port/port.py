"""Port: arms waits, collects packets, wakes from any thread.

One epoll instance and one eventfd; how a thread or an event loop sleeps on them is the
subclass's business. Packets whose key has a *receiver* go to it on the port's own thread;
all others queue until somebody takes them.
Source: zx_port_create, zx_object_wait_async, zx_port_queue, zx_port_cancel; epoll(7).
"""

from __future__ import annotations

import collections
import itertools
import logging
import os
import select
import threading
from collections.abc import Callable
from typing import Final, Self, TypeVar

from ipcrt.errors import AlreadyExists, BadState, from_oserror
from ipcrt.objects._scm import ReceiveBuffer
from ipcrt.objects.handle import Handle
from ipcrt.port.deadlines import Deadlines
from ipcrt.port.fork import generation
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals
from ipcrt.port.waiter import Waiter
from ipcrt.port.watch import HandleWatch, Wait

T = TypeVar("T")
Receiver = Callable[[Packet], None]

_log: Final = logging.getLogger("ipcrt.port")
_EVENTS_PER_TURN: Final = 64
_FIRST_KEY: Final = 1 << 32
"""Keys below are the user's to choose; `new_key` gives higher ones."""


class Port:
    """Where one thread, or one event loop, waits for handles.

    Everything but `queue` must be called on the thread that made the port.
    """

    def __init__(self) -> None:
        try:
            self._epoll = select.epoll()
            self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        except OSError as error:
            raise from_oserror(error, "create a port") from error
        self._epoll.register(self._wake, select.EPOLLIN)
        self._thread = threading.get_ident()
        self._generation = generation()
        self._watches: dict[int, HandleWatch] = {}
        self._receivers: dict[int, Receiver] = {}
        self._packets: collections.deque[tuple[Packet, Wait | None]] = collections.deque()
        self._queued: collections.deque[Packet] = collections.deque()
        self._keys = itertools.count(_FIRST_KEY)
        self._closed = False
        self.deadlines = Deadlines(self.clock, self._deadline_moved)
        self.receive_buffer = ReceiveBuffer()

    def clock(self) -> float:
        """The clock that deadlines are told in, in seconds."""
        raise NotImplementedError

    def create_waiter(self) -> Waiter[T]:
        """Make a place for one result that this port's tasks or thread can wait for."""
        raise NotImplementedError

    # ---- waits

    def wait_async(self, handle: Handle, key: int, signals: Signals, *, once: bool = True) -> None:
        """Queue a packet with `key` when one of `signals` comes up on `handle`.

        `once` disarms the wait when it has fired. A repeating one fires for as long as the
        state lasts, with at most one packet of it in the queue. Closing or moving the handle
        ends the wait with HANDLE_CLOSED.
        Raises: BadHandle; AlreadyExists: another port watches the handle; BadState.
        """
        self._watch(handle).add(key, signals, once=once)

    def cancel(self, handle: Handle, key: int) -> bool:
        """Drop the waits of `handle` under `key` and their queued packets; True if any was."""
        self._check()
        watch = self._watches.get(handle.fileno())
        found = watch is not None and watch.handle is handle and watch.cancel(key)
        kept = [
            (packet, wait)
            for packet, wait in self._packets
            if wait is None or packet.key != key or wait.watch.handle is not handle
        ]
        found = found or len(kept) != len(self._packets)
        self._packets = collections.deque(kept)
        return found

    def queue(self, packet: Packet) -> None:
        """Wake the port with a packet; from any thread. Source: zx_port_queue.

        Raises: BadState: the port is closed, or belongs to a parent process.
        """
        if self._closed or self._generation != generation():
            self._refuse()
        self._queued.append(packet)
        os.eventfd_write(self._wake, 1)

    def add_reader(self, handle: Handle, reader: Callable[[], None]) -> None:
        """Call `reader` for as long as `handle` is readable or hung up.

        The short way for what reads one handle all its life: no packet, and on asyncio no
        second poller. The reader takes what is there, or stops with `remove_reader`.
        """
        self._watch(handle).set_reader(reader)

    def remove_reader(self, handle: Handle) -> None:
        """Stop calling the reader of `handle`; harmless where there is none."""
        watch = None if handle.closed else self._watches.get(handle.fileno())
        if watch is not None and watch.handle is handle:
            watch.set_reader(None)

    # ---- receivers

    def new_key(self) -> int:
        """Answer a key that nobody on this port uses."""
        return next(self._keys)

    def bind(self, key: int, receiver: Receiver) -> None:
        """Send packets of `key` to `receiver`, on the port's thread, instead of queueing."""
        self._receivers[key] = receiver

    def unbind(self, key: int) -> None:
        """Undo `bind`; harmless where there is no receiver."""
        self._receivers.pop(key, None)

    # ---- what a watch asks of its port

    def arm(self, watch: HandleWatch, events: int) -> None:
        if events == 0:
            self._epoll.unregister(watch.fd)
            return
        try:
            self._epoll.modify(watch.fd, events)
        except FileNotFoundError:
            self._epoll.register(watch.fd, events)

    def deliver(self, packet: Packet, wait: Wait | None = None) -> bool:
        receiver = self._receivers.get(packet.key)
        if receiver is None:
            self._packets.append((packet, wait))
            return True
        receiver(packet)
        return False

    def start_reader(self, watch: HandleWatch) -> bool:
        del watch
        return False

    def stop_reader(self, watch: HandleWatch) -> None:
        del watch

    def released(self, watch: HandleWatch) -> None:
        if self._watches.get(watch.fd) is watch:
            del self._watches[watch.fd]
        if watch.handle._watch is watch:  # noqa: SLF001  (the slot is there for the watch)
            watch.handle._watch = None  # noqa: SLF001

    # ---- the turn

    def dispatch(self, timeout: float = 0) -> None:
        """Sleep up to `timeout` seconds (negative: for ever), then serve what is ready."""
        for fd, events in self._epoll.poll(timeout, _EVENTS_PER_TURN):
            if fd == self._wake:
                self._drain_queue()
                continue
            watch = self._watches.get(fd)
            if watch is not None:
                self._serve(watch, events)

    def _serve(self, watch: HandleWatch, events: int) -> None:
        try:
            watch.ready(events)
        except Exception:  # noqa: BLE001  (one bad reader must not stop the others)
            _log.exception("a reader of %r failed", watch.handle)
            watch.set_reader(None)

    def _drain_queue(self) -> None:
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            return
        while self._queued:
            self.deliver(self._queued.popleft())

    def _take_packet(self) -> Packet | None:
        """Take the oldest queued packet, and arm its wait again where it repeats."""
        if not self._packets:
            return None
        packet, wait = self._packets.popleft()
        if wait is not None and wait.queued:
            wait.taken()
        return packet

    def _deadline_moved(self, due: float) -> None:
        """The earliest deadline is now `due`, on `clock`."""
        raise NotImplementedError

    # ---- life

    def statistics(self) -> dict[str, int]:
        """Count what the port holds: watched handles, queued packets, deadlines."""
        return {
            "watched_handles": len(self._watches),
            "queued_packets": len(self._packets) + len(self._queued),
            "deadlines": len(self.deadlines),
        }

    @property
    def closed(self) -> bool:
        """True once the port is closed."""
        return self._closed

    def close(self) -> None:
        """End every wait with HANDLE_CLOSED and give the descriptors back; idempotent."""
        if self._closed:
            return
        for watch in list(self._watches.values()):
            watch.closing()
        self._closed = True
        self._epoll.close()
        os.close(self._wake)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _watch(self, handle: Handle) -> HandleWatch:
        self._check()
        fd = handle.fileno()
        watch = self._watches.get(fd)
        if watch is not None and watch.handle is handle:
            return watch
        if handle._watch is not None:  # noqa: SLF001  (the slot is there for the watch)
            raise AlreadyExists(f"{handle!r} is watched by another port")
        watch = self._watches[fd] = HandleWatch(self, handle)
        handle._watch = watch  # noqa: SLF001
        return watch

    def _check(self) -> None:
        """Refuse a port that is closed, another thread's, or a parent process's.

        Raises: BadState.
        """
        if (
            self._closed
            or self._thread != threading.get_ident()
            or self._generation != generation()
        ):
            self._refuse()

    def _refuse(self) -> None:
        if self._generation != generation():
            raise BadState("this port was made before fork(); make a new one in the child")
        if self._closed:
            raise BadState("the port is closed")
        raise BadState("a port is used on its own thread only; queue() works from any")
