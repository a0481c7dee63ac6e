"""Port: arms waits, collects packets, wakes from any thread.

One epoll instance and one eventfd; how a thread or an event loop sleeps on them is the
subclass's business. Packets whose key has a *receiver* go to it on the port's own thread;
all others queue until somebody takes them.

1. Everything but `queue` belongs to the thread that made the port; another is told BadState.
2. A receiver, reader or deadline that raises is logged, and the others go on.
3. A forked child shares the poller with its parent, so it changes nothing there: each use raises
   BadState, and closing the port or its handles only closes the child's descriptors.
Source: zx_port_create, zx_object_wait_async, zx_port_queue, zx_port_cancel; epoll(7), fork(2).
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable
from typing import Any, Final, Self

from ipcrt.errors import AlreadyExists, BadState
from ipcrt.objects._scm import ReceiveBuffer
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.objects.spill_memory import SpillMemory
from ipcrt.port.busy_poll import Backoff
from ipcrt.port.deadlines import Deadlines
from ipcrt.port.direct import DirectReader, Nappers
from ipcrt.port.fork import generation
from ipcrt.port.mailbox import Mailbox
from ipcrt.port.packet import Packet
from ipcrt.port.poller import OUTSIDE, Poller
from ipcrt.port.router import Receiver, Router
from ipcrt.port.signals import IN, Signals
from ipcrt.port.slots import set_watch, watch_of
from ipcrt.port.waiter import Waiter
from ipcrt.port.watch import HandleWatch, Wait

_log: Final = logging.getLogger("ipcrt.port")


class Port:
    """Where one thread, or one event loop, waits for handles."""

    def __init__(self) -> None:
        """Raises: NoResources."""
        self._closed = True  # until everything below has worked
        self._thread = threading.get_ident()
        self._generation = generation()
        self._watches: dict[int, HandleWatch] = {}
        self._router = Router(self._packet_queued)
        self._turns = 0
        self.deadlines = Deadlines(self.clock, self._deadline_moved)
        self.receive_buffer = ReceiveBuffer()
        self.spill_memory = SpillMemory(self.deadlines.add)
        self._mailbox = Mailbox()
        try:
            self._poller = Poller()
            self._poller.arm(self._mailbox.fileno(), OUTSIDE, IN)
        except BaseException:
            self._mailbox.close()
            raise
        self._closed = False

    soon: Callable[[Callable[[], object]], object] | None = None
    """Calls something when the event loop's turn is over; None where there is no cheap way."""

    expect: Callable[[DirectReader], object] | None = None
    """Told of who awaits just one message, to spin for it; None where nobody does."""

    nappers: Nappers | None = None

    _backoff: Backoff | None = None

    clock: Callable[[], float]
    """The clock that deadlines are told in, in seconds."""

    create_waiter: Callable[[], Waiter[Any]]
    """Makes a place for one result that this port's tasks or thread can wait for."""

    waker: tuple[Callable[[], Waiter[None]], Callable[[Any], None]] | None = None
    """Makes such a place, and wakes who waits at once: see `ipcrt.port.prompt`; None: none does."""

    # ---- waits

    def wait_async(self, handle: Handle, key: int, signals: Signals, *, once: bool = True) -> None:
        """Queue a packet with `key` when one of `signals` is up on `handle`.

        The packet tells all signals that are up then. `once` disarms the wait when it has fired.
        A repeating one fires for as long as the state lasts, with at most one packet of it in the
        queue. Closing or moving the handle ends the wait with HANDLE_CLOSED.
        Raises: BadHandle; AlreadyExists: another port watches the handle; NotSupported: a file or
        a VMO; AccessDenied: no WAIT right; NoResources; BadState.
        """
        self._watch(handle).add(key, signals, once=once)

    def cancel(self, handle: Handle, key: int) -> bool:
        """Drop the waits of `handle` under `key` and their queued packets; True if any was.

        Raises: BadHandle, BadState.
        """
        self._check()
        watch = self._watches.get(handle.fileno())
        found = watch is not None and watch.handle is handle and watch.cancel(key)
        return self._router.cancel(handle, key) or found

    def queue(self, packet: Packet) -> None:
        """Wake the port with a packet; from any thread. Source: zx_port_queue.

        Packets of one thread keep their order.
        Raises: ShouldWait: 65536 packets wait already, so nobody serves the port. BadState: the
        port is closed, or belongs to a parent process.
        """
        if self._generation != generation():
            self._refuse()
        self._mailbox.put(packet)

    def add_reader(
        self,
        handle: Handle,
        reader: Callable[[], object],
        on_end: Callable[[], object] | None = None,
        *,
        safe: bool = False,
        direct: DirectReader | None = None,
    ) -> None:
        """Call `reader` for as long as `handle` is readable or hung up.

        The short way for what reads one handle all its life: no packet, and on asyncio no
        second poller. The reader takes what is there, which may be nothing, or stops with
        `remove_reader`. `on_end` is called when it ends in any other way: the handle or the port
        was closed, or the reader raised. A second reader replaces the first. `safe` promises that
        the reader raises nothing; then the event loop may call it without a detour. `direct`, where
        there is one, does the same as the reader, and can wait by itself.
        Raises: as `wait_async`.
        """
        self._watch(handle).set_reader(reader, on_end, safe=safe, direct=direct)

    def remove_reader(self, handle: Handle) -> None:
        """Stop calling the reader of `handle`; harmless where there is none.

        Raises: BadState: not this port's thread.
        """
        watch = None if handle.closed else self._watches.get(handle.fileno())
        if watch is not None and watch.handle is handle:
            self._check()
            watch.clear_reader()

    def _watch(self, handle: Handle) -> HandleWatch:
        self._check()
        fd = handle.fileno()
        watch = self._watches.get(fd)
        if watch is not None and watch.handle is handle:
            return watch
        handle.require(Rights.WAIT, "wait")
        if watch_of(handle) is not None:
            raise AlreadyExists(f"{handle!r} is watched by another port")
        watch = self._watches[fd] = HandleWatch(self, handle)
        self.nappers = None
        set_watch(handle, watch)
        return watch

    # ---- receivers

    def new_key(self) -> int:
        """Answer a key that nobody on this port uses; keys under 2**32 are the user's to choose."""
        return self._router.new_key()

    def bind(self, key: int, receiver: Receiver) -> None:
        """Send packets of `key` to `receiver`, on the port's thread, instead of queueing.

        What it raises is logged, and ends the wait that the packet came from.
        """
        self._router.bind(key, receiver)

    def unbind(self, key: int) -> None:
        """Undo `bind`; harmless where there is no receiver."""
        self._router.unbind(key)

    # ---- what a watch asks of its port

    def arm(self, fd: int, before: int, events: int) -> None:
        self._poller.arm(fd, before, events)

    def deliver(self, packet: Packet, wait: Wait) -> bool:
        return self._router.deliver(packet, wait)

    def end(self, packet: Packet) -> None:
        if self._thread == threading.get_ident():
            self._router.deliver(packet)
        else:
            self._post(packet)

    def run(self, action: Callable[[], object]) -> None:
        key = self.new_key()

        def receive(packet: Packet) -> None:
            del packet
            self.unbind(key)
            action()

        self.bind(key, receive)
        self.end(Packet(key))

    def _post(self, packet: Packet) -> None:
        """Queue news of a handle that another thread closed."""
        try:
            self.queue(packet)
        except Exception:  # noqa: BLE001  (the thread that closes must get on)
            _log.exception("lost %r", packet)

    def start_reader(self, watch: HandleWatch, reader: Callable[[], object]) -> bool:
        del watch, reader
        return False

    def stop_reader(self, watch: HandleWatch) -> None:
        del watch

    def released(self, watch: HandleWatch) -> None:
        if self._watches.get(watch.fd) is watch:
            del self._watches[watch.fd]
        if watch_of(watch.handle) is watch:
            set_watch(watch.handle, None)

    def inherited(self) -> bool:
        return self._generation != generation()

    # ---- the turn

    def dispatch(self, timeout: float = 0) -> None:
        """Sleep up to `timeout` seconds (negative: for ever), then serve what is ready."""
        self._check()
        self._turns += 1
        self._serve_all(self._poller.poll(timeout))

    def _serve_all(self, found: list[tuple[int, int]]) -> None:
        for fd, events in found:
            watch = self._watches.get(fd)
            if watch is not None:
                self._serve(watch, events)
            elif fd == self._mailbox.fileno():
                self._empty_mailbox()

    def _serve(self, watch: HandleWatch, events: int) -> None:
        try:
            watch.ready(events)
        except Exception:  # noqa: BLE001  (rule 2)
            _log.exception("serving %r failed", watch.handle)

    def _empty_mailbox(self) -> None:
        try:
            for _ in range(self._mailbox.begin()):
                packet = self._mailbox.take()
                if packet is None:  # a receiver closed the port
                    return
                self._router.deliver(packet)
        finally:
            self._mailbox.end()

    def _packet_queued(self) -> None:
        """A packet waits to be taken."""

    def _deadline_moved(self, due: float) -> None:
        """The earliest deadline is now `due`, on `clock`."""
        raise NotImplementedError

    # ---- life

    def statistics(self) -> dict[str, int]:
        """Count what the port holds, and since it was made: `turns`, the rounds of `dispatch`.

        Where it spins, `spins` too, and those that found something, `spins_found`.
        """
        backoff = self._backoff
        spins = {} if backoff is None else {"spins": backoff.spins, "spins_found": backoff.found}
        return {
            **spins,
            "watched_handles": len(self._watches),
            "waits": sum(map(len, self._watches.values())),
            "receivers": self._router.receivers,
            "queued_packets": self._router.queued + len(self._mailbox),
            "deadlines": len(self.deadlines),
            "turns": self._turns,
        }

    @property
    def closed(self) -> bool:
        """True once the port is closed."""
        return self._closed

    def close(self) -> None:
        """End every wait with HANDLE_CLOSED and give the descriptors back; idempotent.

        Raises: BadState: not this port's thread.
        """
        if self._closed:
            return
        if self.inherited():
            self._abandon()
            return
        self._check()
        self._closed = True
        for watch in list(self._watches.values()):
            watch.closing()
        self._stop_serving()
        self._router.clear()
        self.deadlines.clear()
        self.spill_memory.close()
        self._mailbox.close()
        self._poller.close()

    def _stop_serving(self) -> None:
        """Tell the event loop to forget the poller, which is about to close."""

    def _abandon(self) -> None:
        """Give the descriptors back, be told of no handle more, and touch nothing else (rule 3)."""
        self._closed = True
        for watch in self._watches.values():
            set_watch(watch.handle, None)
        self.spill_memory.close()
        self._mailbox.abandon()
        self._poller.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            inherited = self.inherited()
            self._abandon()
            if not inherited:
                warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=2, source=self)

    def check(self) -> None:
        """Refuse a port that is closed, another thread's, or a parent process's.

        Raises: BadState.
        """
        if (
            self._closed
            or self._thread != threading.get_ident()
            or self._generation != generation()
        ):
            self._refuse()

    _check = check

    def _refuse(self) -> None:
        if self._generation != generation():
            raise BadState("this port was made before fork(); make a new one in the child")
        if self._closed:
            raise BadState("the port is closed")
        raise BadState("a port is used on its own thread only; queue() works from any")
