"""`clients`: what an idle client costs the daemon, and how fast clients connect."""

from __future__ import annotations

import contextlib
import resource
import statistics
import time
from pathlib import Path
from typing import Final

from ipcrt.locator.connect import connect_blocking
from ipcrt.port.blocking import BlockingPort
from scripts.bench.perf.results import Special
from scripts.bench.perf.specials.daemon import DEADLINE_S, directory, running

NAME: Final = "clients"
MORE: Final = 1000
SETTLE_S: Final = 0.3
_FIELDS: Final = {"private_kib": ("Private_Clean", "Private_Dirty"), "pss_kib": ("Pss",)}


def measure(repetitions: int) -> Special:
    """Measure a fresh daemon so many times."""
    found: dict[str, list[float]] = {}
    for _ in range(repetitions):
        for name, value in _once().items():
            found.setdefault(name, []).append(round(value, 2))
    figures = {name: round(statistics.median(values), 2) for name, values in found.items()}
    return Special(NAME, figures, rounds=found)


def _once() -> dict[str, float]:
    """Answer KiB for each of 1,000 idle clients more than one, and clients a second.

    A client has connected when it knows whom the daemon takes it for: a call and its reply.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(directory())
        pid = stack.enter_context(running(path))
        port = stack.enter_context(BlockingPort())
        stack.enter_context(connect_blocking(path, port=port, timeout=DEADLINE_S))
        time.sleep(SETTLE_S)
        before, begun = memory(pid), time.perf_counter()
        for _ in range(MORE):
            stack.enter_context(connect_blocking(path, port=port, timeout=DEADLINE_S))
        taken = time.perf_counter() - begun
        time.sleep(SETTLE_S)
        after = memory(pid)
    figures = {name: (after[name] - before[name]) / MORE for name in before}
    return figures | {"daemon_private_kib": before["private_kib"], "connections_s": MORE / taken}


def memory(pid: int) -> dict[str, float]:
    """Answer what a process has in memory, in KiB. Source: /proc/PID/smaps_rollup in proc(5)."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    lines = (line.split() for line in text.splitlines()[1:])
    values = {line[0].rstrip(":"): float(line[1]) for line in lines}
    return {name: sum(values[each] for each in fields) for name, fields in _FIELDS.items()}
