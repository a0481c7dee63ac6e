"""The port of a plain thread: epoll itself, and the blocking waits of the system-call surface.

1. Where one channel's reader is all there is to serve, and no deadline is near, the port sleeps in
   its receive: one system call instead of two. Such a nap is bounded, and what other threads queue
   is late by that at most; when nothing has come, the port sleeps in epoll.
2. Before each nap the mailbox is looked at, so that a busy peer holds nobody up.
3. Handles whose news can wait (`let_wait`) prevent no nap in the only channel whose news cannot or,
   where all news can, in the one whose reply the thread waits for. All that is watched is looked
   at before a nap if that was longer ago than a nap takes: such news is two naps late at most.
Source: zx_port_wait, zx_object_wait_one, zx_object_wait_many.
"""

from __future__ import annotations

import math
import select
import time
import weakref
from collections.abc import Callable, Generator, Sequence
from typing import Final, Generic, TypeVar, cast

from ipcrt.errors import BadState, Canceled, InvalidArgs, TimedOut
from ipcrt.objects.channel import PATIENCE_S
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.port import busy_poll
from ipcrt.port.direct import DirectReader, Nappers
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.signals import Signals, events_for, observe
from ipcrt.port.waiter import Waiter

T = TypeVar("T")

_LONGEST_SLEEP_S: Final = 86400.0
"""poll(2) counts milliseconds in an int; whoever sleeps longer wakes once a day."""
_FAR_S: Final = 2 * PATIENCE_S
"""A deadline further away than this leaves time for a nap."""
_LOOK_AGAIN_S: Final = 0.01
"""How often to look again while news that serves nobody keeps poll(2) from sleeping."""


class BlockingWaiter(Generic[T]):
    """A result that `BlockingPort.run_until` waits for."""

    __slots__ = ("_done", "_error", "_result")

    def __init__(self) -> None:
        self._done = False
        self._result: T | None = None
        self._error: BaseException | None = None

    def set_result(self, result: T, /) -> None:
        self._done, self._result = True, result

    def set_exception(self, exception: BaseException, /) -> None:
        self._done, self._error = True, exception

    def done(self) -> bool:
        return self._done

    def result(self) -> T:
        """Answer the result or raise the error; the waiter must be done."""
        if self._error is not None:
            raise self._error
        return cast("T", self._result)

    def abandon(self) -> None:
        """Nobody waits any more."""
        self._done = True

    def __await__(self) -> Generator[object, None, T]:
        raise BadState("a plain thread cannot await; use run_until")


