"""Handing ends over, sleeping and waking, peers that break the rules, forks."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

import pytest

from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    BadState,
    InvalidArgs,
    IpcError,
    OutOfRange,
    RemoteProtocolError,
    ShouldWait,
    TimedOut,
    WrongType,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.fifo import Fifo
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo
from ipcrt.port.signals import Signals, observe
from ipcrt.shm import ring_end
from ipcrt.shm.ring import create_ring
from ipcrt.shm.ring_bell import create_bell, ring_bell
from ipcrt.shm.ring_consumer import RingConsumer
from ipcrt.shm.ring_end import MAX_FRUITLESS, NEWS
from ipcrt.shm.ring_layout import CONSUMER_SLEEPS, HEAD, PRODUCER_SLEEPS, TAIL, make_shape
from ipcrt.shm.ring_memory import create_memory
from ipcrt.shm.ring_producer import RingProducer
from tests.port.test_fork import in_child
from tests.support.proc import open_fds
from tests.support.waiting import wait_until


def word(end: RingProducer | RingConsumer, index: int) -> int:
    return int.from_bytes(end.mapping[index * 8 : index * 8 + 8], "little")


def set_word(end: RingProducer | RingConsumer, index: int, value: int) -> None:
    end.mapping[index * 8 : index * 8 + 8] = value.to_bytes(8, "little")


# --------------------------------------------------------------------------------- handing over


def test_an_end_travels_over_a_channel_with_what_is_queued() -> None:
    producer, consumer = create_ring(104)
    near, far = Channel.create()
    with producer, near, far:
        producer.push_many([b"one", b"two", b"three"])
        assert consumer.pop() == b"one"
        near.write(b"ring", consumer.take())
        assert consumer.closed
        with RingConsumer.attach(*far.read().handles) as moved:
            assert moved.shape == producer.shape
            assert moved.pop() == b"two"
            near.write(b"ring", producer.take())
            with RingProducer.attach(*far.read().handles) as mover:
                mover.push(b"four")
                assert moved.pop_many() == [b"three", b"four"]


def test_the_handles_are_moved_into_the_end() -> None:
    producer, consumer = create_ring(64)
    with producer:
        vmo, bell = consumer.take()
        with RingConsumer.attach(vmo, bell) as again:
            assert vmo.closed
            assert bell.closed
            assert not again.bell.closed
        assert again.bell.closed


def _memory() -> Vmo:
    return create_memory(make_shape(64, None), "test")


def _bell() -> Fifo:
    near, far = create_bell()
    far.close()
    return near


def _foreign_bell() -> Fifo:
    near, far = Fifo.create(2, 16)
    far.close()
    return near


def _read_only() -> Vmo:
    with _memory() as vmo:
        return vmo.duplicate(vmo.rights & ~Rights.WRITE)


def _impossible() -> Vmo:
    vmo = _memory()
    vmo.write(HEAD * 8, (4096).to_bytes(8, "little"))
    return vmo


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda: (Vmo.create(8192), _bell()), RemoteProtocolError),
        (lambda: (_memory(), Event.create()), WrongType),
        (lambda: (_memory(), _foreign_bell()), RemoteProtocolError),
        (lambda: (Event.create(), _bell()), WrongType),
        (lambda: (_bell(), _memory()), WrongType),
        (lambda: (_read_only(), _bell()), AccessDenied),
        (lambda: (_impossible(), _bell()), RemoteProtocolError),
    ],
)
@pytest.mark.parametrize("kind", [RingProducer, RingConsumer])
def test_what_is_no_ring_is_refused_and_closed(
    make: Callable[[], tuple[Handle, Handle]],
    error: type[IpcError],
    kind: type[RingProducer | RingConsumer],
) -> None:
    before = open_fds()
    handles = make()
    with pytest.raises(error) as caught:  # it keeps the frames: nothing is left to the collector
        kind.attach(*handles)
    assert all(handle.closed for handle in handles)
    assert open_fds() == before, caught


def test_a_ring_that_takes_too_much_is_refused() -> None:
    producer, consumer = create_ring(1 << 16)
    with producer, pytest.raises(OutOfRange, match="exceeds 4096"):
        RingConsumer.attach(*consumer.take(), max_bytes=4096)


def test_a_time_to_poll_that_cannot_be_is_refused() -> None:
    producer, consumer = create_ring(64)
    with producer, pytest.raises(InvalidArgs, match="busy_poll_us"):
        RingConsumer.attach(*consumer.take(), busy_poll_us=-1)


# --------------------------------------------------------------------------- sleeping and waking


def test_no_bell_is_rung_while_the_other_side_is_awake() -> None:
    producer, consumer = create_ring(64, record_bytes=8)
    with producer, consumer:
        for _ in range(100):
            producer.push(bytes(8))
            with contextlib.suppress(ShouldWait):
                while True:
                    producer.try_push(bytes(8))
            assert consumer.pop_batch()
        assert not producer.statistics()["rings"]
        assert not consumer.statistics()["rings"]
        assert not observe(producer.bell) & NEWS
        assert not observe(consumer.bell) & NEWS


def test_a_sleeper_is_woken_by_one_ring() -> None:
    producer, consumer = create_ring(64, record_bytes=8)
    with producer, consumer:
        with pytest.raises(ShouldWait):
            consumer.try_pop()
        naps = consumer.naps()
        next(naps)
        assert word(consumer, CONSUMER_SLEEPS) == 1
        for _ in range(8):
            producer.push(bytes(8))
        assert producer.statistics()["rings"] == 1
        assert observe(consumer.bell) & Signals.READABLE
        assert next(naps, None) is None
        assert word(consumer, CONSUMER_SLEEPS) == 0
        assert not observe(consumer.bell) & Signals.READABLE
        assert len(consumer.pop_batch()) == 64


def test_who_goes_to_sleep_looks_once_more() -> None:
    """The record came after the try and before the flag; nobody rings for it."""
    producer, consumer = create_ring(64, record_bytes=8)
    with producer, consumer:
        with pytest.raises(ShouldWait):
            consumer.try_pop()
        producer.push(bytes(8))
        assert list(consumer.naps()) == []
        assert not producer.statistics()["rings"]


def test_each_side_writes_before_a_fence_and_looks_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    producer, consumer = create_ring(64, record_bytes=8)
    with producer, consumer:
        seen: list[tuple[int, int]] = []

        def fence() -> None:
            seen.append((word(producer, HEAD), word(consumer, CONSUMER_SLEEPS)))
            if len(seen) == 1:
                set_word(consumer, CONSUMER_SLEEPS, 1)

        monkeypatch.setattr(ring_end, "fence", fence)
        producer.push(bytes(8))
        assert seen == [(8, 0)], "the index was out, and then the flag was looked at"
        assert producer.statistics()["rings"] == 1
        set_word(consumer, CONSUMER_SLEEPS, 0)
        consumer.pop()
        with pytest.raises(ShouldWait):
            consumer.try_pop()

        def fence_and_push() -> None:
            assert word(consumer, CONSUMER_SLEEPS) == 9
            monkeypatch.setattr(ring_end, "fence", lambda: None)
            producer.push(bytes(8))

        monkeypatch.setattr(ring_end, "fence", fence_and_push)
        assert list(consumer.naps()) == [], "the flag was out, and then the index was looked at"


def test_a_wait_that_is_given_up_leaves_nothing() -> None:
    producer, consumer = create_ring(64)
    with producer, consumer:
        with pytest.raises(TimedOut) as caught:  # it keeps the frames, and what they hold
            consumer.pop(0)
        assert word(consumer, CONSUMER_SLEEPS) == 0, caught
        producer.push(b"x")
        assert not producer.statistics()["rings"]
        assert consumer.pop() == b"x"


def test_a_thread_sleeps_until_a_record_comes() -> None:
    producer, consumer = create_ring(64)
    with producer, consumer:
        found: list[bytes] = []
        thread = threading.Thread(target=lambda: found.append(consumer.pop()))
        thread.start()
        wait_until(lambda: word(producer, CONSUMER_SLEEPS))
        producer.push(b"wake up")
        thread.join()
        assert found == [b"wake up"]


def test_who_polls_finds_a_record_without_a_sleep() -> None:
    producer, consumer = create_ring(64)
    with producer, RingConsumer.attach(*consumer.take(), busy_poll_us=1_000_000) as busy:
        found: list[bytes] = []
        thread = threading.Thread(target=lambda: found.append(busy.pop()))
        thread.start()
        producer.push(b"here")
        thread.join()
        assert found == [b"here"]
        assert not busy.statistics()["sleeps"]
        assert not producer.statistics()["rings"]


# ----------------------------------------------------------------------------------- hostile peers


def test_a_bell_that_rings_for_nothing_closes_the_ring() -> None:
    producer, consumer = create_ring(64)
    with producer, consumer:
        with pytest.raises(ShouldWait):
            consumer.try_pop()
        naps = consumer.naps()
        for _ in range(MAX_FRUITLESS):
            next(naps)
            ring_bell(producer.bell)
        with pytest.raises(RemoteProtocolError, match=f"rang {MAX_FRUITLESS} times"):
            next(naps)
        assert consumer.closed


def test_a_few_late_rings_are_passed_over() -> None:
    producer, consumer = create_ring(64)
    with producer, consumer:
        ring_bell(producer.bell)
        with pytest.raises(TimedOut):
            consumer.pop(0)
        producer.push(b"x")
        assert consumer.pop() == b"x"


@pytest.mark.parametrize("tail", [4, 24, (1 << 64) - 8])
def test_a_tail_that_cannot_be_closes_the_ring(tail: int) -> None:
    producer, consumer = create_ring(16, record_bytes=8)
    with producer, consumer:
        producer.push_batch(bytes(16))
        set_word(producer, TAIL, tail)
        with pytest.raises(RemoteProtocolError, match=f"index {tail}"):
            producer.try_push(bytes(8))
        assert producer.closed
        with pytest.raises(BadHandle):
            producer.push(bytes(8))
        assert consumer.peer_gone()


def test_a_tail_that_goes_back_closes_the_ring() -> None:
    producer, consumer = create_ring(16, record_bytes=8)
    with producer, consumer:
        producer.push_batch(bytes(16))
        consumer.pop_batch()
        producer.push_batch(bytes(16))
        set_word(producer, TAIL, 8)
        with pytest.raises(RemoteProtocolError, match="index 8 after 16"):
            producer.try_push(bytes(8))


@pytest.mark.parametrize("wanted", [1, 8, 7, (1 << 64) - 1])
def test_who_says_that_it_sleeps_is_rung_once_for_each_index(wanted: int) -> None:
    producer, consumer = create_ring(64, record_bytes=8)
    with producer, consumer:
        set_word(producer, CONSUMER_SLEEPS, wanted)
        for _ in range(8):
            producer.push(bytes(8))
        assert producer.statistics()["rings"] == (1 if wanted <= 64 else 0)


def test_a_foreign_bell_closes_the_ring() -> None:
    producer, consumer = create_ring(64)
    vmo, bell = producer.take()
    with consumer, vmo, socket.socket(fileno=bell.take()) as raw:
        raw.send(b"long")
        with pytest.raises(RemoteProtocolError):
            consumer.try_pop()
        assert consumer.closed


# ---------------------------------------------------------------------------------------- forks


def test_a_forked_child_is_told_that_the_end_is_not_its_own() -> None:
    producer, consumer = create_ring(64)
    with producer, consumer:
        producer.push(b"x")
        producer.reserve(8)

        def child() -> None:
            for use in (
                lambda: producer.push(b"y"),
                producer.commit,
                lambda: producer.queued_bytes,
                consumer.pop,
                consumer.take,
            ):
                with pytest.raises(BadState, match="fork"):
                    use()
            set_word(consumer, CONSUMER_SLEEPS, 77)
            set_word(producer, PRODUCER_SLEEPS, 78)
            producer.close()
            consumer.close()

        in_child(child)
        assert word(consumer, CONSUMER_SLEEPS) == 77, "the child leaves the memory alone"
        assert word(producer, PRODUCER_SLEEPS) == 78
        set_word(consumer, CONSUMER_SLEEPS, 0)
        producer.abandon()
        assert consumer.pop() == b"x"
        assert not consumer.peer_gone()


def test_a_forked_child_attaches_to_the_handles() -> None:
    producer, consumer = create_ring(64)
    with producer:
        vmo, bell = consumer.take()
        producer.push(b"x")

        def child() -> None:
            with RingConsumer.attach(vmo, bell) as own:
                assert own.pop() == b"x"

        in_child(child)
        vmo.close()
        bell.close()
        assert producer.peer_gone()
        assert producer.queued_bytes == 0


def test_what_an_end_holds_is_counted() -> None:
    before = open_fds()
    producer, consumer = create_ring(64)
    assert len(open_fds()) == len(before) + 6, "a VMO, its mapping and a bell each"
    producer.push(b"12345678")
    assert producer.statistics() == {"index": 16, "sleeps": 0, "rings": 0}
    producer.close()
    consumer.close()
    assert open_fds() == before
