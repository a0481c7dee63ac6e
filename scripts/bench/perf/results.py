"""What was found: for each row, measure and placement, the rounds' medians; and their ratios."""

from __future__ import annotations

import statistics
from typing import Any

import msgspec

from scripts.bench.perf.placement import Placement
from scripts.bench.perf.row import Kind, Measure


class RowState(msgspec.Struct):
    """A row, and why it has no figures, or not all."""

    name: str
    kind: Kind
    skipped: str | None = None
    failed: str | None = None


class Figure(msgspec.Struct):
    """What one row's operations of one measure took, in nanoseconds each."""

    placement: Placement
    measure: Measure
    row: str
    count: int
    """Operations in each round."""
    rounds_ns: list[float]
    """The median of each round; of totals, the mean."""
    p50_ns: float
    """The median of the rounds."""
    p99_ns: float | None = None
    """Of all operations of all rounds; None of totals, and of fewer than 100."""
    client_cpu_ns: float | None = None
    """Processor time of the client for one operation, where nothing else is in it."""
    server_cpu_ns: float | None = None


class Special(msgspec.Struct):
    """A measure that has no rows: its figures by name, or why there are none."""

    name: str
    figures: dict[str, float] = {}
    rounds: dict[str, list[float]] = {}
    """What each figure is the median of, where it is of rounds that took turns."""
    failed: str | None = None


class Results(msgspec.Struct):
    """A whole run."""

    machine: dict[str, str]
    load: list[float]
    """The load average of a minute, before and after."""
    options: dict[str, Any]
    rows: list[RowState] = []
    figures: list[Figure] = []
    specials: list[Special] = []
    dropped: list[str] = []
    """What there was no time for."""
    wrong: list[str] = []
    """Files of rows that could not be read."""

    def figure(self, placement: Placement, measure: Measure, row: str) -> Figure | None:
        """Answer what was found, if anything was."""
        for each in self.figures:
            if (each.placement, each.measure, each.row) == (placement, measure, row):
                return each
        return None

    def special(self, name: str) -> Special | None:
        """Answer a special measure, if it was taken."""
        return next((each for each in self.specials if each.name == name), None)


def ratio(over: Figure | None, under: Figure | None) -> float | None:
    """Answer the median of the rounds' ratios; None where either is missing.

    Rounds that were taken at the same time share the machine's noise.
    """
    if over is None or under is None:
        return None
    pairs = list(zip(over.rounds_ns, under.rounds_ns, strict=False))
    return statistics.median(a / b for a, b in pairs) if pairs else None


def percentile_99(values: list[int]) -> float | None:
    """Answer what 99 of 100 do not exceed; None of too few to tell."""
    if len(values) < 100:
        return None
    return statistics.quantiles(values, n=100)[98]
