"""SectionWriter: publishes the values of one section.

Versions count from one; value number v goes to slot v % SLOTS.

1. A value is written into its slot first, then its version into the section's word: a store of one
   aligned word, which CPython makes in one piece (`checksum`, rule 1). So a writer that stops in
   the middle, for whatever reason, leaves the newest whole value as it was. The stores of a copy
   may pass each other, even on x86-64; the single one behind them passes none.
2. While the word says v, the writer touches no slot but that of v + 1.
3. Where stores may be seen out of order, a fence stands before and after the value.
Source: H.-J. Boehm, "Can seqlocks get along with programming language memory models?" (2012);
Intel SDM 3A, 9.2.4, "Fast-String Operation and Out-of-Order Stores".
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final, Generic, TypeVar

from ipcrt.errors import BadHandle, BadState, InvalidArgs
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.fork import generation
from ipcrt.shm.checksum import checksum
from ipcrt.shm.doorbells import Doorbells
from ipcrt.shm.fence import fence
from ipcrt.shm.layout import SLOTS, WORD_BYTES, Place, Section

T = TypeVar("T")

_NEWEST: Final = SLOTS - 1
"""Of the slots' numbers; SLOTS is a power of two."""


class SectionWriter(Generic[T]):
    """The writing end of one section. Any thread may publish; a signal handler may not."""

    __slots__ = (
        "_at",
        "_bells",
        "_checked",
        "_closed",
        "_generation",
        "_lock",
        "_shape",
        "_slots",
        "_sums",
        "_version",
        "_wake",
        "_words",
        "section",
    )

    def __init__(
        self,
        section: Section[T],
        place: Place,
        octets: memoryview,
        *,
        checked: bool,
        wake: Callable[[], Any] | None,
    ) -> None:
        """Write the section at `place` of `octets`; `wake` wakes those who wait for it."""
        self.section = section
        self._shape = section.shape
        self._words: memoryview[int] = octets.cast("Q")
        self._at = place.word
        begins = [place.slot(number) for number in range(SLOTS)]
        self._slots = [octets[begin : begin + place.size] for begin in begins]
        self._sums = [begin // WORD_BYTES - 1 for begin in begins]
        self._checked = checked
        self._wake = wake
        self._bells = Doorbells()
        self._version = 0
        self._closed = False
        self._lock = threading.Lock()
        self._generation = generation()

    def publish(self, value: T) -> int:
        """Make `value` the section's newest, for everybody at once; answer its version.

        Raises: InvalidArgs, OutOfRange: it does not fit the shape; the newest stays as it was.
        BadHandle: the state is closed. BadState: in a forked child, which is no writer.
        """
        self._check_process()
        with self._lock:
            version = self._begin()
            self._shape.pack_into(self._slots[version & _NEWEST], value)
            self._commit(version)
        if self._wake is not None:
            self._wake()
        return version

    def publish_bytes(self, data: bytes | memoryview) -> int:
        """As `publish`, with a value that is packed already.

        Raises: InvalidArgs: not the shape's size; else as `publish`.
        """
        self._check_process()
        octets = memoryview(data).cast("B")
        if len(octets) != self._shape.size:
            raise InvalidArgs(f"{len(octets)} bytes are not the {self._shape.size} of a value")
        with self._lock:
            version = self._begin()
            self._slots[version & _NEWEST][:] = octets
            self._commit(version)
        if self._wake is not None:
            self._wake()
        return version

    def doorbell(self) -> EventPair:
        """Answer an event pair that is signaled at each value, for one reader; the caller owns it.

        Raises: BadHandle, BadState: as `publish`. NoResources: 256 readers have one.
        """
        self._check_process()
        with self._lock:
            if self._closed:
                raise BadHandle("the shared state is closed")
            return self._bells.add()

    @property
    def version(self) -> int:
        """How many values were published."""
        return self._version

    def _check_process(self) -> None:
        if self._generation != generation():  # and whoever holds the lock may not exist here
            raise BadState("a forked child cannot publish its parent's state")

    def _begin(self) -> int:
        """Answer the version that comes next; its slot may be written from now on."""
        if self._closed:
            raise BadHandle("the shared state is closed")
        if self._checked:
            fence()  # the last version is seen before anything of this value is
        return self._version + 1

    def _commit(self, version: int) -> None:
        number = version & _NEWEST
        if self._checked:
            self._words[self._sums[number]] = checksum(self._slots[number], version)
            fence()
        self._words[self._at] = version
        self._version = version
        if self._bells:
            self._bells.ring()

    def release(self) -> None:
        """Let the memory go; publishing fails from here on."""
        is_child = self._generation != generation()
        with nullcontext() if is_child else self._lock:
            self._closed = True
            self._bells.close()
            self._words.release()
            for slot in self._slots:
                slot.release()
