"""What the other process of a ring does: `python -m tests.shm.ring_children <role> <fd> ...`.

The end of the ring comes over the channel `fd`. Each function is one role; it ends with status 0
only if all that it checks held.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable

from ipcrt.errors import PeerClosed
from ipcrt.objects.channel import Channel, Message
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt.shm.ring_consumer import RingConsumer
from ipcrt.shm.ring_producer import RingProducer


def records_of(count: int, longest: int) -> list[bytes]:
    """Answer the records that both processes know."""
    return [(b"%d " % number * longest)[: number * 7919 % (longest + 1)] for number in range(count)]


def receive(channel: Channel) -> Message:
    """Wait for the next message."""
    wait_one(channel, Signals.READABLE | Signals.PEER_CLOSED)
    return channel.read()


def consume(number: int) -> None:
    """Pop until the producer is gone; print how many records came, and their check sum."""
    with Channel(number) as channel, RingConsumer.attach(*receive(channel).handles) as ring:
        count = total = 0
        try:
            while True:
                for record in ring.pop_many(7) if count % 3 else [ring.pop()]:
                    count += 1
                    total = zlib.crc32(record, total)
        except PeerClosed:
            print(count, total, flush=True)


def produce(number: int, count: int, longest: int) -> None:
    """Push the records that are known, one by one."""
    with Channel(number) as channel, RingProducer.attach(*receive(channel).handles) as ring:
        for record in records_of(count, longest):
            ring.push(record)


def answer(number: int, count: int) -> None:
    """Pop a record and push it back, so often; each side sleeps nearly each time."""
    with (
        Channel(number) as channel,
        RingConsumer.attach(*receive(channel).handles) as into,
        RingProducer.attach(*receive(channel).handles) as back,
    ):
        for _ in range(count):
            back.push(into.pop())


def hold(number: int) -> None:
    """Push two records, say so, and hang in a wait for room, until somebody kills this process."""
    with Channel(number) as channel, RingProducer.attach(*receive(channel).handles) as ring:
        ring.push(b"12345678")
        ring.push(b"abcdefgh")
        print("pushed", flush=True)
        ring.push(b"never in")


def hang(number: int) -> None:
    """Attach, say so, and hang in a wait for a record, until somebody kills this process."""
    with Channel(number) as channel, RingConsumer.attach(*receive(channel).handles) as ring:
        print("attached", flush=True)
        ring.pop()


ROLES: dict[str, Callable[..., None]] = {
    role.__name__: role for role in (consume, produce, answer, hold, hang)
}

if __name__ == "__main__":
    ROLES[sys.argv[1]](*map(int, sys.argv[2:]))
