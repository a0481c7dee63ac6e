"""`ring`: records a second between two processes, and how near 1 MiB records come to memcpy.

The floor of a record's bytes is a copy of as many into memory that is laid out like the ring's: as
long, mapped, touched before. It takes turns with the ring, in this process. Both processes of a
ring need a core: where others want them too, these ratios tell of the others.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from typing import Final

from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.shm.ring import create_ring
from ipcrt.shm.ring_consumer import RingConsumer
from ipcrt.shm.ring_producer import RingProducer
from scripts.bench.perf import beside
from scripts.bench.perf.catalogue import ROOT
from scripts.bench.perf.results import Special
from scripts.bench.perf.row import MIB
from scripts.bench.perf.specials.ring_peer import BUSY_POLL_US, WAYS, receive

NAME: Final = "ring"
SLOTS: Final = 8
"""1 MiB records that a ring holds."""
BIG: Final = 128
"""1 MiB records that pass in a burst."""
BURSTS: Final = 10
"""Of so many, taken in turns, the fastest counts: others on the machine can only slow one down."""
SMALL: Final = 400
"""Batches of small records that pass in a round."""
RECORD: Final = b"12345678"
_LARGE: Final = ("copied", "lent", "copied_sleeping")


class Pair:
    """The producers of all rings, here, and the process that consumes them."""

    def __init__(self, channel: Channel, rings: dict[str, RingProducer]) -> None:
        self._channel = channel
        self._rings = rings

    def seconds(self, way: str, count: int, push: Callable[[RingProducer], None]) -> float:
        """Answer how long `count` records take from the first push to the last pop."""
        self._channel.write(f"{way} {count}".encode())
        begun = time.perf_counter()
        push(self._rings[way])
        receive(self._channel)
        return time.perf_counter() - begun


@contextlib.contextmanager
def _pair() -> Generator[Pair]:
    with contextlib.ExitStack() as stack:
        near, far = Channel.create()
        stack.enter_context(near)
        with far:
            module = "scripts.bench.perf.specials.ring_peer"
            environment = {"PYTHONPATH": str(ROOT)}
            process = beside.start([sys.executable, "-m", module], environment, stdin=far.fileno())
        stack.callback(_end, process)
        rings: dict[str, RingProducer] = {}
        handles: list[Handle] = []
        stack.callback(close_all, handles)
        for way in WAYS:
            rings[way], consumer = _create(way)
            stack.callback(rings[way].close)
            handles += consumer.take()
        near.write(b"rings", handles)
        receive(near)
        yield Pair(near, rings)


def _create(way: str) -> tuple[RingProducer, RingConsumer]:
    capacity, record = (SLOTS * MIB, MIB) if way in _LARGE else (MIB, len(RECORD))
    return create_ring(
        capacity,
        record_bytes=None if way == "many" else record,
        busy_poll_us=BUSY_POLL_US.get(way, 0),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def measure(repetitions: int) -> Special:
    """Have all ways take turns, so many rounds after a first one that is not counted."""
    found: dict[str, list[float]] = {}
    with _pair() as pair:
        _round(pair)
        for _ in range(repetitions):
            for name, value in _round(pair).items():
                found.setdefault(name, []).append(round(value, 3))
    figures = {name: round(statistics.median(values), 3) for name, values in found.items()}
    return Special(NAME, figures, rounds=found)


def _round(pair: Pair) -> dict[str, float]:
    figures = {f"batch_{size}_records_s": _batches(pair, size) for size in (64, 256, 1024)}
    figures["many_64_records_s"] = _many(pair)
    memory = os.urandom(MIB)
    fastest = dict.fromkeys(("memcpy", *_LARGE), 0.0)
    for _ in range(BURSTS):
        fastest["memcpy"] = max(fastest["memcpy"], _memcpy(memory))
        for way in _LARGE:
            seconds = pair.seconds(way, BIG, lambda ring: _push(ring, memory))
            fastest[way] = max(fastest[way], _gb_s(seconds))
    for name, speed in fastest.items():
        figures[f"{name}_gb_s"] = speed
    for way in _LARGE:
        figures[f"{way}_over_memcpy"] = fastest[way] / fastest["memcpy"]
    return figures


def _batches(pair: Pair, size: int) -> float:
    """Answer records of 8 bytes a second, pushed `size` at a time."""
    batch = RECORD * size

    def push(ring: RingProducer) -> None:
        for _ in range(SMALL):
            ring.push_batch(batch)

    return SMALL * size / pair.seconds("batches", SMALL * size, push)


def _many(pair: Pair) -> float:
    """Answer records that each have a size, and are objects on both sides, a second."""
    records = [RECORD] * 64

    def push(ring: RingProducer) -> None:
        for _ in range(SMALL):
            ring.push_many(records)

    return SMALL * 64 / pair.seconds("many", SMALL * 64, push)


def _push(ring: RingProducer, record: bytes) -> None:
    for _ in range(BIG):
        ring.push(record)


def _memcpy(memory: bytes) -> float:
    """Answer GB/s of copies into memory like a ring's."""
    with contextlib.closing(mmap.mmap(-1, SLOTS * MIB)) as room:
        room[:] = bytes(SLOTS * MIB)
        begun = time.perf_counter()
        for number in range(BIG):
            at = number % SLOTS * MIB
            room[at : at + MIB] = memory
        return _gb_s(time.perf_counter() - begun)


def _gb_s(seconds: float) -> float:
    return BIG * MIB / seconds / 1e9
