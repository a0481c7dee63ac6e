"""Arrays and histograms: several numbers under one name."""

from __future__ import annotations

import bisect
from typing import ClassVar

from ipcrt.errors import OutOfRange
from ipcrt.inspect.format import MAX_BUCKETS, Kind
from ipcrt.inspect.properties import UINT64, Place, Slots
from ipcrt.inspect.tree import bucket_bounds


class IntArray(Slots):
    """Signed numbers, zero at first."""

    __slots__ = ()

    KIND: ClassVar[Kind] = Kind.INT_ARRAY

    def __init__(self, place: Place, slots: int) -> None:
        """Raises: OutOfRange: no slots."""
        if slots < 1:
            raise OutOfRange(f"an array of {slots} slots is none")
        super().__init__(place, self.KIND, slots, count=slots)

    def set(self, slot: int, value: int) -> None:
        """Show `value` in a slot. Raises: OutOfRange."""
        self._set(value, self._checked(slot))

    def add(self, slot: int, delta: int = 1) -> None:
        """Show `delta` more in a slot. Raises: OutOfRange."""
        self._add(delta, self._checked(slot))

    def _checked(self, slot: int) -> int:
        if not 0 <= slot < self.slots:
            raise OutOfRange(f"slot {slot} of an array of {self.slots}")
        return slot


class UintArray(IntArray):
    """Unsigned numbers, zero at first."""

    __slots__ = ()

    KIND = Kind.UINT_ARRAY
    CODE = "Q"
    LIMITS = UINT64


class DoubleArray(IntArray):
    """Floating-point numbers, zero at first."""

    __slots__ = ()

    KIND = Kind.DOUBLE_ARRAY
    CODE = "d"

    def set(self, slot: int, value: float) -> None:
        """Show `value` in a slot. Raises: OutOfRange."""
        self._set(value, self._checked(slot))

    def add(self, slot: int, delta: float = 1) -> None:
        """Show `delta` more in a slot. Raises: OutOfRange."""
        self._add(delta, self._checked(slot))


class Histogram(Slots):
    """Counts of values by where they fall; see `tree.Histogram` for the buckets.

    Linear without a factor, else exponential.
    """

    __slots__ = ("_bounds", "_first")

    CODE = "Q"
    LIMITS = UINT64

    def __init__(
        self,
        place: Place,
        *,
        floor: int,
        step: int,
        buckets: int,
        factor: int | None = None,
    ) -> None:
        """`buckets` do not count the two for what is too low and too high.

        Raises: OutOfRange: more than 126 buckets, or fewer than 1; a step under 1, a factor
        under 2; or a floor beyond 64 bits.
        """
        if not 1 <= buckets <= MAX_BUCKETS - 2:
            raise OutOfRange(f"{buckets} buckets are not from 1 to {MAX_BUCKETS - 2}")
        if step < 1 or (factor is not None and factor < 2):
            raise OutOfRange(f"buckets do not ascend by {step} and {factor}")
        parameters = [floor, step] if factor is None else [floor, step, factor]
        if any(abs(each) >> 63 for each in parameters):
            raise OutOfRange(f"{parameters} exceed 64 bits")
        self._bounds = bucket_bounds(floor, step, factor, buckets + 1)
        self._first = len(parameters)
        kind = Kind.LINEAR_HISTOGRAM if factor is None else Kind.EXPONENTIAL_HISTOGRAM
        slots = self._first + buckets + 2
        super().__init__(place, kind, slots, count=slots)
        with place.store:
            for slot, parameter in enumerate(parameters):
                self._set(parameter % (1 << 64), slot)

    def add(self, value: float, times: int = 1) -> None:
        """Count a value in the bucket that it falls into."""
        self._add(times, self._first + bisect.bisect_right(self._bounds, value))
