"""The ends of a ring: one makes it and pushes, the other, who is a service, pops."""

from __future__ import annotations

import time

from ipcrt.locator.service import provide
from ipcrt.objects.fifo import Fifo
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.shm.ring import create_ring
from ipcrt.shm.ring_async import AsyncRingConsumer
from ipcrt.shm.ring_consumer import RingConsumer
from tests.soak import records
from tests.soak.opening import BREATH_S, GONE, PATIENCE_S, opened
from tests.soak.sink import NAME, SinkBlockingProxy, SinkServer
from tests.soak.tally import Tally

_RING_BYTES = 1 << 16
_BATCH = 64


def produce(tally: Tally) -> None:
    """Make a ring, hand its other end over, and push."""
    with opened(SinkBlockingProxy) as sink:
        producer, consumer = create_ring(_RING_BYTES)
        with producer:
            sink.take(consumer.take())
            tally.begin()
            for first in range(0, 1 << 62, _BATCH):
                numbers = range(first, first + _BATCH)
                producer.push_many([records.record(number) for number in numbers], PATIENCE_S)
                tally.step()
                time.sleep(BREATH_S)


class Sink(SinkServer):
    """Takes the other end of each ring that is made, and pops."""

    def __init__(self, port: AsyncPort, tally: Tally) -> None:
        self._port = port
        self._tally = tally

    def take(self, vmo: Vmo, bell: Fifo) -> None:
        ring = AsyncRingConsumer(RingConsumer.attach(vmo, bell), self._port)
        self._port.spawn(self._consume(ring), "consume")

    async def _consume(self, consumer: AsyncRingConsumer) -> None:
        number = 0
        try:
            async with consumer as ring:
                self._tally.begin()
                while True:
                    for found in await ring.pop_many():
                        records.check(found, number)
                        number += 1
                    self._tally.step()
        except GONE:
            self._tally.fail()


async def consume(tally: Tally) -> None:
    async with open_port() as port:
        await provide(port, {NAME: lambda _: Sink(port, tally)})
