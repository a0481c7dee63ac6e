from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

import anyio
import anyio.lowlevel
import pytest

from ipcrt.errors import Canceled, PeerClosed, TimedOut
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.shm.ring import create_ring
from ipcrt.shm.ring_async import AsyncRingConsumer, AsyncRingProducer
from ipcrt.shm.ring_layout import CONSUMER_SLEEPS, PRODUCER_SLEEPS
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def ring(
    capacity: int, record: int | None = None
) -> AsyncGenerator[tuple[AsyncPort, AsyncRingProducer, AsyncRingConsumer]]:
    producer, consumer = create_ring(capacity, record_bytes=record)
    async with (
        open_port() as port,
        AsyncRingProducer(producer, port) as into,
        AsyncRingConsumer(consumer, port) as out,
    ):
        yield port, into, out
        assert not port.statistics()["waits"]
        assert not port.statistics()["receivers"]


def word(ring: AsyncRingProducer | AsyncRingConsumer, index: int) -> int:
    return int.from_bytes(ring.end.mapping[index * 8 : index * 8 + 8], "little")


async def test_records_pass_one_by_one_and_wake_who_waits() -> None:
    async with ring(104) as (_, producer, consumer), anyio.create_task_group() as tasks:

        async def push() -> None:
            for number in range(200):
                await producer.push(b"x" * (number % 40))

        tasks.start_soon(push)
        for number in range(200):
            assert await consumer.pop() == b"x" * (number % 40)


async def test_many_and_batches_pass_though_they_are_longer_than_the_ring() -> None:
    records = [b"%d" % number for number in range(100)]
    async with ring(104) as (_, producer, consumer), anyio.create_task_group() as tasks:
        tasks.start_soon(producer.push_many, records)
        found: list[bytes] = []
        while len(found) < len(records):
            found += await consumer.pop_many(7)
        assert found == records
    async with ring(80, 8) as (_, producer, consumer), anyio.create_task_group() as tasks:
        tasks.start_soon(producer.push_batch, bytes(range(240)))
        data = b""
        room = bytearray(24)
        while len(data) < 120:
            data += await consumer.pop_batch(3)
        while len(data) < 240:
            data += room[: 8 * await consumer.pop_batch_into(room)]
        assert data == bytes(range(240))


async def test_what_is_lent_needs_no_copy() -> None:
    async with ring(64, 8) as (_, producer, consumer):
        (await producer.reserve())[:] = b"12345678"
        producer.end.commit()
        assert (await consumer.peek()).tobytes() == b"12345678"
        consumer.end.release()
        producer.end.push(b"abcdefgh")
        assert (await consumer.peek_batch()).tobytes() == b"abcdefgh"
        consumer.end.release()
        producer.end.push(b"ijklmnop")
        room = bytearray(8)
        assert await consumer.pop_into(room) == 8
        assert room == b"ijklmnop"


async def test_what_does_not_come_in_time_is_told() -> None:
    async with ring(16, 8) as (_, producer, consumer):
        for timeout in (0, 0.002):
            with pytest.raises(TimedOut) as caught:  # it keeps the frames, and what they hold
                await consumer.pop(timeout)
            assert word(consumer, CONSUMER_SLEEPS) == 0, caught
        producer.end.push_batch(bytes(16))
        with pytest.raises(TimedOut):
            await producer.push(bytes(8), 0.002)
        with pytest.raises(TimedOut):
            await producer.push_many([bytes(8)], 0.002)
        with pytest.raises(TimedOut):
            await producer.push_batch(bytes(8), 0.002)
        assert word(producer, PRODUCER_SLEEPS) == word(consumer, CONSUMER_SLEEPS) == 0


async def test_a_cancelled_wait_leaves_nothing_and_loses_nothing() -> None:
    async with ring(64, 8) as (port, producer, consumer):
        for turns in range(8):
            found: list[bytes] = []

            async def pop(found: list[bytes] = found) -> None:
                found.append(await consumer.pop())

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(pop)
                await wait_until_async(lambda: word(consumer, CONSUMER_SLEEPS))
                producer.end.push(bytes([turns]) * 8)
                for _ in range(turns):
                    await port.checkpoint()
                tasks.cancel_scope.cancel()
            assert word(consumer, CONSUMER_SLEEPS) == 0
            if not found:
                found.append(consumer.end.try_pop())
            assert found == [bytes([turns]) * 8]
            assert not port.statistics()["waits"]


async def test_that_the_producer_is_gone_wakes_who_waits() -> None:
    async with ring(64, 8) as (_, producer, consumer), anyio.create_task_group() as tasks:

        async def leave() -> None:
            await wait_until_async(lambda: word(consumer, CONSUMER_SLEEPS))
            producer.end.push(b"farewell")
            producer.close()

        tasks.start_soon(leave)
        assert await consumer.pop() == b"farewell"
        with pytest.raises(PeerClosed):
            await consumer.pop()


async def test_that_the_consumer_is_gone_wakes_who_waits() -> None:
    async with ring(16, 8) as (_, producer, consumer), anyio.create_task_group() as tasks:

        async def leave() -> None:
            await wait_until_async(lambda: word(producer, PRODUCER_SLEEPS))
            consumer.close()

        tasks.start_soon(leave)
        with pytest.raises(PeerClosed):
            await producer.push_batch(bytes(64))


async def test_who_waits_in_a_ring_that_is_closed_is_told() -> None:
    async with ring(64) as (_, _producer, consumer), anyio.create_task_group() as tasks:

        async def close() -> None:
            await wait_until_async(lambda: word(consumer, CONSUMER_SLEEPS))
            consumer.close()

        tasks.start_soon(close)
        with pytest.raises(Canceled):
            await consumer.pop()


async def test_who_never_waits_lets_others_run() -> None:
    async with ring(1 << 16, 8) as (_, producer, consumer), anyio.create_task_group() as tasks:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await anyio.lowlevel.checkpoint()

        tasks.start_soon(count)
        for _ in range(1000):
            await producer.push(bytes(8))
        assert turns > 5
        turns = 0
        for _ in range(1000):
            await consumer.pop()
        assert turns > 5
        tasks.cancel_scope.cancel()
