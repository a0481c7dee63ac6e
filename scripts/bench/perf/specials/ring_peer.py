"""The consumer of `ring`, a process: `python -m scripts.bench.perf.specials.ring_peer`.

Its standard input is a channel. A message with the handles of rings comes first, each ring for the
way of popping at its place in WAYS. Then each message names a way and a count; it is answered when
so many records came out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from ipcrt.errors import PeerClosed
from ipcrt.objects.channel import Channel, Message
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt.shm.ring_consumer import RingConsumer
from scripts.bench.perf.timing import touch


def batches(ring: RingConsumer, count: int) -> None:
    unit = ring.batch_unit()
    while count:
        count -= len(ring.pop_batch()) // unit


def many(ring: RingConsumer, count: int) -> None:
    while count:
        count -= len(ring.pop_many())


def copied(ring: RingConsumer, count: int) -> None:
    buffer = bytearray(ring.batch_unit())
    for _ in range(count):
        ring.pop_into(buffer)


def lent(ring: RingConsumer, count: int) -> None:
    """Read a byte of every page, in place."""
    for _ in range(count):
        touch(ring.peek())
        ring.release()


WAYS: Final[dict[str, Callable[[RingConsumer, int], None]]] = {
    "batches": batches,
    "many": many,
    "copied": copied,
    "lent": lent,
    "copied_sleeping": copied,
}
BUSY_POLL_US: Final = {"copied": 50, "lent": 50}
"""For how long both sides look before they sleep; the other ways sleep at once."""


def receive(channel: Channel) -> Message:
    """Wait for a message. Raises: PeerClosed."""
    wait_one(channel, Signals.READABLE | Signals.PEER_CLOSED)
    return channel.read()


def main() -> None:
    """Pop until nobody asks any more."""
    with Channel(os.dup(0)) as channel:
        handles = iter(receive(channel).handles)
        rings = {
            way: RingConsumer.attach(
                next(handles), next(handles), busy_poll_us=BUSY_POLL_US.get(way, 0)
            )
            for way in WAYS
        }
        channel.write(b"ready")
        try:
            while True:
                way, count = receive(channel).data.decode().split()
                WAYS[way](rings[way], int(count))
                channel.write(b"done")
        except PeerClosed:
            pass
        for ring in rings.values():
            ring.close()


if __name__ == "__main__":
    main()
