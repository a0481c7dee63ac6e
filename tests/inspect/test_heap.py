from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ipcrt.inspect.heap import SMALLEST, Heap


def test_takes_until_the_limit() -> None:
    heap = Heap(64, 128)
    assert heap.take(32) == (64, None)
    assert heap.take(32) == (96, None)
    assert heap.take(16) is None
    assert heap.used == 128


def test_neighbours_join_and_the_end_is_given_back() -> None:
    heap = Heap(0, 1024)
    for at in (0, 32, 64, 96):
        assert heap.take(32) == (at, None)
    assert heap.give(0, 32) == (0, 32)
    assert heap.give(64, 32) == (64, 32)
    assert heap.give(32, 32) == (0, 96), "joined with both"
    assert heap.take(48) == (0, (48, 48))
    assert heap.give(96, 32) is None
    assert heap.used == 48


def test_never_leaves_less_than_a_record() -> None:
    heap = Heap(0, 1024)
    for _ in range(2):
        heap.take(40)
    heap.give(0, 40)
    assert heap.take(32) == (80, None), "8 bytes would have been left over"
    assert heap.take(24) == (0, (24, SMALLEST))


@given(st.lists(st.tuples(st.booleans(), st.integers(2, 12), st.integers(0, 99)), max_size=60))
def test_ranges_never_overlap_and_fill_all_that_is_used(
    steps: list[tuple[bool, int, int]],
) -> None:
    heap = Heap(64, 1024)
    taken: dict[int, int] = {}
    free: dict[int, int] = {}
    for take, words, which in steps:
        if take:
            found = heap.take(words * 8)
            if found is not None:
                at, rest = found
                taken[at] = words * 8
                free.pop(at, None)
                if rest is not None:
                    free[rest[0]] = rest[1]
        elif taken:
            at = sorted(taken)[which % len(taken)]
            size = taken.pop(at)
            whole = heap.give(at, size)
            begin = heap.used if whole is None else whole[0]
            end = begin + (1 << 20) if whole is None else sum(whole)
            free = {each: free[each] for each in free if not begin <= each < end}
            if whole is not None:
                free[whole[0]] = whole[1]
        where = 64
        for at, size in sorted((taken | free).items()):
            assert at == where, "no gap, no overlap"
            where += size
        assert where == heap.used <= 1024
