"""`import`: what a client's imports add to a bare interpreter's start and end."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Final

from scripts.bench.perf import beside
from scripts.bench.perf.catalogue import ROOT
from scripts.bench.perf.results import Special

NAME: Final = "import"
CONTRACT: Final = "from scripts.bench.perf.contract import"
PROGRAMS: Final[Mapping[str, str]] = {
    "bare": "pass",
    "asyncio": "import asyncio",
    "client": f"{CONTRACT} BenchProxy; from ipcrt import connect; import ipcrt.port.asyncio_port",
    "blocking_client": f"{CONTRACT} BenchBlockingProxy; from ipcrt import connect_blocking",
}
DEADLINE_S: Final = 20.0


def measure(repetitions: int) -> Special:
    """Start each program in turn; a difference is the median of the rounds' differences."""
    found: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    cpu: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as compiled:  # as an installed package's code is
        for number in range(repetitions + 1):
            for name, program in PROGRAMS.items():
                wall_ms, cpu_ms = _start(program, compiled)
                if number:  # the first writes byte code, and warms the disk's cache
                    found[name].append(wall_ms)
                    cpu[name].append(cpu_ms)
    figures = {"bare_ms": round(statistics.median(found["bare"]), 1)}
    for name in list(PROGRAMS)[1:]:
        figures[f"{name}_over_bare_ms"] = _difference(found[name], found["bare"])
        figures[f"{name}_over_bare_cpu_ms"] = _difference(cpu[name], cpu["bare"])
    return Special(NAME, figures, rounds=found)


def _difference(over: list[float], under: list[float]) -> float:
    return round(statistics.median(a - b for a, b in zip(over, under, strict=True)), 1)


def _start(program: str, compiled: str) -> tuple[float, float]:
    """Run a program; answer its milliseconds by the clock, and of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    changes = {
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": compiled,
        "PYTHONDONTWRITEBYTECODE": "",
    }
    process = beside.start([sys.executable, "-c", program], changes)
    try:
        status = process.wait(DEADLINE_S)
    finally:
        process.kill()
        process.wait()
    wall_s = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status:
        raise subprocess.CalledProcessError(status, [os.path.basename(sys.executable), program])
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall_s * 1000, cpu_s * 1000
