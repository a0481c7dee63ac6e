"""Rings between processes, rings at every offset, and peers that scribble over everything."""

from __future__ import annotations

import contextlib
import os
import resource
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcrt.errors import (
    BadHandle,
    InvalidArgs,
    NoResources,
    OutOfRange,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    TimedOut,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.seals import Seals
from ipcrt.shm.ring import create_ring
from ipcrt.shm.ring_consumer import RingConsumer
from ipcrt.shm.ring_layout import (
    CONSUMER_SLEEPS,
    HEAD,
    HEADER_BYTES,
    PRODUCER_SLEEPS,
    TAIL,
    WRAP,
)
from ipcrt.shm.ring_producer import RingProducer
from tests.shm.ring_children import records_of
from tests.support.proc import open_fds
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

MODULE = "tests.shm.ring_children"
relaxed = settings(deadline=None, max_examples=150)


def start(spawn: Spawner, role: str, *arguments: object) -> tuple[Child, Channel]:
    """Start a child with one end of a channel; answer it, and the other end."""
    near, far = Channel.create()
    with far:
        child = spawn.module(MODULE, role, far.fileno(), *arguments, pass_fds=[far.fileno()])
    return child, near


# ------------------------------------------------------------------------------------ one process


def test_the_vmo_cannot_be_resized() -> None:
    producer, consumer = create_ring(64)
    vmo, bell = producer.take()
    with consumer, vmo, bell:
        assert Seals.SHRINK | Seals.GROW | Seals.SEAL in vmo.seals


@pytest.mark.parametrize(
    "arguments, error",
    [((0, None), OutOfRange), ((64, 0), OutOfRange), ((1 << 31, 8), OutOfRange)],
)
def test_a_ring_that_cannot_be_is_refused(
    arguments: tuple[int, int | None], error: type[Exception]
) -> None:
    with pytest.raises(error):
        create_ring(arguments[0], record_bytes=arguments[1])
    with pytest.raises(InvalidArgs):
        create_ring(64, name="a\0b")


def test_a_ring_for_which_descriptors_are_missing_leaves_none_behind() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    top = max(open_fds())
    fillers: list[int] = []
    while not fillers or fillers[-1] < top:  # no gaps: the limit is the highest number, not a count
        fillers.append(os.dup(0))
    before = open_fds()
    failed = 0
    for more in range(12):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(before) + 1 + more, hard))
        try:
            for end in create_ring(64):
                end.close()
        except NoResources:
            failed += 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert open_fds() == before
    for filler in fillers:
        os.close(filler)
    assert 6 <= failed < 12


@given(st.integers(0, 60), st.lists(st.integers(0, 48), max_size=40))
@relaxed
def test_records_survive_the_wrap_wherever_it_is(offset: int, sizes: list[int]) -> None:
    """At any offset, of any sizes: all of it comes out, as it went in, if it is popped in time."""
    producer, consumer = create_ring(120)
    with producer, consumer:
        for _ in range(offset):
            producer.push(b"")
            consumer.pop()
        records = [bytes([index]) * size for index, size in enumerate(sizes)]
        found: list[bytes] = []
        for record in records:
            while True:
                with contextlib.suppress(ShouldWait):
                    producer.try_push(record)
                    break
                found.append(consumer.try_pop())
        with contextlib.suppress(ShouldWait):
            found += consumer.try_pop_many()
        assert found == records


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=40),
)
@relaxed
def test_batches_are_what_a_queue_of_bytes_would_be(
    record: int, steps: list[tuple[bool, int]]
) -> None:
    producer, consumer = create_ring(7 * record, record_bytes=record)
    with producer, consumer:
        queue = b""
        counter = 0
        for is_push, count in steps:
            if is_push:
                batch = b"".join(bytes([(counter + n) % 256]) * record for n in range(count))
                try:
                    done = producer.try_push_batch(batch)
                except ShouldWait:
                    assert len(queue) == 7 * record
                    done = 0
                queue += batch[: done * record]
                counter += done
            else:
                try:
                    data = consumer.try_pop_batch(count)
                except ShouldWait:
                    assert not queue
                    data = b""
                assert queue.startswith(data)
                assert len(data) == min(len(queue), count * record)
                queue = queue[len(data) :]
            assert producer.queued_bytes == consumer.queued_bytes == len(queue)


