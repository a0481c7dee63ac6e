"""Ring: records from one process to another through memory that both have mapped.

    producer, consumer = create_ring(1 << 20, record_bytes=8)
    channel.write(b"ring", consumer.take())          # the VMO and the bell, to another process
    producer.push_batch(numpy.arange(1024))

    consumer = RingConsumer.attach(*message.handles)  # there
    numpy.frombuffer(consumer.pop_batch(), "i8")

No system call is made while both sides are awake. Who finds the ring full or empty may sleep; the
other then rings a bell. Nothing that the other end wrote is believed: see `ring_end`.
"""

from __future__ import annotations

import contextlib

from ipcrt.shm.ring_bell import create_bell
from ipcrt.shm.ring_consumer import RingConsumer
from ipcrt.shm.ring_layout import make_shape
from ipcrt.shm.ring_memory import create_memory
from ipcrt.shm.ring_producer import RingProducer


def create_ring(
    capacity_bytes: int,
    *,
    record_bytes: int | None = None,
    name: str = "ring",
    busy_poll_us: int | None = None,
) -> tuple[RingProducer, RingConsumer]:
    """Make an empty ring: its two ends, each owned by the caller; `take` one to send it away.

    The capacity is rounded up to whole records. `record_bytes` None: each record has its own size,
    takes 8 to 15 bytes more, and at most half the capacity. All pages are allocated here. `name`
    shows in /proc; `busy_poll_us` is for both ends, see `RingEnd.attach`. Raises: OutOfRange: no
    room for a record, or over 1 GiB. InvalidArgs: a NUL in the name, no time to poll. NoResources.
    """
    shape = make_shape(capacity_bytes, record_bytes)
    limit = shape.memory_bytes
    with contextlib.ExitStack() as undo:
        vmo = undo.enter_context(create_memory(shape, name))
        bells = create_bell()
        for bell in bells:
            undo.enter_context(bell)
        far = undo.enter_context(vmo.duplicate())
        producer = RingProducer.attach(vmo, bells[0], max_bytes=limit, busy_poll_us=busy_poll_us)
        undo.enter_context(producer)
        consumer = RingConsumer.attach(far, bells[1], max_bytes=limit, busy_poll_us=busy_poll_us)
        undo.pop_all()
    return producer, consumer
