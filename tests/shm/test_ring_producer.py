"""What goes in; that it comes out is asked of `RingConsumer` all the same."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from pickle import PickleBuffer

import numpy as np
import pytest

from ipcrt.errors import (
    BadHandle,
    BadState,
    InvalidArgs,
    OutOfRange,
    PeerClosed,
    ShouldWait,
    TimedOut,
)
from ipcrt.shm.ring import create_ring
from ipcrt.shm.ring_consumer import RingConsumer
from ipcrt.shm.ring_producer import RingProducer


@contextlib.contextmanager
def ring(capacity: int, record: int | None = None) -> Generator[tuple[RingProducer, RingConsumer]]:
    producer, consumer = create_ring(capacity, record_bytes=record)
    with producer, consumer:
        yield producer, consumer


def test_records_of_any_size_come_out_as_they_went_in() -> None:
    with ring(1000) as (producer, consumer):
        for record in (b"", b"a", b"12345678", bytes(100), bytearray(b"xy"), memoryview(b"view")):
            producer.push(record)
            assert consumer.pop() == bytes(record)


def test_a_full_ring_holds_what_it_says() -> None:
    with ring(64, 8) as (producer, consumer):
        for number in range(8):
            producer.try_push(number.to_bytes(8, "little"))
        assert producer.queued_bytes == 64
        with pytest.raises(ShouldWait, match="64 bytes is full"):
            producer.try_push(bytes(8))
        assert consumer.pop() == bytes(8)
        producer.try_push(b"12345678")


def test_the_longest_record_fits_wherever_the_ring_is() -> None:
    with ring(104) as (producer, consumer):
        longest = b"x" * producer.shape.max_record_bytes
        assert len(longest) == 40
        for _ in range(13):
            producer.push(b"")
            assert consumer.pop() == b""
            producer.try_push(longest)
            assert consumer.pop() == longest
        with pytest.raises(OutOfRange, match="41 bytes exceeds 40"):
            producer.try_push(longest + b"x")


def test_a_record_of_another_size_is_refused() -> None:
    with ring(64, 8) as (producer, consumer):
        for record in (b"", bytes(7), bytes(9)):
            with pytest.raises(InvalidArgs, match="not of 8"):
                producer.push(record)
        with pytest.raises(ShouldWait):
            consumer.try_pop()


def test_where_one_of_many_is_refused_none_is_pushed() -> None:
    with ring(64, 8) as (producer, consumer):
        with pytest.raises(InvalidArgs):
            producer.push_many([bytes(8), bytes(8), bytes(7)])
        with pytest.raises(ShouldWait):
            consumer.try_pop()
        producer.push_many([b"12345678"])
        assert consumer.pop_many() == [b"12345678"]


def test_as_many_go_in_as_there_is_room_for() -> None:
    records = [bytes([number]) * number for number in range(30)]
    with ring(100) as (producer, consumer):
        done = 0
        popped: list[bytes] = []
        while len(popped) < len(records):
            with contextlib.suppress(ShouldWait):
                done += producer.try_push_many(records[done:])
            popped += consumer.pop_many(2)
        assert popped == records
        assert producer.try_push_many([]) == 0


def test_a_batch_may_be_bytes_or_an_array_and_is_split_where_it_wraps() -> None:
    with ring(80, 8) as (producer, consumer):
        for start in range(30):
            numbers = np.arange(start, start + 7, dtype="<u8")
            assert producer.try_push_batch(numbers if start % 2 else numbers.tobytes()) == 7
            found = np.frombuffer(consumer.pop_batch(), "<u8")
            assert found.tolist() == numbers.tolist()


def test_a_batch_of_structures_wraps_too() -> None:
    pairs = np.array([(1, 2.0), (3, 4.0), (5, 6.0)], dtype=[("a", "<i4"), ("b", "<f8")])
    with ring(60, 12) as (producer, consumer):
        for _ in range(7):
            producer.push_batch(pairs)
            assert np.array_equal(np.frombuffer(consumer.pop_batch(), pairs.dtype), pairs)


def test_of_a_batch_as_much_goes_in_as_there_is_room_for() -> None:
    with ring(64, 8) as (producer, consumer):
        producer.push(bytes(8))
        assert producer.try_push_batch(bytes(range(80))) == 7
        with pytest.raises(ShouldWait):
            producer.try_push_batch(bytes(8))
        assert consumer.pop_batch() == bytes(8) + bytes(range(56))
        assert producer.try_push_batch(b"") == 0


def test_a_batch_is_of_whole_records_of_one_size() -> None:
    with ring(64, 8) as (producer, _), pytest.raises(InvalidArgs, match="9 bytes"):
        producer.try_push_batch(bytes(9))
    with ring(64) as (producer, _), pytest.raises(BadState, match="one size"):
        producer.push_batch(bytes(8))


def test_what_is_reserved_is_seen_when_it_is_committed() -> None:
    with ring(104) as (producer, consumer):
        for size in range(41):
            room = producer.try_reserve(size)
            room[:] = bytes([size]) * size
            with pytest.raises(ShouldWait):
                consumer.try_pop()
            producer.commit()
            assert consumer.pop() == bytes([size]) * size
            with pytest.raises(ValueError, match="released"):
                room.tobytes()


def test_less_may_be_committed_than_was_reserved() -> None:
    with ring(104) as (producer, consumer):
        for size in (*range(41), *range(41)):
            room = producer.reserve()
            assert len(room) == 40
            room[:size] = bytes([size]) * size
            producer.commit(size)
            assert producer.queued_bytes <= 104
            assert consumer.pop() == bytes([size]) * size
        producer.reserve()
        for size in (-1, 41):
            with pytest.raises(OutOfRange, match="40"):
                producer.commit(size)
        producer.commit(0)
    with ring(64, 8) as (producer, _):
        producer.reserve()
        with pytest.raises(InvalidArgs, match="not of 8"):
            producer.commit(7)
        producer.abandon()


def test_nothing_of_what_is_abandoned_is_seen() -> None:
    with ring(104) as (producer, consumer):
        producer.reserve(16)[:] = b"x" * 16
        for push in (lambda: producer.push(b""), producer.reserve, producer.take):
            with pytest.raises(BadState, match="lent"):
                push()
        producer.abandon()
        producer.abandon()
        with pytest.raises(BadState, match="nothing is reserved"):
            producer.commit()
        producer.push(b"after")
        assert consumer.pop() == b"after"


def test_an_array_of_a_reserved_record_may_be_kept() -> None:
    with ring(64, 8) as (producer, consumer):
        room = producer.reserve()
        array = np.frombuffer(room, "<u8")
        held = PickleBuffer(room)
        array[0] = 77
        producer.commit()
        assert consumer.pop() == (77).to_bytes(8, "little")
    assert array[0] == 77
    held.release()


def test_a_push_waits_for_its_room_alone_and_many_for_half_the_ring() -> None:
    with ring(64, 8) as (producer, consumer):
        producer.push_batch(bytes(64))
        for push, popped in (
            (lambda: producer.push(b"12345678"), 1),
            (lambda: producer.push_many([b"12345678"]), 4),
            (lambda: producer.push_batch(b"12345678"), 4),
        ):
            thread = threading.Thread(target=push)
            thread.start()
            before = consumer.statistics()["rings"]
            while not consumer_sees_sleeper(consumer):
                pass
            for count in range(popped):
                assert consumer.statistics()["rings"] == before, count
                consumer.pop()
            assert consumer.statistics()["rings"] == before + 1
            thread.join()
            while consumer.queued_bytes < 64:
                producer.push(bytes(8))


def consumer_sees_sleeper(consumer: RingConsumer) -> bool:
    """True once the producer sleeps: its word is the fourth line of the header."""
    return int.from_bytes(consumer.mapping[192:200], "little") > 0


@pytest.mark.parametrize("busy_poll_us", [0, 200])
def test_a_push_that_finds_no_room_in_time_is_told(busy_poll_us: int) -> None:
    with ring(64, 8) as (producer, consumer):
        producer.push_batch(bytes(64))
        with RingProducer.attach(*producer.take(), busy_poll_us=busy_poll_us) as again:
            for push in (
                lambda: again.push(bytes(8), 0.002),
                lambda: again.push(bytes(8), 0),
                lambda: again.push_many([bytes(8)], 0.002),
                lambda: again.push_batch(bytes(8), 0.002),
                lambda: again.reserve(8, 0.002),
            ):
                with pytest.raises(TimedOut):
                    push()
            assert not consumer_sees_sleeper(consumer), "who gave up is awake"
            assert len(consumer.pop_batch()) == 64


def test_a_producer_is_told_that_the_consumer_is_gone_when_the_ring_is_full() -> None:
    with ring(16, 8) as (producer, consumer):
        producer.push(bytes(8))
        consumer.close()
        producer.push(bytes(8))
        for push in (
            lambda: producer.push(bytes(8)),
            lambda: producer.try_push_many([bytes(8)]),
            lambda: producer.try_push_batch(bytes(8)),
            producer.reserve,
        ):
            with pytest.raises(PeerClosed):
                push()
        assert producer.peer_gone()


def test_a_producer_that_wakes_nobody_is_told() -> None:
    with ring(16, 8) as (producer, consumer):
        consumer.close()
        producer.mapping[256:264] = (1).to_bytes(8, "little")  # it died in its sleep
        for _ in range(2):
            with pytest.raises(PeerClosed):
                producer.push(bytes(8))


def test_a_closed_producer_refuses() -> None:
    producer, consumer = create_ring(64)
    consumer.close()
    producer.close()
    producer.close()
    assert producer.closed
    for use in (lambda: producer.push(b""), producer.reserve, producer.take, producer.commit):
        with pytest.raises(BadHandle):
            use()