# ------------------------------------------------------------------------- a peer that scribbles

CAPACITY = 120
CANARIES = b"\xee" * 9
"""What lies around the records; no word that is scribbled makes nine of them."""
_near = st.integers(0, 400)
values = st.one_of(
    _near,
    _near.map(lambda value: value * 8),
    st.integers(0, (1 << 64) - 1),
    st.sampled_from([WRAP, WRAP - 1, 1 << 31, (1 << 63) - 8, (1 << 64) - 8, (1 << 64) - 1]),
)
words = st.one_of(
    st.sampled_from([HEAD, TAIL, PRODUCER_SLEEPS, CONSUMER_SLEEPS]),
    st.integers(0, 7),
    st.integers(HEADER_BYTES // 8, (HEADER_BYTES + CAPACITY) // 8 - 1),
)
scribbles = st.tuples(st.just("scribble"), words, values)
NAMES = [
    "push",
    "push_many",
    "push_batch",
    "reserve",
    "pop",
    "pop_many",
    "pop_batch",
    "pop_into",
    "peek",
    "peek_batch",
    "sleep_push",
    "sleep_pop",
]
uses = st.tuples(st.sampled_from(NAMES), st.integers(0, 48), st.just(0))


def use(name: str, size: int, producer: RingProducer, consumer: RingConsumer) -> list[Any]:
    """Do one thing with a ring; answer what came out of its memory."""
    fixed = producer.shape.record_bytes
    record = b"\1" * (size if fixed is None else fixed)
    if name in ("reserve", "peek", "peek_batch"):
        end = producer if name == "reserve" else consumer
        lent = (
            producer.try_reserve(len(record))
            if name == "reserve"
            else getattr(consumer, f"try_{name}")()
        )
        assert 0 <= lent.nbytes <= CAPACITY
        data = lent.tobytes() if end is consumer else b""
        producer.commit() if end is producer else consumer.release()
        return [data]
    actions: dict[str, Callable[[], Any]] = {
        "push": lambda: producer.try_push(record),
        "push_many": lambda: producer.try_push_many([record, record, record]),
        "push_batch": lambda: producer.try_push_batch(record * 3),
        "pop": consumer.try_pop,
        "pop_many": consumer.try_pop_many,
        "pop_batch": consumer.try_pop_batch,
        "pop_into": lambda: consumer.try_pop_into(bytearray(CAPACITY)),
        "sleep_push": lambda: producer.push(record, 0),
        "sleep_pop": lambda: consumer.pop(0),
    }
    found = actions[name]()
    return [*found] if name == "pop_many" else [found]


def broken_by(name: str, size: int, producer: RingProducer, consumer: RingConsumer) -> bool:
    """Do one thing, and check what came out; True if that broke the ring."""
    try:
        found = use(name, size, producer, consumer)
    except RemoteProtocolError:
        assert producer.closed or consumer.closed
        return True
    except BadHandle:
        assert producer.closed or consumer.closed
        return False
    except (ShouldWait, TimedOut, PeerClosed):
        return False
    for data in found:
        if isinstance(data, bytes):
            assert len(data) <= CAPACITY
            assert CANARIES not in data, "a stray read"
    return False


@pytest.mark.parametrize("record", [None, 8, 5])
@given(st.lists(st.one_of(scribbles, uses), max_size=60))
@settings(deadline=None, max_examples=120)
def test_nothing_that_a_peer_writes_brings_more_than_one_error(
    record: int | None, steps: list[tuple[str, int, int]]
) -> None:
    """Random words in the header, the indices, the lengths, while both ends are in use."""
    producer, consumer = create_ring(CAPACITY, record_bytes=record)
    vmo, bell = consumer.take()
    with vmo.duplicate() as kept, contextlib.closing(kept.map(writable=True)) as raw:
        around = ((512, HEADER_BYTES), (HEADER_BYTES + CAPACITY, len(raw)))
        for begin, stop in around:
            raw[begin:stop] = CANARIES[:1] * (stop - begin)
        broken = 0
        with producer, RingConsumer.attach(vmo, bell) as attached:
            for name, first, second in steps:
                if name == "scribble":
                    raw[first * 8 : first * 8 + 8] = second.to_bytes(8, "little")
                elif record is not None or not name.endswith("batch"):
                    broken += broken_by(name, first, producer, attached)
            assert broken <= producer.closed + attached.closed, "each end breaks once"
        for begin, stop in around:
            assert raw[begin:stop] == CANARIES[:1] * (stop - begin), "a stray write"


# ----------------------------------------------------------------------------------- two processes


def test_records_pass_between_processes_through_a_ring_that_is_always_full(
    spawn_python: Spawner,
) -> None:
    records = records_of(4000, 40)
    child, channel = start(spawn_python, "consume")
    producer, consumer = create_ring(200)
    with channel, producer:
        channel.write(b"ring", consumer.take())
        for begin in range(0, len(records), 50):
            if begin % 100:
                producer.push_many(records[begin : begin + 50])
            else:
                for record in records[begin : begin + 50]:
                    producer.push(record)
    total = 0
    for record in records:
        total = zlib.crc32(record, total)
    assert child.finish() == f"{len(records)} {total}\n"


def test_records_come_from_another_process(spawn_python: Spawner) -> None:
    child, channel = start(spawn_python, "produce", 3000, 40)
    producer, consumer = create_ring(200)
    with channel, consumer:
        channel.write(b"ring", producer.take())
        found: list[bytes] = []
        with contextlib.suppress(PeerClosed):
            while True:
                found += consumer.pop_many(5)
    assert found == records_of(3000, 40)
    child.finish()


def bounce(spawn: Spawner, count: int, busy_poll_us: int = 0) -> None:
    """Send one record there and back, again and again: nearly every step goes to sleep."""
    child, channel = start(spawn, "answer", count)
    there, far_consumer = create_ring(8, record_bytes=8)
    far_producer, back = create_ring(8, record_bytes=8)
    with channel, there, RingConsumer.attach(*back.take(), busy_poll_us=busy_poll_us) as answers:
        channel.write(b"there", far_consumer.take())
        channel.write(b"back", far_producer.take())
        for number in range(count):
            record = number.to_bytes(8, "little")
            there.push(record)
            assert answers.pop(30) == record
    child.finish()


@pytest.mark.parametrize("busy_poll_us", [0, 50])
def test_no_wake_up_is_lost(spawn_python: Spawner, busy_poll_us: int) -> None:
    bounce(spawn_python, 3000, busy_poll_us)


@pytest.mark.slow
def test_no_wake_up_is_lost_in_a_long_while(spawn_python: Spawner) -> None:
    bounce(spawn_python, 200_000)


def test_records_of_a_killed_producer_are_read_and_then_its_end(spawn_python: Spawner) -> None:
    child, channel = start(spawn_python, "hold")
    producer, consumer = create_ring(16, record_bytes=8)
    with channel, consumer:
        channel.write(b"ring", producer.take())
        assert child.line() == "pushed"
        wait_until(lambda: any(consumer.mapping[PRODUCER_SLEEPS * 8 : PRODUCER_SLEEPS * 8 + 8]))
        child.kill()
        child.wait()
        assert consumer.pop_many() == [b"12345678", b"abcdefgh"]
        with pytest.raises(PeerClosed):
            consumer.pop()


def test_who_waits_for_a_killed_producer_is_told(spawn_python: Spawner) -> None:
    child, channel = start(spawn_python, "hold")
    producer, consumer = create_ring(1 << 12, record_bytes=8)
    with channel, consumer:
        channel.write(b"ring", producer.take())
        consumer.pop()
        consumer.pop()
        consumer.pop()
        with pytest.raises(PeerClosed):
            consumer.pop()
    child.wait()


def test_a_producer_is_told_that_its_consumer_was_killed_in_its_sleep(
    spawn_python: Spawner,
) -> None:
    child, channel = start(spawn_python, "hang")
    producer, consumer = create_ring(16, record_bytes=8)
    with channel, producer:
        channel.write(b"ring", consumer.take())
        assert child.line() == "attached"
        wait_until(lambda: any(producer.mapping[CONSUMER_SLEEPS * 8 : CONSUMER_SLEEPS * 8 + 8]))
        child.kill()
        child.wait()
        with pytest.raises(PeerClosed):
            producer.push(bytes(8))
