"""Ring producer: the end of a ring that records go in at.

`try_` raises ShouldWait where there is no room; the others wait, at most `timeout` seconds.

1. Nothing is seen by the consumer before it is published, once for each call: what fails halfway
   has not happened.
2. While there is room, nothing asks the kernel whether the consumer lives. A push that finds no
   room, or a sleeper gone, tells.
3. A batch, or many records, that found the ring full wait until half of it is free: else both ends
   would wake each other for every record. One record waits for its own room alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

from ipcrt.errors import BadState, InvalidArgs, OutOfRange, PeerClosed, ShouldWait
from ipcrt.shm.ring_end import RingEnd
from ipcrt.shm.ring_layout import HEADER_BYTES, LENGTH_AND_PADDING, WORD_BYTES, WRAP
from ipcrt.shm.ring_octets import octets_of

if TYPE_CHECKING:
    from ipcrt.shm.ring_octets import Octets

_H: Final = HEADER_BYTES
_ROUND: Final = LENGTH_AND_PADDING


class RingProducer(RingEnd):
    """Where records go in.

    Everything that pushes raises PeerClosed: the consumer is gone. RemoteProtocolError: it broke
    the ring, which is closed. BadHandle: closed. BadState: a record is reserved, or this is a
    forked child. OutOfRange: a record over `shape.max_record_bytes`. InvalidArgs: not
    `shape.record_bytes` long, or not contiguous.
    """

    __slots__ = ()

    _IS_PRODUCER = True

    # ---- one record

    def try_push(self, record: Octets) -> None:
        """Copy one record in. Raises: ShouldWait: full."""
        self._check()
        data = record if type(record) is bytes else octets_of(record)
        size = len(data)
        place = self._place(size, self._own)
        if place is None:
            self._full()
        start, end = place
        self.mapping[start : start + size] = data
        self._tell(end)

    def push(self, record: Octets, timeout: float | None = None) -> None:
        """Copy one record in, when there is room. Raises: TimedOut."""
        try:
            self.try_push(record)
        except ShouldWait:
            self._patiently(partial(self.try_push, record), timeout)

    # ---- several

    def try_push_many(self, records: Sequence[Octets]) -> int:
        """Copy records in, as many as there is room for; answer how many, at least one.

        Where one of them is refused, none is pushed. Raises: ShouldWait: full.
        """
        self._check()
        index, count = self._own, 0
        mapping = self.mapping
        for record in records:
            data = record if type(record) is bytes else octets_of(record)
            size = len(data)
            place = self._place(size, index)
            if place is None:
                break
            start, index = place
            mapping[start : start + size] = data
            count += 1
        if count:
            self._tell(index)
        elif records:
            self._full(many=True)
        return count

    def push_many(self, records: Sequence[Octets], timeout: float | None = None) -> None:
        """Copy all records in, as room comes. Raises: TimedOut: some of them may be in."""
        done = 0
        while done < len(records):
            rest = records[done:] if done else records
            try:
                done += self.try_push_many(rest)
            except ShouldWait:
                done += self._patiently(partial(self.try_push_many, rest), timeout)

    # ---- records of one size, in one piece

    def try_push_batch(self, batch: Octets) -> int:
        """Copy records in that follow each other in `batch`, as bytes or an array of them.

        Answers how many went in, at least one: as many as there is room for. Only for records of
        one size. Raises: ShouldWait: full. BadState: records of any size.
        """
        self._check()
        unit, capacity = self.batch_unit(), self._capacity
        data = batch if type(batch) is bytes else octets_of(batch)
        size = len(data)
        if size % unit:
            raise InvalidArgs(f"{size} bytes are no whole records of {unit}")
        index = self._own
        room = capacity - index + self._peer
        if size > room:
            room = capacity - index + self._look()
            if not room:
                self._wanted = index + unit - capacity
                self._full(many=True)
            size = min(size, room)
        at = index % capacity
        first = min(size, capacity - at)
        self.mapping[_H + at : _H + at + first] = data if first == len(data) else data[:first]
        if first < size:
            self.mapping[_H : _H + size - first] = data[first:size]
        if size:
            self._tell(index + size)
        return size // unit

    def push_batch(self, batch: Octets, timeout: float | None = None) -> None:
        """Copy all records of `batch` in, as room comes. Raises: TimedOut: some may be in."""
        unit = self.batch_unit()
        rest = octets_of(batch)
        while rest:
            try:
                done = self.try_push_batch(rest)
            except ShouldWait:
                done = self._patiently(partial(self.try_push_batch, rest), timeout)
            rest = rest[done * unit :]

    def batch_unit(self) -> int:
        """Answer the size of each record. Raises: BadState: each has its own."""
        unit = self._fixed
        if unit is None:
            raise BadState("batches are for rings whose records have one size")
        return unit

    # ---- without a copy

    def try_reserve(self, size: int | None = None) -> memoryview:
        """Lend room for one record of `size` bytes, to be filled; then `commit` or `abandon` it.

        None: the longest record there can be. Raises: ShouldWait: full.
        """
        self._check()
        wanted = self.shape.max_record_bytes if size is None else size
        place = self._place(wanted, self._own)
        if place is None:
            self._full()
        start, end = place
        return self._lend(start, wanted, end)

    def reserve(self, size: int | None = None, timeout: float | None = None) -> memoryview:
        """Lend room for one record, when there is some; see `try_reserve`. Raises: TimedOut."""
        try:
            return self.try_reserve(size)
        except ShouldWait:
            return self._patiently(partial(self.try_reserve, size), timeout)

    def commit(self, size: int | None = None) -> None:
        """Push what was reserved, or its first `size` bytes; the view is taken back.

        Raises: BadState: nothing is reserved. OutOfRange: more than was. InvalidArgs.
        """
        reserved = self._loan("reserved").nbytes
        end = self._lent_end
        if size is not None and size != reserved:
            end -= self._shorten(reserved, size)
        self._take_back()
        self._tell(end)

    def abandon(self) -> None:
        """Push nothing of what was reserved; harmless where nothing is."""
        self._take_back()

    def _shorten(self, reserved: int, size: int) -> int:
        """Make the reserved record shorter; answer by how much the index is less."""
        if not 0 <= size <= reserved:
            raise OutOfRange(f"{size} bytes exceed the {reserved} that were reserved")
        if self._fixed is not None:
            raise InvalidArgs(f"a record of {size} bytes is not of {reserved}")
        taken = (reserved + _ROUND) & -WORD_BYTES
        at = (self._lent_end - taken) % self._capacity
        self._words[(_H + at) // WORD_BYTES] = size
        return taken - ((size + _ROUND) & -WORD_BYTES)

    # ---- room

    def _place(self, size: int, index: int) -> tuple[int, int] | None:
        """Make room for a record at `index`: where it begins in the memory, and the index after it.

        None: there is no room, and `_wanted` tells for which tail to wait.
        """
        capacity, fixed = self._capacity, self._fixed
        at = index % capacity
        skipped = 0
        if fixed is None:
            if not 0 <= size <= self._longest:
                raise OutOfRange(f"a record of {size} bytes exceeds {self._longest}")
            end = index + ((size + _ROUND) & -WORD_BYTES)
            if end - index > capacity - at:
                skipped = capacity - at
                end += skipped
        elif size == fixed:
            end = index + size
        else:
            raise InvalidArgs(f"a record of {size} bytes is not of {fixed}")
        if end - self._peer > capacity and end - self._look() > capacity:
            self._wanted = end - capacity
            return None
        start = _H + at
        if fixed is not None:
            return start, end
        if skipped:
            self._words[start // WORD_BYTES] = WRAP
            start = _H
        self._words[start // WORD_BYTES] = size
        return start + WORD_BYTES, end

    def _full(self, *, many: bool = False) -> NoReturn:
        """Raise what a full ring means, now."""
        if not self._hear():
            raise PeerClosed("the consumer of the ring is gone")
        if many:  # rule 3
            self._wanted = max(self._wanted, self._own - self._capacity // 2)
        raise ShouldWait(f"the ring of {self._capacity} bytes is full")

    def _tell(self, index: int) -> None:
        """Publish; raises PeerClosed where that woke nobody, or earlier did (rule 2)."""
        if not self._gone:
            self._publish(index)
        if self._gone:
            raise PeerClosed("the consumer of the ring is gone")
