"""Ring end: what the producer and the consumer of a ring have in common.

1. Nothing in the memory is believed. Each end keeps its own index to itself and only ever writes
   it. The other's is read into a number of ours once, and checked: it grows, by whole records, and
   never past what is queued or free. Whoever breaks that has this ring closed, and nothing else.
2. The records are there before the index that tells of them (on x86-64 stores keep their order;
   elsewhere a fence stands between them), and they are read only after it.
3. An end that goes to sleep first says up to which index, then looks at the other's index once
   more. The other publishes its index first, then looks who sleeps. A fence stands between the two
   steps on both sides, so at least one of them sees what the other did: no wake-up is lost.
4. The bell is rung once for each sleep: an index that was slept for is reached once. A peer that
   rings for nothing has the ring closed before it can keep us busy.
5. A forked child shares the memory with its parent and must leave it alone.
Source: Lamport, single-producer queue; Intel SDM vol. 3, 9.2 (stores, and loads that pass them).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator
from typing import Final, NamedTuple, NoReturn, Self, TypeVar

from ipcrt.errors import BadHandle, BadState, RemoteProtocolError, ShouldWait, TimedOut
from ipcrt.objects.fifo import Fifo
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.vmo import Vmo
from ipcrt.port import busy_poll
from ipcrt.port.fork import generation
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt.shm.fence import fence
from ipcrt.shm.ring_bell import check_bell, hear_bell, ring_bell
from ipcrt.shm.ring_layout import CONSUMER_SLEEPS, HEAD, PRODUCER_SLEEPS, TAIL, check_indices
from ipcrt.shm.ring_memory import RingMemory

T = TypeVar("T")

DEFAULT_MAX_BYTES: Final = 1 << 28
"""The most memory that a ring from a peer may take, unless told otherwise."""
MAX_FRUITLESS: Final = 16
"""How often the bell may ring for nothing in one wait; an honest peer is late by one."""
NEWS: Final = Signals.READABLE | Signals.PEER_CLOSED

_CLOSED: Final = -1
_STORES_KEEP_ORDER: Final = os.uname().machine == "x86_64"


class RingHandles(NamedTuple):
    """What an end of a ring is made of, in the order in which `attach` takes it."""

    vmo: Vmo
    bell: Fifo


class RingEnd:
    """One end of a ring; owns its handles. Used by one thread or task at a time.

    All timeouts are in seconds; None: for ever; zero: look once.
    """

    __slots__ = (
        "_ahead",
        "_backoff",
        "_bell",
        "_capacity",
        "_fixed",
        "_gone",
        "_lent",
        "_lent_end",
        "_longest",
        "_memory",
        "_octets",
        "_own",
        "_own_word",
        "_peer",
        "_peer_sleeps",
        "_peer_word",
        "_process",
        "_rings",
        "_rung",
        "_sleeps",
        "_sleeps_word",
        "_spin_s",
        "_unit",
        "_vmo",
        "_wanted",
        "_words",
        "mapping",
        "shape",
    )

    _IS_PRODUCER: bool

    def __init__(self, vmo: Vmo, bell: Fifo, memory: RingMemory, spin_us: int) -> None:
        """Take all three; used by `attach`. Raises: RemoteProtocolError; then nothing was taken."""
        self._spin_s = spin_us / 1e6
        self._backoff = busy_poll.Backoff()
        self._vmo, self._bell, self._memory = vmo, bell, memory
        self.shape = memory.shape
        self._capacity, self._fixed = self.shape.capacity_bytes, self.shape.record_bytes
        self._longest = self.shape.max_record_bytes
        self.mapping, self._octets, self._words = memory.mapping, memory.octets, memory.words
        self._process = generation()
        if self._IS_PRODUCER:
            self._own_word, self._peer_word = HEAD, TAIL
            self._sleeps_word, self._peer_sleeps = PRODUCER_SLEEPS, CONSUMER_SLEEPS
        else:
            self._own_word, self._peer_word = TAIL, HEAD
            self._sleeps_word, self._peer_sleeps = CONSUMER_SLEEPS, PRODUCER_SLEEPS
        self._ahead = 0 if self._IS_PRODUCER else self._capacity
        self._unit = self.shape.unit_bytes
        self._own: int = self._words[self._own_word]
        self._peer: int = self._words[self._peer_word]
        ends = (self._own, self._peer) if self._IS_PRODUCER else (self._peer, self._own)
        check_indices(*ends, self.shape)
        self._lent: memoryview | None = None
        self._lent_end = 0
        self._wanted = 0
        self._gone = False
        self._rung = self._rings = self._sleeps = 0

    @classmethod
    def attach(
        cls,
        vmo: Handle,
        bell: Handle,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        busy_poll_us: int | None = None,
    ) -> Self:
        """Make an end of what another process sent; it goes on where the end was when it was taken.

        Both handles are moved here, and closed where it fails. The sender says which end it is; a
        wrong word costs nothing but this ring. `busy_poll_us`: how long a thread looks before it
        sleeps here; None: as IPCRT_BUSY_POLL_US says, else not at all (`ipcrt.port.busy_poll`).
        Raises: WrongType, AccessDenied: other handles than expected. RemoteProtocolError: they are
        no ring. OutOfRange: it takes more than `max_bytes`. InvalidArgs: no time to poll.
        NotSupported: huge pages. NoResources.
        """
        with contextlib.ExitStack() as undo:
            undo.callback(close_all, (vmo, bell))
            spin_us = busy_poll.busy_poll_us(busy_poll_us)
            own_vmo = undo.enter_context(Vmo.from_handle(vmo))
            own_bell = undo.enter_context(Fifo.from_handle(bell))
            check_bell(own_bell)
            memory = RingMemory(own_vmo, max_bytes)
            undo.callback(memory.close)
            end = cls(own_vmo, own_bell, memory, spin_us)
            undo.pop_all()
        return end

    # ---- indices

    def _look(self) -> int:
        """Answer the other's index as it is now (rule 1). Raises: RemoteProtocolError."""
        index: int = self._words[self._peer_word]
        if index != self._peer:
            if not self._peer < index <= self._own + self._ahead or index % self._unit:
                self._violated(f"index {index} after {self._peer}, own {self._own}")
            self._peer = index
            if not _STORES_KEEP_ORDER:
                fence()
        return index

    def _publish(self, index: int) -> None:
        """Tell the own index, and wake the other end if it sleeps for it (rules 2 to 4)."""
        if not _STORES_KEEP_ORDER:
            fence()
        self._own = self._words[self._own_word] = index
        fence()
        wanted: int = self._words[self._peer_sleeps]
        if wanted and self._rung != wanted <= index:
            self._rings += 1
            if not ring_bell(self._bell):
                self._gone = True
            self._rung = wanted

    def _violated(self, what: str) -> NoReturn:
        self.close()
        raise RemoteProtocolError(f"the peer broke the ring, which is closed: {what}")

    def _check(self) -> None:
        """Refuse what cannot work now. Raises: BadHandle, BadState."""
        if self._lent is not None or self._process != generation():
            self._refuse()

    def _refuse(self) -> NoReturn:
        if self._process == _CLOSED:
            raise BadHandle("the ring is closed or was moved")
        if self._process != generation():
            raise BadState("this end was made before fork(); attach to its handles in the child")
        raise BadState("a record of the ring is lent; give it back first")

    def _hear(self) -> bool:
        """Take what was rung; False: the other end is gone. Raises: RemoteProtocolError."""
        if not self._gone:
            try:
                self._gone = not hear_bell(self._bell)
            except RemoteProtocolError as error:
                self._violated(str(error))
        return not self._gone

    # ---- waiting

    @property
    def bell(self) -> Fifo:
        """What to wait for inside `naps`; still owned here."""
        return self._bell

    def naps(self) -> Generator[None, None, None]:
        """Step each time that the bell should be waited for; over once a try may succeed.

        For whoever waits in a way of its own, after ShouldWait: close it in any case.
        Raises: RemoteProtocolError: the ring is closed.
        """
        self._sleeps += 1
        for _ in range(MAX_FRUITLESS):
            self._check()
            self._words[self._sleeps_word] = self._wanted
            try:
                fence()
                if self._gone or self._look() >= self._wanted:
                    return
                yield
            finally:
                if self._process == generation():
                    self._words[self._sleeps_word] = 0
            self._check()
            if not self._hear() or self._look() >= self._wanted:
                return
        self._violated(f"it rang {MAX_FRUITLESS} times for nothing")

    def _patiently(self, attempt: Callable[[], T], timeout: float | None) -> T:
        """Try until it works; `attempt` has just raised ShouldWait. Raises: TimedOut."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._spin_s and self._spin(until):
                with contextlib.suppress(ShouldWait):
                    return attempt()
            with contextlib.closing(self.naps()) as naps:
                for _ in naps:
                    left = None if until is None else max(0.0, until - time.monotonic())
                    try:
                        wait_one(self._bell, NEWS, left)
                    except TimedOut:
                        raise TimedOut(f"no change in a ring within {timeout} seconds") from None
            with contextlib.suppress(ShouldWait):
                return attempt()

    def _spin(self, until: float | None) -> bool:
        """Look for a while, unless that has failed too often; True when a try may succeed."""
        if not self._backoff.ready():
            return False
        end = time.monotonic() + self._spin_s
        if until is not None:
            end = min(end, until)
        while not (found := self._look() >= self._wanted) and time.monotonic() < end:
            pass
        self._backoff.learn(found)
        return found

    def peer_gone(self) -> bool:
        """True once the other end is closed or its process dead; what it pushed can be popped."""
        self._check()
        return not self._hear()

    # ---- what is lent

    def _lend(self, start: int, size: int, end: int) -> memoryview:
        self._lent, self._lent_end = self._octets[start : start + size], end
        return self._lent

    def _loan(self, name: str) -> memoryview:
        """Answer what is lent. Raises: BadState: nothing is `name`; a forked child. BadHandle."""
        if self._process != generation():
            self._refuse()
        if self._lent is None:
            raise BadState(f"nothing is {name}")
        return self._lent

    def _take_back(self) -> None:
        """End a loan; an array that was made of it stays readable, and shows what comes next."""
        lent, self._lent = self._lent, None
        if lent is not None:
            with contextlib.suppress(BufferError):
                lent.release()

    # ---- life

    @property
    def queued_bytes(self) -> int:
        """How much of the capacity is in use; changes at once if the other end is busy.

        Raises: BadHandle, BadState, RemoteProtocolError.
        """
        if self._process != generation():
            self._refuse()
        return abs(self._look() - self._own)

    def statistics(self) -> dict[str, int]:
        """Count bytes that passed here, sleeps, and how often the other end was woken."""
        return {"index": self._own, "sleeps": self._sleeps, "rings": self._rings}

    @property
    def closed(self) -> bool:
        """True once the end owns nothing."""
        return self._process == _CLOSED

    def take(self) -> RingHandles:
        """Give the handles away, to be sent and attached to; this end is closed then.

        Raises: BadHandle; BadState: a record is lent.
        """
        self._check()
        self._let_go()
        return RingHandles(self._vmo, self._bell)

    def close(self) -> None:
        """Give everything back; the other end is told. Idempotent.

        What is lent is taken back; the memory stays while somebody has an array made of it.
        """
        if self._process != _CLOSED:
            self._let_go()
            self._vmo.close()
            self._bell.close()

    def _let_go(self) -> None:
        """Leave the memory, awake."""
        if self._process == generation():
            self._words[self._sleeps_word] = 0
        self._process = _CLOSED
        self._take_back()
        self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
