from __future__ import annotations

from collections.abc import Iterator

import pytest

from ipcrt.errors import OutOfRange
from ipcrt.inspect.inspector import Inspector
from ipcrt.inspect.snapshot import Snapshot
from ipcrt.inspect.tree import Histogram, Node, Value


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    with Inspector(max_bytes=4096) as made:
        yield made


def shown(inspector: Inspector, *path: str) -> Value | Node:
    with inspector.duplicate_vmo() as vmo:
        return Snapshot.read(vmo).root.find(*path)


def test_arrays(inspector: Inspector) -> None:
    signed = inspector.root.int_array("i", 3)
    unsigned = inspector.root.uint_array("u", 2)
    parts = inspector.root.double_array("d", 2)
    signed.set(0, -1)
    signed.add(2)
    unsigned.add(1, -5)
    parts.set(1, 0.5)
    parts.add(1, 0.25)
    assert shown(inspector, "i") == (-1, 0, 1)
    assert shown(inspector, "u") == (0, 0)
    assert shown(inspector, "d") == (0.0, 0.75)


@pytest.mark.parametrize("slot", [-1, 2])
def test_a_slot_that_is_not_there_is_refused(inspector: Inspector, slot: int) -> None:
    other = inspector.root.int("other", 3)
    array = inspector.root.int_array("i", 2)
    inspector.root.int("behind", 3)
    for change in (array.set, array.add):
        with pytest.raises(OutOfRange, match=f"slot {slot} of an array of 2"):
            change(slot, 1)
    assert other.value == shown(inspector, "behind") == 3
    with pytest.raises(OutOfRange, match="0 slots"):
        inspector.root.int_array("none", 0)


@pytest.mark.parametrize("factor", [None, 3])
def test_a_value_falls_where_the_bounds_say(inspector: Inspector, factor: int | None) -> None:
    root = inspector.root
    if factor is None:
        made = root.linear_histogram("h", floor=-10, step=10, buckets=3)
    else:
        made = root.exponential_histogram("h", floor=-10, step=10, factor=factor, buckets=3)
    empty = shown(inspector, "h")
    assert isinstance(empty, Histogram)
    bounds = empty.bounds()
    assert bounds == ((-10, 0, 10, 20) if factor is None else (-10, 0, 20, 80))
    for index, bound in enumerate(bounds):
        made.add(bound - 1)
        made.add(bound, index + 1)
    made.add(1e9)
    full = shown(inspector, "h")
    assert isinstance(full, Histogram)
    assert full.counts == (1, 2, 3, 4, 5)
    made.close()
    made.add(3)


@pytest.mark.parametrize(
    "bad",
    [
        {"buckets": 0},
        {"buckets": 127},
        {"step": 0},
        {"factor": 1},
        {"floor": 1 << 63},
    ],
)
def test_buckets_that_make_no_sense_are_refused(inspector: Inspector, bad: dict[str, int]) -> None:
    good = {"floor": 0, "step": 1, "factor": 2, "buckets": 4}
    with pytest.raises(OutOfRange):
        inspector.root.exponential_histogram("h", **(good | bad))
    assert inspector.statistics() == {"used_bytes": 64, "dropped": 0}


def test_without_room_it_takes_its_changes() -> None:
    with Inspector(max_bytes=64) as inspector:
        array = inspector.root.uint_array("u", 100)
        array.add(99)
        inspector.root.linear_histogram("h", floor=0, step=1, buckets=4).add(2)
        assert inspector.statistics() == {"used_bytes": 64, "dropped": 2}
