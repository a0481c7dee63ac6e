"""What comes out, of an honest producer and of one that lies about its records."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import numpy as np
import pytest

from ipcrt.errors import (
    BadHandle,
    BadState,
    BufferTooSmall,
    InvalidArgs,
    OutOfRange,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    TimedOut,
)
from ipcrt.shm.ring import create_ring
from ipcrt.shm.ring_consumer import RingConsumer
from ipcrt.shm.ring_layout import HEAD, HEADER_BYTES, WRAP
from ipcrt.shm.ring_producer import RingProducer

DATA = HEADER_BYTES // 8


@contextlib.contextmanager
def ring(capacity: int, record: int | None = None) -> Generator[tuple[RingProducer, RingConsumer]]:
    producer, consumer = create_ring(capacity, record_bytes=record)
    with producer, consumer:
        yield producer, consumer


def test_records_come_out_in_order_and_some_at_a_time() -> None:
    with ring(1000) as (producer, consumer):
        records = [b"%d" % number for number in range(10)]
        producer.push_many(records)
        assert consumer.pop() == records[0]
        assert consumer.pop_many(3) == records[1:4]
        assert consumer.pop_many() == records[4:]
        for pop in (consumer.try_pop, consumer.try_pop_many, consumer.try_peek):
            with pytest.raises(ShouldWait, match="empty"):
                pop()


def test_a_record_is_copied_into_a_buffer_that_is_long_enough() -> None:
    with ring(1000) as (producer, consumer):
        producer.push(b"hello")
        buffer = bytearray(8)
        with pytest.raises(BufferTooSmall, match="5 bytes does not fit into 4"):
            consumer.pop_into(memoryview(buffer)[:4])
        with pytest.raises(InvalidArgs, match="read-only"):
            consumer.pop_into(bytes(8))
        assert consumer.pop_into(buffer) == 5
        assert buffer == b"hello\0\0\0"


def test_a_batch_is_copied_into_an_array() -> None:
    with ring(80, 8) as (producer, consumer):
        room = np.zeros(8, "<u8")
        for start in range(30):
            numbers = np.arange(start, start + 7, dtype="<u8")
            producer.push_batch(numbers)
            assert consumer.pop_batch_into(room[:3]) == 3
            assert consumer.pop_batch_into(room[3:]) == 4
            assert room[:7].tolist() == numbers.tolist()
        with pytest.raises(BufferTooSmall, match="8 bytes does not fit into 7"):
            consumer.pop_batch_into(bytearray(7))
        with pytest.raises(ShouldWait):
            consumer.try_pop_batch_into(room)


def test_a_batch_ends_where_it_is_told_to() -> None:
    with ring(80, 8) as (producer, consumer):
        producer.push_batch(bytes(range(80)))
        assert consumer.pop_batch(3) == bytes(range(24))
        assert consumer.try_pop_batch() == bytes(range(24, 80))
        for count in (0, -1):
            with pytest.raises(OutOfRange):
                consumer.pop_batch(count)
    with ring(80) as (_, consumer):
        for pop in (consumer.pop_batch, consumer.peek_batch):
            with pytest.raises(BadState, match="one size"):
                pop()
        with pytest.raises(OutOfRange):
            consumer.pop_many(0)


def test_what_is_lent_is_popped_when_it_is_given_back() -> None:
    with ring(64, 8) as (producer, consumer):
        producer.push_batch(bytes(64))
        lent = consumer.peek()
        assert lent.readonly
        assert lent.nbytes == 8
        with pytest.raises(ShouldWait):
            producer.try_push(bytes(8))
        for pop in (consumer.pop, consumer.peek, consumer.pop_batch, consumer.take):
            with pytest.raises(BadState, match="lent"):
                pop()
        consumer.release()
        producer.try_push(b"12345678")
        with pytest.raises(ValueError, match="released"):
            lent.tobytes()
        with pytest.raises(BadState, match="nothing is lent"):
            consumer.release()


def test_a_batch_is_lent_in_one_piece() -> None:
    with ring(80, 8) as (producer, consumer):
        producer.push_batch(bytes(48))
        assert len(consumer.pop_batch()) == 48
        producer.push_batch(bytes(range(80)))
        assert consumer.peek_batch(2).tobytes() == bytes(range(16))
        consumer.release()
        assert consumer.peek_batch().tobytes() == bytes(range(16, 32)), "up to the data's end"
        consumer.release()
        assert consumer.peek_batch().tobytes() == bytes(range(32, 80))
        consumer.release()
        with pytest.raises(ShouldWait):
            consumer.try_peek_batch()


def test_an_array_of_what_is_lent_outlives_the_ring() -> None:
    with ring(64, 8) as (producer, consumer):
        producer.push(b"12345678")
        array = np.frombuffer(consumer.peek(), "S8")
        consumer.release()
        consumer.close()
        assert array[0] == b"12345678"
        del array


def test_what_is_lent_is_taken_back_by_close() -> None:
    with ring(64, 8) as (producer, consumer):
        producer.push(bytes(8))
        lent = consumer.peek()
        consumer.close()
        with pytest.raises(ValueError, match="released"):
            lent.tobytes()
        with pytest.raises(BadHandle):
            consumer.release()


@pytest.mark.parametrize("busy_poll_us", [0, 200])
def test_a_pop_that_finds_nothing_in_time_is_told(busy_poll_us: int) -> None:
    producer, consumer = create_ring(64, record_bytes=8)
    with producer, RingConsumer.attach(*consumer.take(), busy_poll_us=busy_poll_us) as again:
        for pop in (
            lambda: again.pop(0.002),
            lambda: again.pop(0),
            lambda: again.pop_into(bytearray(8), 0.002),
            lambda: again.pop_many(timeout=0.002),
            lambda: again.pop_batch(timeout=0.002),
            lambda: again.pop_batch_into(bytearray(8), 0.002),
            lambda: again.peek(0.002),
            lambda: again.peek_batch(timeout=0.002),
        ):
            with pytest.raises(TimedOut):
                pop()
        assert producer.mapping[256:264] == bytes(8), "who gave up is awake"


def test_that_the_producer_is_gone_is_told_after_its_records() -> None:
    with ring(64, 8) as (producer, consumer):
        producer.push_batch(bytes(16))
        producer.close()
        assert consumer.peer_gone()
        assert consumer.pop() == bytes(8)
        assert consumer.pop() == bytes(8)
        for pop in (consumer.pop, consumer.pop_many, consumer.pop_batch, consumer.peek):
            with pytest.raises(PeerClosed):
                pop()


def test_records_that_were_pushed_after_the_last_look_come_before_the_end() -> None:
    """The producer pushes and leaves between the look at the head and the look at the bell."""
    with ring(64, 8) as (producer, consumer):
        times = 0

        class Late(RingConsumer):
            __slots__ = ()

            def _look(self) -> int:
                nonlocal times
                times += 1
                found = super()._look()
                if times == 1:
                    producer.push(b"12345678")
                    producer.close()
                return found

        with Late.attach(*consumer.take()) as late:
            assert late.pop() == b"12345678"
            with pytest.raises(PeerClosed):
                late.pop()


# ---------------------------------------------------------------------------- a producer that lies


def lie(consumer: RingConsumer, words: dict[int, int]) -> None:
    with memoryview(consumer.mapping) as octets, octets.cast("Q") as view:
        for word, value in words.items():
            view[word] = value


@pytest.mark.parametrize(
    "words, what",
    [
        ({HEAD: 4}, "index 4"),
        ({HEAD: 112}, "index 112"),
        ({HEAD: (1 << 64) - 8}, "index"),
        ({HEAD: 16, DATA: 9}, "record of 9 bytes"),
        ({HEAD: 104, DATA: 41}, "record of 41 bytes"),
        ({HEAD: 16, DATA: WRAP - 1}, "record"),
        ({HEAD: 16, DATA: (1 << 64) - 1}, "record"),
        ({HEAD: 16, DATA: (1 << 64) - 16}, "record"),
        ({HEAD: 104, DATA: WRAP}, "behind the wrap"),
    ],
)
@pytest.mark.parametrize("pop", ["try_pop", "try_pop_many", "try_peek", "pop", "pop_many", "peek"])
def test_a_lie_closes_the_ring(words: dict[int, int], what: str, pop: str) -> None:
    with ring(104) as (producer, consumer):
        lie(consumer, words)
        with pytest.raises(RemoteProtocolError, match=what):
            getattr(consumer, pop)()
        assert consumer.closed
        with pytest.raises(BadHandle):
            getattr(consumer, pop)()
        assert producer.peer_gone()


@pytest.mark.parametrize(
    "words",
    [
        {HEAD: 112, DATA + 12: WRAP},
        {HEAD: 120, DATA + 12: WRAP, DATA: WRAP},
        {HEAD: 120, DATA + 12: WRAP, DATA: 9},
        {HEAD: 120, DATA + 12: 8},
        {HEAD: 88, DATA + 12: 0},
    ],
)
def test_a_lie_at_the_end_of_the_data_closes_the_ring(words: dict[int, int]) -> None:
    with ring(104) as (producer, consumer):
        for _ in range(12):
            producer.push(b"")
            consumer.pop()
        lie(consumer, words)
        if words[HEAD] == 112:
            lie(consumer, {HEAD: 104})
        with pytest.raises(RemoteProtocolError):
            consumer.try_pop()
        assert consumer.closed


def test_a_head_that_goes_back_closes_the_ring() -> None:
    with ring(80, 8) as (producer, consumer):
        producer.push_batch(bytes(24))
        consumer.pop()
        lie(consumer, {HEAD: 16})
        with pytest.raises(RemoteProtocolError, match="index 16 after 24"):
            consumer.pop_batch()


def test_what_its_own_index_says_in_memory_does_not_matter() -> None:
    with ring(80, 8) as (producer, consumer):
        producer.push_batch(bytes(range(24)))
        assert consumer.pop() == bytes(range(8))
        lie(consumer, {16: 8000})
        assert consumer.pop_batch() == bytes(range(8, 24))
        producer.push(b"12345678")
        assert consumer.pop() == b"12345678"
