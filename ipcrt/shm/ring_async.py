"""The ends of a ring on the port of an event loop: what waits is awaited.

1. Nothing is lost to a cancelled task: waking tells that a try may succeed, and the task itself
   tries, without an await between.
2. A task that never has to wait lets others run now and then.
Whatever does not wait is done on the end itself: `ring.end.try_pop()`, `ring.end.commit()`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from ipcrt.errors import ShouldWait
from ipcrt.port.aport import AsyncPort
from ipcrt.shm.ring_consumer import DEFAULT_MAX_RECORDS, RingConsumer
from ipcrt.shm.ring_end import NEWS, RingEnd
from ipcrt.shm.ring_octets import octets_of
from ipcrt.shm.ring_producer import RingProducer

if TYPE_CHECKING:
    from ipcrt.shm.ring_octets import Octets

T = TypeVar("T")
EndT = TypeVar("EndT", bound=RingEnd)

_FAIR_SHARE: Final = 64
"""Operations that a task may do in a row before others get a turn."""


class _AsyncEnd(Generic[EndT]):
    """One end of a ring on a port; owns the end. One task at a time uses it.

    All timeouts are in seconds; None: for ever. Whatever waits raises TimedOut, and Canceled: the
    ring or the port was closed meanwhile; else what its twin in `end` raises.
    """

    def __init__(self, end: EndT, port: AsyncPort) -> None:
        """Take `end` over."""
        self.end: Final[EndT] = end
        self._port = port
        self._streak = 0
        self._share = 0 if port.strict else _FAIR_SHARE

    async def _patiently(self, attempt: Callable[[], T], timeout: float | None) -> T:
        until = self._port.until(timeout)
        self._streak += 1
        if self._streak > self._share:
            self._streak = 0
            await self._port.checkpoint()
        while True:
            with contextlib.suppress(ShouldWait):
                return attempt()
            self._streak = 0
            with contextlib.closing(self.end.naps()) as naps:
                for _ in naps:
                    await self._port.wait_one(self.end.bell, NEWS, self._port.left(until))

    def close(self) -> None:
        """Close the end; who waits here is told Canceled. Idempotent."""
        self.end.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class AsyncRingProducer(_AsyncEnd[RingProducer]):
    """Where records go in; see `RingProducer`."""

    async def push(self, record: Octets, timeout: float | None = None) -> None:
        """Copy one record in, when there is room."""
        await self._patiently(partial(self.end.try_push, record), timeout)

    async def push_many(self, records: Sequence[Octets], timeout: float | None = None) -> None:
        """Copy all records in, as room comes; cancelled, some of them may be in."""
        until = self._port.until(timeout)
        while records:
            attempt = partial(self.end.try_push_many, records)
            records = records[await self._patiently(attempt, self._port.left(until)) :]

    async def push_batch(self, batch: Octets, timeout: float | None = None) -> None:
        """Copy all records of `batch` in, as room comes; cancelled, some of them may be in."""
        until = self._port.until(timeout)
        unit = self.end.batch_unit()
        rest = octets_of(batch)
        while rest:
            attempt = partial(self.end.try_push_batch, rest)
            rest = rest[unit * await self._patiently(attempt, self._port.left(until)) :]

    async def reserve(self, size: int | None = None, timeout: float | None = None) -> memoryview:
        """Lend room for one record, when there is some, until `end.commit` or `end.abandon`."""
        return await self._patiently(partial(self.end.try_reserve, size), timeout)


class AsyncRingConsumer(_AsyncEnd[RingConsumer]):
    """Where records come out; see `RingConsumer`."""

    async def pop(self, timeout: float | None = None) -> bytes:
        """Copy the oldest record out, when there is one."""
        return await self._patiently(self.end.try_pop, timeout)

    async def pop_into(self, buffer: Octets, timeout: float | None = None) -> int:
        """Copy the oldest record into `buffer`, when there is one; answer its bytes."""
        return await self._patiently(partial(self.end.try_pop_into, buffer), timeout)

    async def pop_many(
        self, max_records: int = DEFAULT_MAX_RECORDS, timeout: float | None = None
    ) -> list[bytes]:
        """Copy the oldest records out, when there are any."""
        return await self._patiently(partial(self.end.try_pop_many, max_records), timeout)

    async def pop_batch(
        self, max_records: int = DEFAULT_MAX_RECORDS, timeout: float | None = None
    ) -> bytes:
        """Copy the oldest records of one size out, when there are any, in one piece."""
        return await self._patiently(partial(self.end.try_pop_batch, max_records), timeout)

    async def pop_batch_into(self, buffer: Octets, timeout: float | None = None) -> int:
        """Copy records into `buffer`, when there are any; answer how many."""
        return await self._patiently(partial(self.end.try_pop_batch_into, buffer), timeout)

    async def peek(self, timeout: float | None = None) -> memoryview:
        """Lend the oldest record, when there is one, until `end.release`."""
        return await self._patiently(self.end.try_peek, timeout)

    async def peek_batch(
        self, max_records: int = DEFAULT_MAX_RECORDS, timeout: float | None = None
    ) -> memoryview:
        """Lend the oldest records, those in one piece, until `end.release`; when there are any."""
        return await self._patiently(partial(self.end.try_peek_batch, max_records), timeout)
