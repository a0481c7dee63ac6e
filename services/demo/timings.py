"""Latencies: gathered by the players, summed up by the conductor."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ipcrt_services.demo.bindings import Timing

_MAX_SAMPLES = 1_000_000


class Timings:
    """How long calls took, by their kind."""

    def __init__(self) -> None:
        self._us: dict[str, list[float]] = {}

    def add(self, kind: str, began_ns: int) -> None:
        """Note a call that ends now; `began_ns` is what `time.perf_counter_ns` said before."""
        samples = self._us.setdefault(kind, [])
        if len(samples) < _MAX_SAMPLES:
            samples.append((time.perf_counter_ns() - began_ns) / 1000)

    def take(self) -> list[Timing]:
        """Answer what was gathered, and begin anew."""
        gathered, self._us = self._us, {}
        return [Timing(kind, us) for kind, us in gathered.items()]


@dataclass(frozen=True, slots=True)
class Latency:
    """What calls of one kind took, in microseconds."""

    kind: str
    count: int
    p50_us: float
    p99_us: float


def summarize(timings: Iterable[Timing]) -> list[Latency]:
    """Put together what several players gathered, in the order in which the kinds came first."""
    by_kind: dict[str, list[float]] = {}
    for timing in timings:
        by_kind.setdefault(timing.kind, []).extend(timing.us)
    return [
        Latency(kind, len(us), percentile(us, 50), percentile(us, 99))
        for kind, us in by_kind.items()
        if us
    ]


def percentile(values: Sequence[float], percent: float) -> float:
    """Answer the smallest value that `percent` of all do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]
