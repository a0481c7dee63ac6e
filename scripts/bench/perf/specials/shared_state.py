"""`shared_state`: copies of 256 bytes that another process publishes 10,000 times a second."""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated, Final

from ipcrt.objects.vmo import Vmo
from ipcrt.shm.layout import Layout, Section
from ipcrt.shm.record import U64, Array, Record
from ipcrt.shm.shared_state import SharedState
from ipcrt.shm.state_reader import StateReader
from scripts.bench.perf import beside
from scripts.bench.perf.catalogue import ROOT
from scripts.bench.perf.results import Special

NAME: Final = "shared_state"
COUNT: Final = 20_000
PERIOD_S: Final = 0.0001


class Words(Record):
    words: Annotated[tuple[int, ...], Array(U64, 32)]


WORDS: Final = Section("words", Words)
LAYOUT: Final = Layout("bench", (WORDS,))
WRITER: Final = "from scripts.bench.perf.specials.shared_state import write; write()"


def measure(repetitions: int) -> Special:
    """Read beside a writer, with and without checksums, and publish beside nobody, in turn."""
    found: dict[str, list[float]] = {
        name: [] for name in ("snapshot_ns", "checked_snapshot_ns", "publish_ns", "quiet_ns")
    }
    data = bytes(WORDS.shape.size)
    with reader(checked=False) as plain, reader(checked=True) as checked:
        calls: list[Callable[[], object]] = [
            plain.section(WORDS).snapshot,
            checked.section(WORDS).snapshot,
        ]
        with SharedState.create(LAYOUT) as loud, SharedState.create(LAYOUT, quiet=["words"]) as low:
            for state in (loud, low):
                publish = state.writer(WORDS).publish_bytes
                calls.append(functools.partial(publish, data))
            for _ in range(repetitions):
                for times, call in zip(found.values(), calls, strict=True):
                    times.append(_median_ns(call))
    figures = {name: round(statistics.median(times), 1) for name, times in found.items()}
    return Special(NAME, figures, rounds=found)


def _median_ns(call: Callable[[], object]) -> float:
    """Answer the median of single calls, less what looking at the clock takes."""
    clock = time.perf_counter_ns
    taken: list[int] = []
    empty: list[int] = []
    for _ in range(COUNT):
        begun = clock()
        call()
        ended = clock()
        taken.append(ended - begun)
        empty.append(clock() - ended)
    return statistics.median(taken) - statistics.median(empty)


@contextmanager
def reader(*, checked: bool) -> Generator[StateReader]:
    """Start a writer in a process of its own, and read what it publishes."""
    changes = {"PYTHONPATH": str(ROOT), "IPCRT_BENCH_CHECKED": str(int(checked))}
    process = beside.start([sys.executable, "-c", WRITER], changes, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        number = int(process.stdout.readline())
        fd = os.open(f"/proc/{process.pid}/fd/{number}", os.O_RDONLY | os.O_CLOEXEC)
        with StateReader.attach(Vmo(fd), LAYOUT) as made:
            made.wait(WORDS, 0, 10.0)
            yield made
    finally:
        process.kill()
        process.communicate()


def write() -> None:
    """Publish until killed, every 100 µs, sleeping between."""
    state = SharedState.create(LAYOUT, checked=os.environ["IPCRT_BENCH_CHECKED"] == "1")
    publish = state.writer(WORDS).publish_bytes
    data = bytes(WORDS.shape.size)
    with state, state.share() as shared:
        print(shared.fileno(), flush=True)
        while True:
            publish(data)
            time.sleep(PERIOD_S)
