"""The port of a plain thread: epoll itself, and the blocking waits of the system-call surface.

Source: zx_port_wait, zx_object_wait_one, zx_object_wait_many.
"""

from __future__ import annotations

import select
import time
from collections.abc import Generator, Sequence
from typing import Final, Generic, NoReturn, TypeVar, cast

from ipcrt.errors import BadState, Canceled, InvalidArgs, TimedOut
from ipcrt.objects.handle import Handle
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.signals import Signals, events_for, observe
from ipcrt.port.waiter import Waiter

T = TypeVar("T")

_HELD_BACK_S: Final = 0.01
"""How often to look again while a hang-up hides behind messages nobody reads here."""


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
    """A port for one plain thread."""

    def clock(self) -> float:
        return time.monotonic()

    def create_waiter(self) -> Waiter[T]:
        return BlockingWaiter[T]()

    def wait(self, timeout: float | None = None) -> Packet:
        """Sleep until a packet is there, and take it. `timeout` in seconds, None: for ever.

        Packets of keys that are bound go to their receivers meanwhile.
        Raises: TimedOut. BadState: closed, or another thread's.
        """
        self._check()
        until = _deadline(timeout)
        while (packet := self._take_packet()) is None:
            self._turn(until)
        return packet

    def run_until(self, waiter: Waiter[T], timeout: float | None = None) -> T:
        """Serve the port until `waiter` is done; answer its result or raise its error.

        Raises: TimedOut: `timeout` seconds passed first; the waiter is then abandoned.
        """
        self._check()
        mine = cast("BlockingWaiter[T]", waiter)
        until = _deadline(timeout)
        try:
            while not mine.done():
                self._turn(until)
        except BaseException:
            mine.abandon()
            raise
        return mine.result()

    def _turn(self, until: float | None) -> None:
        """Serve one round of events, sleeping no longer than until the next deadline."""
        due = self.deadlines.due()
        now = self.clock()
        if due is not None and due <= now:
            self.deadlines.run()
            return
        if until is not None and until <= now:
            raise TimedOut("nothing happened before the deadline")
        nearest = min((t for t in (due, until) if t is not None), default=None)
        self.dispatch(-1 if nearest is None else nearest - now)

    def _deadline_moved(self, due: float) -> None:
        del due  # every turn asks for the earliest deadline anyway


def wait_one(handle: Handle, signals: Signals, timeout: float | None = None) -> Signals:
    """Block until one of `signals` is up on `handle`; answer all that are.

    `timeout` in seconds; zero looks once. Needs no port.
    Raises: TimedOut, BadHandle. Source: zx_object_wait_one.
    """
    return wait_many([(handle, signals)], timeout)[0]


def wait_many(
    items: Sequence[tuple[Handle, Signals]], timeout: float | None = None
) -> list[Signals]:
    """Block until one of the handles has one of its signals; answer what is up on each.

    Raises: TimedOut, BadHandle, InvalidArgs (no handles). Canceled: a handle was closed by
    another thread meanwhile. Source: zx_object_wait_many.
    """
    if not items:
        raise InvalidArgs("wait_many needs at least one handle")
    poll = select.poll()
    by_fd: dict[int, list[int]] = {}
    masks: dict[int, int] = {}
    for index, (handle, signals) in enumerate(items):
        fd = handle.fileno()
        by_fd.setdefault(fd, []).append(index)
        masks[fd] = masks.get(fd, 0) | events_for(signals)
        poll.register(fd, masks[fd])
    until = _deadline(timeout)
    while True:
        rest = None if until is None else max(0.0, until - time.monotonic())
        ready = poll.poll(None if rest is None else rest * 1000)
        found = _observed(items, by_fd, ready)
        if any(up & wanted for up, (_, wanted) in zip(found, items, strict=True)):
            return found
        if rest == 0.0:
            raise TimedOut(f"none of {len(items)} handles was signaled before the deadline")
        if ready:
            time.sleep(_HELD_BACK_S)


def _observed(
    items: Sequence[tuple[Handle, Signals]],
    by_fd: dict[int, list[int]],
    ready: list[tuple[int, int]],
) -> list[Signals]:
    found = [Signals.NONE] * len(items)
    for fd, events in ready:
        for index in by_fd[fd]:
            handle = items[index][0]
            if events & select.POLLNVAL or handle.closed:
                _canceled(handle)
            found[index] = observe(handle, events)
    return found


def _canceled(handle: Handle) -> NoReturn:
    raise Canceled(f"{handle!r} was closed while it was waited for")


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout
