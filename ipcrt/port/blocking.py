"""The port of a plain thread: epoll itself.

1. Where one channel's reader is all there is to serve, and no deadline is near, the port sleeps in
   its receive: one system call instead of two. Such a nap is bounded, and what other threads queue
   is late by that at most; when nothing has come, the port sleeps in epoll.
2. Before each nap the mailbox is looked at, so that a busy peer holds nobody up.
3. Handles whose news can wait (`let_wait`) prevent no nap in the only channel whose news cannot or,
   where all news can, in the one whose reply the thread waits for. All that is watched is looked
   at before a nap if that was longer ago than a nap takes: such news is two naps late at most.
4. A wait ends at once when another thread interrupts it, or a signal's handler raises; a nap or a
   spin first ends by itself, after PATIENCE_S at most. The port stays as it is.
5. Nothing blocks where an event loop runs: that is refused before anything is sent.
Source: zx_port_wait.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from threading import get_ident
from time import monotonic
from typing import Final, TypeVar

from ipcrt.errors import BadState, Canceled, TimedOut
from ipcrt.objects.channel import PATIENCE_S
from ipcrt.objects.handle import Handle
from ipcrt.port import busy_poll
from ipcrt.port.blocking_waiter import BlockingWaiter, new_waiter
from ipcrt.port.blocking_ways import Dispatch, Finish, Surroundings, Ways, make_ways
from ipcrt.port.direct import DirectReader, Nappers
from ipcrt.port.fork import FORKS
from ipcrt.port.interrupts import Waits, current_scope, interrupted
from ipcrt.port.loop_here import loop_runs_here, refuse_on_loop
from ipcrt.port.mailbox import Mailbox
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.waiter import Waiter

T = TypeVar("T")

_FAR_S: Final = 2 * PATIENCE_S
"""A deadline further away than this leaves time for a nap."""
_NOBODY: Final = 0
"""No thread's number."""


