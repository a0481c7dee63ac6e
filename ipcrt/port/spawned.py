"""Spawned: work that another thread, or another loop, may abort and wait for.

1. It ends exactly once: with a value, with what it raised, or with Canceled.
2. Whoever waits on the thread that the work itself runs on would wait for ever: BadState at once.
3. An error that nobody has asked for by the time it is forgotten is logged.
4. Who blocks for it uses no descriptor, so that none is lost whatever a signal's handler raises;
   it is interrupted as every blocking wait is.
Source: Starnix, `futures::future::abortable`; concurrent.futures.Future.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from ipcrt.errors import BadState, Canceled, TimedOut
from ipcrt.port.aport import AsyncPort
from ipcrt.port.interrupts import Waits, current_scope, interrupted
from ipcrt.port.loop_here import refuse_on_loop
from ipcrt.port.packet import Packet
from ipcrt.port.waiter import Waiter

T = TypeVar("T")

_log: Final = logging.getLogger("ipcrt.port")
_LONGEST_SLEEP_S: Final = 0.04
"""A signal that comes right before a sleep in a lock does not end it, and is told after it."""


class Spawned(Generic[T]):
    """What became of work that was given to an executor. Usable from any thread."""

    __slots__ = ("_asked", "_bells", "_future", "_on_abort", "_on_end", "_thread", "_waits", "name")

    def __init__(self, name: str, thread: int | None, on_abort: Callable[[], object]) -> None:
        """`thread` is the one that the work runs on, if that is known; see rule 2.

        `on_abort()` makes the work end; it is called once at most, from any thread.
        """
        self.name = name
        self._thread = thread
        self._on_abort: Callable[[], object] | None = on_abort
        self._future: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._on_end: list[Callable[[], object]] = []
        self._asked = False
        self._bells: dict[queue.SimpleQueue[None], None] = {}
        self._waits = Waits(self._ring)

    def done(self) -> bool:
        """True once it has ended."""
        return self._future.done()

    def abort(self) -> None:
        """Have the work cancelled at its next wait; nothing happens where it has ended."""
        on_abort, self._on_abort = self._on_abort, None
        if on_abort is not None and not self.done():
            on_abort()

    def result(self, timeout: float | None = None) -> T:
        """Block until it has ended; answer its value, or raise what it raised.

        Raises: Canceled: it was aborted, its executor has closed, or `interrupt`. TimedOut: after
        `timeout` seconds; the work goes on. BadState: on the thread that it runs on (rule 2), or
        an event loop runs in this one.
        """
        if not self.done():
            if threading.get_ident() == self._thread:
                raise BadState(
                    f"{self.name!r} runs on this thread and would never end: await wait()"
                )
            self._block(timeout)
        return self._take()

    def _block(self, timeout: float | None) -> None:
        if timeout != 0:
            refuse_on_loop()
        until = math.inf if timeout is None else time.monotonic() + timeout
        bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        wait, going, scope = object(), self._waits.going, current_scope()
        try:
            self._bells[bell] = None
            going[wait] = None
            if scope is not None:
                scope.enter(wait, self._waits)
            self._sleep(bell, wait, until)
        finally:
            whole = going.pop(wait, wait) is None  # rule 5 of `ipcrt.port.interrupts`
            self._bells.pop(bell, None)
            if scope is not None:
                scope.leave(wait)
        if self.done():
            return
        if not whole:
            raise interrupted()
        raise TimedOut(f"{self.name!r} has not ended within {timeout} seconds")

    def _sleep(self, bell: queue.SimpleQueue[None], wait: object, until: float) -> None:
        """Sleep until the end, an interrupt, or the deadline."""
        while not self.done() and wait in self._waits.going:
            left = until - time.monotonic()
            if left <= 0:
                return
            with contextlib.suppress(queue.Empty):
                bell.get(timeout=min(left, _LONGEST_SLEEP_S))

    def _ring(self) -> None:
        """Wake all who block, to look again; from any thread."""
        for bell in list(self._bells):
            bell.put(None)

    def interrupt(self) -> bool:
        """End a `result` that blocks with Canceled, the latest of several; False: none does.

        From any thread. The work goes on.
        """
        return self._waits.interrupt()

    async def wait(self, port: AsyncPort) -> T:
        """As `result`, for a task of the loop that `port` belongs to.

        Whoever is cancelled stops waiting, and the work goes on.
        """
        await self.ended(port)
        return self._take()

    async def ended(self, port: AsyncPort) -> None:
        """Wait until it has ended, however it did."""
        if self.done():
            return
        waiter: Waiter[None] = port.create_waiter()
        key = port.new_key()

        def wake(packet: Packet) -> None:
            del packet
            port.unbind(key)
            if not waiter.done():
                waiter.set_result(None)

        def ring() -> None:
            with contextlib.suppress(BadState):  # a port that has closed has told its waiters
                port.queue(Packet(key))

        port.bind(key, wake)
        self._on_end.append(ring)
        try:
            if not self.done():
                await port.wait_result(waiter)
        finally:
            # Either `ring` is taken back here, or its packet is under way and unbinds the key.
            with contextlib.suppress(ValueError):
                self._on_end.remove(ring)
                port.unbind(key)

    def _take(self) -> T:
        self._asked = True
        return self._future.result()

    # ---- for whoever does the work

    def runs_here(self) -> None:
        """Remember this thread as the one that the work runs on."""
        self._thread = threading.get_ident()

    def when_done(self, action: Callable[[], object]) -> None:
        """Call `action()` when it has ended, on whichever thread ends it; asked for beforehand."""
        self._on_end.append(action)

    def succeed(self, value: T) -> None:
        """End with a value; nothing changes where it has ended."""
        self._end(lambda: self._future.set_result(value))

    def fail(self, error: BaseException) -> None:
        """End with an error; nothing changes where it has ended."""
        self._end(lambda: self._future.set_exception(error))

    def _end(self, settle: Callable[[], object]) -> None:
        self._on_abort = None
        try:
            settle()
        except concurrent.futures.InvalidStateError:
            return
        self._ring()
        with contextlib.suppress(IndexError):
            while True:
                self._on_end.pop()()

    def __del__(self) -> None:
        if self._asked or not self._future.done():
            return
        error = self._future.exception()
        if error is not None and not isinstance(error, Canceled):
            _log.error("%s failed, and nobody asked", self.name, exc_info=error)

    def __repr__(self) -> str:
        return f"<Spawned {self.name!r} {'done' if self.done() else 'running'}>"
