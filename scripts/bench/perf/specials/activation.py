"""`activation`: from a connection that starts the daemon to the first reply."""

from __future__ import annotations

import statistics
import time
from typing import Final

from ipcrt.locator.connect import connect_blocking
from scripts.bench.perf.results import Special
from scripts.bench.perf.specials.daemon import DEADLINE_S, activated, directory, running

NAME: Final = "activation"


def measure(repetitions: int) -> Special:
    """Activate a daemon so many times; beside it, connect to one that runs."""
    found: dict[str, list[float]] = {"first_reply_ms": [], "running_reply_ms": []}
    with directory() as running_path, running(running_path):
        for _ in range(repetitions):
            with directory() as path, activated(path):
                found["first_reply_ms"].append(_reply_ms(path))
            found["running_reply_ms"].append(_reply_ms(running_path))
    figures = {name: round(statistics.median(values), 2) for name, values in found.items()}
    return Special(NAME, figures, rounds=found)


def _reply_ms(path: str) -> float:
    begun = time.perf_counter()
    with connect_blocking(path, timeout=DEADLINE_S):
        return (time.perf_counter() - begun) * 1000