class BlockingPort(Port):
    """A port for one plain thread.

    All timeouts are in seconds; None: for ever; zero: look once.
    """

    __slots__ = (
        "_backoff",
        "_closed",
        "_earliest",
        "_generation",
        "_looked",
        "_mailbox",
        "_thread",
        "_turns",
        "dispatch",
        "finish",
        "nappers",
    )  # what each wait looks at; `ipcrt/_speedups/waiting.c` does, too

    _closed: bool
    _generation: int
    _mailbox: Mailbox
    _thread: int
    _turns: int
    dispatch: Dispatch
    """Sleep up to `timeout` seconds (negative: for ever), then serve what is ready."""
    finish: Finish
    """Do as `run_until`, for whoever has called `check_blocking`."""
    nappers: Nappers | None

    def __init__(self, busy_poll_us: int | None = None) -> None:
        """Look for news for `busy_poll_us` before each sleep; see `ipcrt.port.busy_poll`.

        None: what IPCRT_BUSY_POLL_US says, else not at all. Raises: NoResources, InvalidArgs.
        """
        self._spin_s = busy_poll.busy_poll_us(busy_poll_us) / 1e6
        self._backoff = busy_poll.Backoff() if self._spin_s else None
        self.clock = monotonic
        self.create_waiter = new_waiter
        self.nappers = None
        self._earliest = math.inf  # no deadline is earlier
        self._can_wait: weakref.WeakSet[Handle] = weakref.WeakSet()
        self._looked = -math.inf  # at all that is watched
        self._adoptable: list[None] = []  # not empty: no thread's
        super().__init__()
        self._waits = Waits(self._mailbox.ring)
        around = Surroundings(self._waits.going, self._mailbox)
        ways = make_ways(Ways(self._finish, self._dispatch), self, around)
        self.finish, self.dispatch = ways  # pyright: ignore[reportIncompatibleMethodOverride]

    def wait(self, timeout: float | None = None) -> Packet:
        """Sleep until a packet is there, and take it.

        Packets of keys that are bound go to their receivers meanwhile.
        Raises: TimedOut. Canceled: interrupted, or a receiver closed the port. BadState: closed,
        another thread's, or an event loop runs here. Source: zx_port_wait.
        """
        self.check_blocking(timeout)
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
        self.check_blocking(timeout)
        return self.finish(waiter, timeout, reader)

    def _finish(
        self, waiter: Waiter[T], timeout: float | None = None, reader: DirectReader | None = None
    ) -> T:
        mine: BlockingWaiter[T] = waiter  # type: ignore[assignment]
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
        if done():
            return
        until = math.inf if timeout is None else monotonic() + timeout
        wait, going = object(), self._waits.going
        scope = current_scope()
        try:
            going[wait] = None
            if scope is not None:
                scope.enter(wait, self._waits)
            while wait in going:
                if self._closed:
                    raise Canceled("the port was closed")
                now = monotonic()
                far = now + _FAR_S
                if not (
                    far < self._earliest and far < until and self._serve_without_poller(now, reader)
                ):
                    self._turn(now, until)
                    if until <= now and not done():
                        raise TimedOut(f"nothing happened within {timeout} seconds")
                if done():
                    break
        finally:
            whole = going.pop(wait, wait) is None  # rule 5 of `ipcrt.port.interrupts`
            if scope is not None:
                scope.leave(wait)
        if not whole:
            raise interrupted()

    def _turn(self, now: float, until: float = math.inf) -> None:
        """Serve one round of events, sleeping no longer than until the next deadline."""
        due = self.deadlines.due()
        self._earliest = math.inf if due is None else due
        self._looked = now
        nearest = min(until, self._earliest)
        super().dispatch(-1 if nearest == math.inf else max(0.0, nearest - now))
        if due is not None:
            self.deadlines.run()

    def _dispatch(self, timeout: float = 0) -> None:
        if timeout:
            self.check_blocking(timeout)
        if timeout < 0 or timeout > _FAR_S:
            now = monotonic()
            if not self._serve_without_poller(now):
                self._sleep(timeout, now)
            return
        super().dispatch(timeout)

    def _sleep(self, timeout: float, begun: float) -> None:
        """Sleep in the poller for what is left of `timeout` since then."""
        if timeout > 0:
            timeout = max(0.0, timeout - (monotonic() - begun))
        self._looked = begun
        super().dispatch(timeout)

    def _serve_without_poller(self, now: float, reader: DirectReader | None = None) -> bool:
        """Spin, then nap, where either may be; True when something was served."""
        always, awaited, alone = self.nappers or self._find_nappers()
        direct = always
        if reader is not None and reader is not always:
            direct = reader if reader in awaited else None
        mailbox = self._mailbox
        if mailbox.packets or mailbox.rung or (not alone and now - self._looked > PATIENCE_S):
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
        begun = monotonic()
        until = begun + self._spin_s
        if direct is not None:
            return self._spin_in(direct, until)
        self._looked = begun
        while not (found := self._poller.poll(0)):
            if monotonic() >= until:
                return False
        self._serve_all(found)
        return True

    def _spin_in(self, direct: DirectReader, until: float) -> bool:
        """Spin for one reader, but for no longer than a nap where somebody rings (rules 2, 4)."""
        now = monotonic()
        while not self._mailbox.rung:
            if direct.spin(min(until, now + PATIENCE_S)):
                return True
            now = monotonic()
            if now >= until:
                break
        return False

    def _find_nappers(self) -> Nappers:
        """Find out who may wait for all that may happen (rules 1 and 3)."""
        patient: set[DirectReader] = set()
        others: list[DirectReader | None] = []
        for watch in self._watches.values():
            direct = watch.direct()
            if watch.handle not in self._can_wait or (direct is None and len(watch)):
                others.append(direct)
            elif direct is not None:  # else the poller is looked at, now and then
                patient.add(direct)
        alone = len(self._watches) == 1
        always = others[0] if len(others) == 1 else None
        if alone and patient:
            (always,) = patient
        self.nappers = Nappers(always, frozenset(() if others else patient), alone)
        return self.nappers

    def _deadline_moved(self, due: float) -> None:
        self._earliest = min(self._earliest, due)

    # ---- other threads

    def interrupt(self) -> bool:
        """End the wait that this port's thread is blocked in, from any thread; False: in none.

        It ends with Canceled, within PATIENCE_S or so. Of waits inside others it is the innermost.
        Waits that begin later are not concerned, and all that is watched stays watched.
        Raises: BadState: the port belongs to a parent process.
        """
        if self._generation != FORKS.number:
            self._refuse()
        return self._waits.interrupt()

    def let_go(self) -> None:
        """Give the port away: it belongs to the thread that uses it next.

        A thread that takes it up inside `Executor.call_blocking` lets it go when that call ends.
        Raises: BadState: it waits at this moment, or as `check`.
        """
        self._check()
        if self._waits.going:
            raise BadState("a port that waits cannot change threads")
        self._thread = _NOBODY
        self._adoptable.append(None)

    def check_blocking(self, timeout: float | None = None) -> None:
        """Refuse to wait here: as `check`, and where an event loop runs (rule 5).

        Looking once, with a `timeout` of zero, is no wait. Raises: BadState.
        """
        if (
            self._closed or self._thread != get_ident() or self._generation != FORKS.number
        ):  # as `check`
            self._refuse()
        if timeout != 0 and loop_runs_here():
            refuse_on_loop()

    def _refuse(self) -> None:
        if self._thread == _NOBODY and not self._closed and self._generation == FORKS.number:
            try:
                self._adoptable.pop()
            except IndexError:
                pass  # another thread was quicker
            else:
                self._thread = get_ident()
                scope = current_scope()
                if scope is not None:
                    scope.at_end(self._let_go_again)
                return
        super()._refuse()

    def _let_go_again(self) -> None:
        if not self._closed and self._thread == get_ident():
            self.let_go()
