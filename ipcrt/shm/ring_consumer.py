"""Ring consumer: the end of a ring that records come out at.

`try_` raises ShouldWait where there is nothing; the others wait, at most `timeout` seconds.

1. A length is read once and checked before it is used: the record lies between the indices, inside
   the data, and is no longer than a record may be.
2. What is copied out is the caller's. What is lent still belongs to a producer that may break its
   word: it may change while it is looked at, so copy before you check.
3. PeerClosed is told when the records are popped, and after one more look: the producer may have
   pushed and left in between.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ipcrt.errors import BadState, BufferTooSmall, InvalidArgs, OutOfRange, PeerClosed, ShouldWait
from ipcrt.shm.ring_end import RingEnd
from ipcrt.shm.ring_layout import HEADER_BYTES, LENGTH_AND_PADDING, WORD_BYTES, WRAP
from ipcrt.shm.ring_octets import octets_of

if TYPE_CHECKING:
    from ipcrt.shm.ring_octets import Octets

_H: Final = HEADER_BYTES
DEFAULT_MAX_RECORDS: Final = 4096


class RingConsumer(RingEnd):
    """Where records come out.

    Everything that pops raises PeerClosed: empty, and the producer is gone. RemoteProtocolError: it
    broke the ring, which is closed. BadHandle: closed. BadState: a record is lent, or this is a
    forked child.
    """

    __slots__ = ()

    _IS_PRODUCER = False

    # ---- one record

    def try_pop(self) -> bytes:
        """Copy the oldest record out. Raises: ShouldWait: empty."""
        self._check()
        start, size, end = self._oldest()
        data = self.mapping[start : start + size]
        self._publish(end)
        return data

    def pop(self, timeout: float | None = None) -> bytes:
        """Copy the oldest record out, when there is one. Raises: TimedOut."""
        try:
            return self.try_pop()
        except ShouldWait:
            return self._patiently(self.try_pop, timeout)

    def try_pop_into(self, buffer: Octets) -> int:
        """Copy the oldest record into the beginning of `buffer`; answer its bytes.

        Raises: ShouldWait: empty. BufferTooSmall: then it stays. InvalidArgs: read-only.
        """
        self._check()
        room = _writable(buffer)
        start, size, end = self._oldest()
        if size > len(room):
            raise BufferTooSmall(f"a record of {size} bytes does not fit into {len(room)}")
        room[:size] = self._octets[start : start + size]
        self._publish(end)
        return size

    def pop_into(self, buffer: Octets, timeout: float | None = None) -> int:
        """As `try_pop_into`, when there is a record. Raises: TimedOut."""
        try:
            return self.try_pop_into(buffer)
        except ShouldWait:
            return self._patiently(partial(self.try_pop_into, buffer), timeout)

    # ---- several

    def try_pop_many(self, max_records: int = DEFAULT_MAX_RECORDS) -> list[bytes]:
        """Copy the oldest records out, at least one. Raises: ShouldWait: empty. OutOfRange."""
        self._check()
        _check_count(max_records)
        limit = self._newest()
        index = self._own
        mapping, read = self.mapping, self._read
        records: list[bytes] = []
        while index != limit and len(records) < max_records:
            start, size, index = read(index)
            records.append(mapping[start : start + size])
        self._publish(index)
        return records

    def pop_many(
        self, max_records: int = DEFAULT_MAX_RECORDS, timeout: float | None = None
    ) -> list[bytes]:
        """As `try_pop_many`, when there is a record. Raises: TimedOut."""
        try:
            return self.try_pop_many(max_records)
        except ShouldWait:
            return self._patiently(partial(self.try_pop_many, max_records), timeout)

    # ---- records of one size, in one piece

    def try_pop_batch(self, max_records: int = DEFAULT_MAX_RECORDS) -> bytes:
        """Copy the oldest records out, one behind the other; at least one.

        Only for records of one size. Raises: ShouldWait: empty. BadState: records of any size.
        """
        self._check()
        at, first, size = self._batch(max_records)
        data = self.mapping[at : at + first]
        if first < size:
            data += self.mapping[_H : _H + size - first]
        self._publish(self._own + size)
        return data

    def pop_batch(
        self, max_records: int = DEFAULT_MAX_RECORDS, timeout: float | None = None
    ) -> bytes:
        """As `try_pop_batch`, when there is a record. Raises: TimedOut."""
        try:
            return self.try_pop_batch(max_records)
        except ShouldWait:
            return self._patiently(partial(self.try_pop_batch, max_records), timeout)

    def try_pop_batch_into(self, buffer: Octets) -> int:
        """Copy as many records into `buffer` as are there and fit; answer how many, at least one.

        Raises: as `try_pop_batch`. BufferTooSmall: not even one fits. InvalidArgs: read-only.
        """
        self._check()
        room, unit = _writable(buffer), self.batch_unit()
        if len(room) < unit:
            raise BufferTooSmall(f"a record of {unit} bytes does not fit into {len(room)}")
        at, first, size = self._batch(len(room) // unit)
        room[:first] = self._octets[at : at + first]
        if first < size:
            room[first:size] = self._octets[_H : _H + size - first]
        self._publish(self._own + size)
        return size // unit

    def pop_batch_into(self, buffer: Octets, timeout: float | None = None) -> int:
        """As `try_pop_batch_into`, when there is a record. Raises: TimedOut."""
        try:
            return self.try_pop_batch_into(buffer)
        except ShouldWait:
            return self._patiently(partial(self.try_pop_batch_into, buffer), timeout)

    def batch_unit(self) -> int:
        """Answer the size of each record. Raises: BadState: each has its own."""
        unit = self._fixed
        if unit is None:
            raise BadState("batches are for rings whose records have one size")
        return unit

    # ---- without a copy

    def try_peek(self) -> memoryview:
        """Lend the oldest record until `release`, read-only (rule 2). Raises: ShouldWait."""
        self._check()
        return self._lend_read_only(*self._oldest())

    def peek(self, timeout: float | None = None) -> memoryview:
        """As `try_peek`, when there is a record. Raises: TimedOut."""
        try:
            return self.try_peek()
        except ShouldWait:
            return self._patiently(self.try_peek, timeout)

    def try_peek_batch(self, max_records: int = DEFAULT_MAX_RECORDS) -> memoryview:
        """Lend the oldest records, as many as lie one behind the other, until `release`.

        Raises: as `try_pop_batch`.
        """
        self._check()
        at, first, _ = self._batch(max_records)
        return self._lend_read_only(at, first, self._own + first)

    def peek_batch(
        self, max_records: int = DEFAULT_MAX_RECORDS, timeout: float | None = None
    ) -> memoryview:
        """As `try_peek_batch`, when there is a record. Raises: TimedOut."""
        try:
            return self.try_peek_batch(max_records)
        except ShouldWait:
            return self._patiently(partial(self.try_peek_batch, max_records), timeout)

    def release(self) -> None:
        """Pop what was lent; the view is taken back. Raises: BadState: nothing is lent."""
        self._loan("lent")
        end = self._lent_end
        self._take_back()
        self._publish(end)

    def _lend_read_only(self, start: int, size: int, end: int) -> memoryview:
        with self._lend(start, size, end) as writable:
            lent = self._lent = writable.toreadonly()
        return lent

    # ---- what is there

    def _newest(self) -> int:
        """Answer the head, which is past the tail. Raises: ShouldWait, PeerClosed."""
        head = self._look()
        if head == self._own:
            if self._hear():
                self._wanted = self._own + 1
                raise ShouldWait("the ring is empty")
            head = self._look()  # rule 3
            if head == self._own:
                raise PeerClosed("the ring is empty, and its producer gone")
        return head

    def _oldest(self) -> tuple[int, int, int]:
        """Find the oldest record; see `_read`. Raises: ShouldWait, PeerClosed."""
        if self._peer == self._own:
            self._newest()
        return self._read(self._own)

    def _read(self, index: int) -> tuple[int, int, int]:
        """Answer where the record at `index` begins in the memory, its size, the index after it.

        Something is queued there. Raises: RemoteProtocolError (rule 1).
        """
        capacity, fixed = self._capacity, self._fixed
        at = index % capacity
        if fixed is not None:
            return _H + at, fixed, index + fixed
        words = self._words
        size: int = words[(_H + at) // WORD_BYTES]
        if size == WRAP:
            index += capacity - at
            if index >= self._peer:
                self._violated(f"nothing is behind the wrap at index {index}")
            at = 0
            size = words[_H // WORD_BYTES]
        end = index + ((size + LENGTH_AND_PADDING) & -WORD_BYTES)
        if size > self._longest or end > self._peer or end - index > capacity - at:
            self._violated(f"a record of {size} bytes at index {index}, head {self._peer}")
        return _H + at + WORD_BYTES, size, end

    def _batch(self, max_records: int) -> tuple[int, int, int]:
        """Answer where the records begin, their bytes up to the data's end, and all their bytes."""
        unit, capacity = self.batch_unit(), self._capacity
        _check_count(max_records)
        size = min(self._newest() - self._own, max_records * unit)
        at = self._own % capacity
        return _H + at, min(size, capacity - at), size


def _check_count(max_records: int) -> None:
    if max_records < 1:
        raise OutOfRange(f"cannot pop {max_records} records")


def _writable(buffer: Octets) -> memoryview:
    octets = octets_of(buffer)
    if octets.readonly:
        raise InvalidArgs(f"{type(buffer).__name__} is read-only")
    return octets
