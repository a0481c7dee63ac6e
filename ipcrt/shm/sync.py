"""Sync handles: what tells another process that drawing, or showing, is done.

    sync = BinarySync.create()                 one bit, an eventfd: signaled once, consumed once
    send = sync.share()                        an Event
    sync = BinarySync.from_handle(handle)
    sync.signal()
    sync.consume()                             False: not signaled
    sync.wait(timeout, alive)
    await sync.wait_on(port, timeout, alive)

    line = TimelineSync.create()               a number that only grows, and only here
    send = line.share()                        (Vmo, EventPair), for one `TimelineWaiter` each
    line.signal(7)
    line.value

1. All timeouts are in seconds; None: for ever; zero: look once.
2. Whoever holds an eventfd may signal and consume it, and its death is not told: so `wait` takes a
   handle that tells it (`alive`: the peer's channel, event pair or process).
3. Only a timeline's maker can write its value (`sync_page.py`), and its death rings every doorbell.
4. The value is written before the bells are rung: see `sync_waiter.py`.
Source: binary and timeline semaphores of Vulkan; xrt_compositor_semaphore of Monado; eventfd(2).
"""

from __future__ import annotations

from typing import Final, Self

from ipcrt.errors import (
    InvalidArgs,
    NoResources,
    OutOfRange,
    PeerClosed,
    TimedOut,
    from_oserror,
)
from ipcrt.objects._fd import read_nowait
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType
from ipcrt.objects.rights import BASIC, PROPERTY, Rights
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_many
from ipcrt.shm.sync_page import MAX_VALUE, TimelinePage, create_page
from ipcrt.shm.sync_steps import Items, Steps, await_steps, run_steps

MAX_WAITERS: Final = 64
"""Doorbells of one timeline; each costs a descriptor and a system call for each signal."""

_COUNTER_BYTES: Final = 8
_READ_ONLY: Final = BASIC | Rights.READ | Rights.MAP | PROPERTY & ~Rights.SET_PROPERTY


class BinarySync:
    """One bit: `signal` sets it, and one of those who wait consumes it."""

    __slots__ = ("_event",)

    def __init__(self, event: Event) -> None:
        """Own `event`."""
        self._event = event

    @classmethod
    def create(cls) -> Self:
        """Make one that is not signaled. Raises: NoResources."""
        return cls(Event.create())

    @classmethod
    def from_handle(cls, handle: Handle) -> Self:
        """Move a handle that came from a peer here; on error it stays the caller's.

        Raises: WrongType: no eventfd. BadHandle.
        """
        return cls(Event.from_handle(handle))

    def share(self) -> Event:
        """Answer a duplicate to send; the caller owns it. Raises: NoResources, BadHandle."""
        return self._event.duplicate()

    def signal(self) -> None:
        """Set it; nothing changes where it is set and not consumed yet. Raises: BadHandle."""
        self._event.signal()

    def consume(self) -> bool:
        """Unset it without waiting; False where it was not set. Raises: BadHandle."""
        try:
            read_nowait(self._event.fileno(), _COUNTER_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            raise from_oserror(error, "consume a sync handle") from error
        return True

    def wait(self, timeout: float | None = None, alive: Handle | None = None) -> None:
        """Block until it is signaled, and consume that.

        Raises: TimedOut. PeerClosed: `alive` says that the signaller is gone, and left no signal.
        """
        run_steps(self._waiting(alive), timeout, "a signal")

    async def wait_on(
        self, port: AsyncPort, timeout: float | None = None, alive: Handle | None = None
    ) -> None:
        """As `wait`, without stopping others. Raises: Canceled, too: closed meanwhile."""
        await await_steps(port, self._waiting(alive), timeout, "a signal")

    def _waiting(self, alive: Handle | None) -> Steps:
        items: Items = [(self._event, Signals.SIGNALED)]
        if alive is not None:
            items.append((alive, _death_of(alive)))
        while not self.consume():
            found = yield items
            if alive is None or not found[1] & items[1][1]:
                continue
            if self.consume():
                return
            raise PeerClosed("the signaller is gone, and has not signaled")

    def close(self) -> None:
        """Close the descriptor; a second close does nothing."""
        self._event.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class TimelineSync:
    """A number that only grows; this is its signaller's end, the only one that can write it."""

    __slots__ = ("_bells", "_page", "_value", "_vmo")

    def __init__(self, vmo: Vmo, page: TimelinePage, value: int) -> None:
        """Own what `create_page` made."""
        self._vmo = vmo
        self._page = page
        self._value = value
        self._bells: list[EventPair] = []

    @classmethod
    def create(cls, initial: int = 0) -> Self:
        """Make a timeline that stands at `initial`. Raises: OutOfRange: no u64. NoResources."""
        _check_value(initial)
        return cls(*create_page(initial), initial)

    @property
    def value(self) -> int:
        """What was signaled last."""
        return self._value

    def share(self) -> tuple[Vmo, EventPair]:
        """Answer what one more waiter needs, to send; the caller owns both.

        Raises: NoResources: 64 waiters, or no descriptors. BadHandle: closed.
        """
        self._bells = [bell for bell in self._bells if _is_heard(bell)]
        if len(self._bells) >= MAX_WAITERS:
            raise NoResources(f"{len(self._bells)} waiters are the limit of a timeline")
        page = self._vmo.duplicate(_READ_ONLY)
        try:
            ours, theirs = EventPair.create()
        except BaseException:
            page.close()
            raise
        self._bells.append(ours)
        return page, theirs

    def signal(self, value: int) -> None:
        """Let the timeline go on to `value`, and wake all who wait.

        Raises: InvalidArgs: not above what it is. OutOfRange: no u64. BadHandle: closed.
        """
        _check_value(value)
        self._vmo.fileno()
        if value <= self._value:
            raise InvalidArgs(f"a timeline goes on, not from {self._value} to {value}")
        self._page.value = self._value = value
        self._bells = [bell for bell in self._bells if _ring(bell)]

    @property
    def waiters(self) -> int:
        """How many were there at the last signal or share."""
        return len(self._bells)

    def close(self) -> None:
        """Stop for good: whoever waits for more is told PeerClosed. A second close: nothing."""
        bells, self._bells = self._bells, []
        for bell in bells:
            bell.close()
        self._vmo.close()
        self._page.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _death_of(handle: Handle) -> Signals:
    return Signals.TERMINATED if handle.TYPE is ObjType.PROCESS else Signals.PEER_GONE


def _check_value(value: int) -> None:
    if not 0 <= value <= MAX_VALUE:
        raise OutOfRange(f"value {value} is not from 0 to {MAX_VALUE}")


def _ring(bell: EventPair) -> bool:
    """Wake one waiter; False, and closed, where it is gone."""
    try:
        bell.signal_peer()
    except PeerClosed:
        bell.close()
        return False
    return True


def _is_heard(bell: EventPair) -> bool:
    """False, and closed, where its waiter is gone."""
    try:
        wait_many([(bell, Signals.PEER_GONE)], 0)
    except TimedOut:
        return True
    bell.close()
    return False
