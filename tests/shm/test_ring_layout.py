from __future__ import annotations

import pytest

from ipcrt.errors import OutOfRange, RemoteProtocolError
from ipcrt.shm.ring_layout import (
    CAPACITY_WORD,
    CONSUMER_SLEEPS,
    HEAD,
    HEADER_BYTES,
    MAGIC,
    MAGIC_WORD,
    MAX_INDEX,
    MAX_RING_BYTES,
    PRODUCER_SLEEPS,
    RECORD_WORD,
    TAIL,
    VERSION,
    VERSION_WORD,
    WORD_BYTES,
    Shape,
    check_indices,
    make_shape,
    read_shape,
    write_shape,
)


def words_of(shape: Shape) -> memoryview:
    words = memoryview(bytearray(shape.memory_bytes)).cast("Q")
    write_shape(words, shape)
    return words


@pytest.mark.parametrize(
    "capacity, record, rounded, longest",
    [(1, None, 8, None), (16, None, 16, 0), (100, None, 104, 40), (100, 7, 105, 7), (1, 9, 9, 9)],
)
def test_a_capacity_is_rounded_up_to_whole_records(
    capacity: int, record: int | None, rounded: int, longest: int | None
) -> None:
    if not longest:
        with pytest.raises(OutOfRange, match="no room"):
            make_shape(capacity, record)
        return
    shape = make_shape(capacity, record)
    assert shape == Shape(rounded, record)
    assert shape.max_record_bytes == longest
    assert shape.memory_bytes == 2 * HEADER_BYTES


@pytest.mark.parametrize(
    "capacity, record", [(0, None), (-8, 8), (64, 0), (64, -1), (MAX_RING_BYTES + 8, None)]
)
def test_a_shape_that_no_ring_has_is_refused(capacity: int, record: int | None) -> None:
    with pytest.raises(OutOfRange):
        make_shape(capacity, record)


def test_what_both_ends_write_has_cache_lines_of_its_own() -> None:
    lines = [word * WORD_BYTES // 64 for word in (0, HEAD, TAIL, PRODUCER_SLEEPS, CONSUMER_SLEEPS)]
    assert len(set(lines)) == len(lines)
    assert max(lines) < HEADER_BYTES // 64


@pytest.mark.parametrize("shape", [Shape(64, None), Shape(30, 3), Shape(1 << 20, 8)])
def test_a_shape_is_read_as_it_was_written(shape: Shape) -> None:
    assert read_shape(words_of(shape)) == shape


@pytest.mark.parametrize(
    "word, value",
    [
        (MAGIC_WORD, MAGIC + 1),
        (VERSION_WORD, VERSION + 1),
        (CAPACITY_WORD, 0),
        (CAPACITY_WORD, 65),
        (CAPACITY_WORD, 8192),
        (CAPACITY_WORD, (1 << 64) - 8),
        (RECORD_WORD, 7),
        (RECORD_WORD, 1 << 40),
        (RECORD_WORD, (1 << 64) - 1),
    ],
)
def test_a_header_that_lies_is_refused(word: int, value: int) -> None:
    words = words_of(Shape(64, None))
    words[word] = value
    with pytest.raises(RemoteProtocolError):
        read_shape(words)


@pytest.mark.parametrize(
    "head, tail", [(8, 16), (80, 8), (4, 0), (16, 12), (MAX_INDEX + 8, MAX_INDEX + 8)]
)
def test_indices_that_cannot_be_are_refused(head: int, tail: int) -> None:
    with pytest.raises(RemoteProtocolError):
        check_indices(head, tail, Shape(64, None))


@pytest.mark.parametrize("head, tail", [(0, 0), (64, 0), (800, 800), (MAX_INDEX, MAX_INDEX)])
def test_indices_of_an_honest_ring_pass(head: int, tail: int) -> None:
    check_indices(head, tail, Shape(64, None))