class BlockingPort(Port):
    """A port for one plain thread.

    All timeouts are in seconds; None: for ever; zero: look once.
    """

    def __init__(self, busy_poll_us: int | None = None) -> None:
        """Look for news for `busy_poll_us` before each sleep; see `ipcrt.port.busy_poll`.

        None: what IPCRT_BUSY_POLL_US says, else not at all. Raises: NoResources, InvalidArgs.
        """
        self._spin_s = busy_poll.busy_poll_us(busy_poll_us) / 1e6
        if self._spin_s:
            self._backoff = busy_poll.Backoff()
        self.clock = time.monotonic
        self.create_waiter = BlockingWaiter
        self._earliest = math.inf  # no deadline is earlier
        self._can_wait: weakref.WeakSet[Handle] = weakref.WeakSet()
        self._looked = -math.inf  # at all that is watched
        super().__init__()

    def wait(self, timeout: float | None = None) -> Packet:
        """Sleep until a packet is there, and take it.

        Packets of keys that are bound go to their receivers meanwhile.
        Raises: TimedOut. Canceled: a receiver closed the port. BadState: closed, or another
        thread's. Source: zx_port_wait.
        """
        self._check()
        self._serve_until(lambda: self._router.queued > 0, timeout)
        packet = self._router.take()
        assert packet is not None
        return packet

    def let_wait(self, handle: Handle) -> None:
        """Have what `handle` tells told late, by 20 ms at most, where that speeds others up.

        For what nobody waits for, other than by `run_until` (rule 3).
        """
        self._can_wait.add(handle)
        self.nappers = None

    def run_until(
        self,
        waiter: Waiter[T],
        timeout: float | None = None,
        reader: DirectReader | None = None,
    ) -> T:
        """Serve the port until `waiter` is done; answer its result or raise its error.

        `reader`, if given, reads what `waiter` waits for.
        Raises: TimedOut: `timeout` seconds passed first; the waiter is then abandoned. Canceled,
        BadState: as `wait`.
        """
        self._check()
        mine = cast("BlockingWaiter[T]", waiter)
        try:
            self._serve_until(mine.done, timeout, reader)
        except BaseException:
            mine.abandon()
            raise
        return mine.result()

    def _serve_until(
        self,
        done: Callable[[], bool],
        timeout: float | None,
        reader: DirectReader | None = None,
    ) -> None:
        until = math.inf if timeout is None else time.monotonic() + timeout
        while not done():
            if self._closed:
                raise Canceled("the port was closed")
            now = time.monotonic()
            far = now + _FAR_S
            if far < self._earliest and far < until and self._serve_without_poller(now, reader):
                continue
            self._turn(now, until)
            if until <= now and not done():
                raise TimedOut(f"nothing happened within {timeout} seconds")

    def _turn(self, now: float, until: float) -> None:
        """Serve one round of events, sleeping no longer than until the next deadline."""
        due = self.deadlines.due()
        self._earliest = math.inf if due is None else due
        self._looked = now
        nearest = min(until, self._earliest)
        super().dispatch(-1 if nearest == math.inf else max(0.0, nearest - now))
        if due is not None:
            self.deadlines.run()

    def dispatch(self, timeout: float = 0) -> None:
        if timeout < 0 or timeout > _FAR_S:
            self._check()
            now = time.monotonic()
            if self._serve_without_poller(now):
                return
            if timeout > 0:
                timeout = max(0.0, timeout - (time.monotonic() - now))
            self._looked = now
        super().dispatch(timeout)

    def _serve_without_poller(self, now: float, reader: DirectReader | None = None) -> bool:
        """Spin, then nap, where either may be; True when something was served."""
        nappers = self.nappers or self._find_nappers()
        direct = nappers.always
        if reader is not None and reader is not direct:
            direct = reader if reader in nappers.awaited else None
        if self._mailbox.packets or (not nappers.alone and now - self._looked > PATIENCE_S):
            direct = None  # rules 2 and 3
        backoff = self._backoff
        if backoff is not None and backoff.ready():
            found = self._spin(direct)
            backoff.learn(found)
            if found:
                return True
        if direct is None:
            return False
        self._turns += 1
        return direct.nap()

    def _spin(self, direct: DirectReader | None) -> bool:
        """Look for news again and again; True when something was served."""
        self._turns += 1
        begun = time.monotonic()
        until = begun + self._spin_s
        if direct is not None:
            return direct.spin(until)
        self._looked = begun
        while not (found := self._poller.poll(0)):
            if time.monotonic() >= until:
                return False
        self._serve_all(found)
        return True

    def _find_nappers(self) -> Nappers:
        """Find out who may wait for all that may happen (rules 1 and 3)."""
        patient: set[DirectReader] = set()
        others: list[DirectReader | None] = []
        for watch in self._watches.values():
            direct = watch.direct()
            if direct is None or watch.handle not in self._can_wait:
                others.append(direct)
            else:
                patient.add(direct)
        alone = len(self._watches) == 1
        always = others[0] if len(others) == 1 else None
        if alone and patient:
            (always,) = patient
        self.nappers = Nappers(always, frozenset(() if others else patient), alone)
        return self.nappers

    def _deadline_moved(self, due: float) -> None:
        self._earliest = min(self._earliest, due)


def wait_one(handle: Handle, signals: Signals, timeout: float | None = None) -> Signals:
    """Block until one of `signals` is up on `handle`; answer all that are.

    Needs no port. Raises: TimedOut, BadHandle, AccessDenied (no WAIT right).
    Source: zx_object_wait_one.
    """
    return wait_many([(handle, signals)], timeout)[0]


def wait_many(
    items: Sequence[tuple[Handle, Signals]], timeout: float | None = None
) -> list[Signals]:
    """Block until one of the handles has one of its signals; answer what is up on each.

    `timeout` in seconds; zero looks once. Unlike Zircon's, it does not notice when another thread
    closes a handle meanwhile. Raises: as `wait_one`; InvalidArgs: no handles.
    Source: zx_object_wait_many.
    """
    if not items:
        raise InvalidArgs("wait_many needs at least one handle")
    poll = select.poll()
    masks: dict[int, int] = {}
    for handle, signals in items:
        handle.require(Rights.WAIT, "wait")
        fd = handle.fileno()
        masks[fd] = masks.get(fd, 0) | events_for(signals)
    for fd, events in masks.items():
        poll.register(fd, events)
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        rest = _LONGEST_SLEEP_S if until is None else until - time.monotonic()
        ready = poll.poll(max(0.0, min(rest, _LONGEST_SLEEP_S)) * 1000)
        if ready:
            found = [observe(handle, wanted) for handle, wanted in items]
            if any(up & wanted for up, (_, wanted) in zip(found, items, strict=True)):
                return found
        if rest <= 0:
            raise TimedOut(f"none of {len(items)} handles was signaled within {timeout} seconds")
        if ready:
            time.sleep(min(rest, _LOOK_AGAIN_S))
