"""Who is measured when: rows take turns within each round, and a group's measures within a row."""

from __future__ import annotations

import contextlib
import functools
import statistics
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from scripts.bench.perf.catalogue import Entry
from scripts.bench.perf.pair import Pair, RowFailed, Run
from scripts.bench.perf.placement import Placement, cores
from scripts.bench.perf.results import Figure, Results, RowState, percentile_99
from scripts.bench.perf.row import TOTALS, Measure

T = TypeVar("T")

ALL: Final = tuple(Placement)
GROUPS: Final[tuple[tuple[tuple[Measure, ...], tuple[Placement, ...]], ...]] = (
    ((Measure.ADD,), ALL),
    ((Measure.FLIGHT_64,), (Placement.SAME, Placement.FREE)),
    ((Measure.FD_NONE, Measure.FD), (Placement.SAME,)),
    ((Measure.BYTES_1M, Measure.VMO_1M), (Placement.SAME, Placement.FREE)),
    ((Measure.FLIGHT_1, Measure.FLIGHT_1000), (Placement.SAME,)),
    ((Measure.CLIENTS_1, Measure.CLIENTS_1000), (Placement.SAME,)),
    ((Measure.BYTES_64M, Measure.VMO_64M), (Placement.FREE,)),
    ((Measure.ECHO,), ALL),
    ((Measure.ONE_WAY, Measure.EVENTS), (Placement.SAME, Placement.FREE)),
    ((Measure.STALLED_0, Measure.STALLED_100), (Placement.FREE,)),
)
"""What is measured together and where, the most telling first."""
CPU: Final = frozenset({Measure.ADD, Measure.ECHO, Measure.FLIGHT_64, Measure.ONE_WAY})
"""Measures whose runs do nothing but their operations."""
AT_ONCE: Final = 4
"""Rows that start at the same time."""
FIRST: Final = {
    Measure.FLIGHT_64: 2048,
    Measure.FLIGHT_1000: 2000,
    Measure.STALLED_0: 500,
    Measure.STALLED_100: 500,
}
"""How many operations tell how many are to follow; of these measures, never fewer."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    slice_ns: int
    """How long one row's turn of one measure is to take."""
    least: int
    """Operations of a turn, however long they take."""
    placements: tuple[Placement, ...]
    measures: frozenset[Measure]
    start_until: float
    """When no more rows are started, by time.monotonic."""
    until: float
    """When nothing is measured any more."""
    timeout_s: float
    """How long a start may take, and a run, before a row has failed."""


@dataclass(slots=True)
class Turn:
    """What is known of one row and measure while its rounds go on."""

    pair: Pair
    measure: Measure
    count: int
    timeout_s: float
    runs: list[Run] = field(default_factory=list[Run])

    def take(self) -> None:
        """Take one turn. Raises: RowFailed."""
        self.runs.append(self.pair.run(self.measure, self.count, self.timeout_s))

    def figure(self, placement: Placement) -> Figure:
        count = self.count
        total = self.measure in TOTALS
        medians = [run.ns[0] / count if total else statistics.median(run.ns) for run in self.runs]
        all_ns = [] if total else [ns for run in self.runs for ns in run.ns]
        figure = Figure(
            placement=placement,
            measure=self.measure,
            row=self.pair.row.name,
            count=count,
            rounds_ns=[round(median, 1) for median in medians],
            p50_ns=round(statistics.median(medians), 1),
            p99_ns=percentile_99(all_ns),
        )
        if self.measure in CPU:
            client = statistics.median(run.client_cpu_ns for run in self.runs)
            server = statistics.median(run.server_cpu_ns for run in self.runs)
            figure.client_cpu_ns = round(client / count, 1)
            figure.server_cpu_ns = round(server / count, 1)
        return figure


class Schedule:
    """Takes the rows through all measures; owns their processes."""

    def __init__(
        self, plan: Plan, results: Results, tell: Callable[[str, float], None], allowed: list[int]
    ) -> None:
        """`tell(what, share)` is called as the work goes on."""
        self._plan = plan
        self._results = results
        self._tell = tell
        self._allowed = allowed
        self._pairs: list[Pair] = []
        self._states: dict[str, RowState] = {}

    @contextlib.contextmanager
    def started(self, entries: list[Entry]) -> Generator[None]:
        """Start the rows' processes; all are gone in the end."""
        for entry in entries:
            state = RowState(entry.row.name, entry.row.kind, skipped=entry.reason)
            self._results.rows.append(state)
            self._states[entry.row.name] = state
        able = [entry for entry in entries if entry.reason is None]
        try:
            for first in range(0, len(able), AT_ONCE):
                self._tell(f"starting {able[first].row.name}", 0.0)
                self._start(able[first : first + AT_ONCE])
            yield
        finally:
            for pair in self._pairs:
                pair.close()

    def _start(self, entries: list[Entry]) -> None:
        """Start some rows at the same time, unless it is too late."""
        if time.monotonic() > self._plan.start_until:
            self._results.dropped += (entry.row.name for entry in entries)
            return
        pairs = [Pair(entry) for entry in entries]
        self._pairs += pairs
        for wait in (Pair.wait_server, Pair.wait_client):
            until = time.monotonic() + self._plan.timeout_s
            for pair in pairs:
                if pair in self._pairs:
                    self._attempt(pair, functools.partial(wait, pair, until))

    def _attempt(self, pair: Pair, step: Callable[[], T]) -> T | None:
        """Do this, and let the row fail by itself."""
        try:
            return step()
        except RowFailed as error:
            self._states[pair.row.name].failed = str(error)
            self._pairs.remove(pair)
            pair.close()
            return None

    def run(self) -> None:
        """Measure everything that there is time for."""
        wanted = self._plan.measures
        steps = [
            (placement, chosen)
            for group, where in GROUPS
            if (chosen := tuple(each for each in group if each in wanted))
            for placement in self._plan.placements
            if placement in where
        ]
        for number, (placement, measures) in enumerate(steps):
            what = f"{placement} {', '.join(measures)}"
            if self._is_late():
                self._results.dropped.append(what)
                continue
            self._tell(what, number / len(steps))
            self._place(placement)
            turns = self._turns(placement, measures)
            for part in range(self._plan.rounds):
                self._tell(what, (number + part / self._plan.rounds) / len(steps))
                self._round(turns if part % 2 else turns[::-1])
            self._results.figures += (turn.figure(placement) for turn in turns if turn.runs)
            if self._is_late():
                self._results.dropped.append(f"all of {what}")
        self._tell("done", 1.0)

    def _place(self, placement: Placement) -> None:
        where = cores(placement, self._allowed)
        assert where is not None
        for pair in self._pairs:
            pair.pin(*where)

    def _turns(self, placement: Placement, measures: tuple[Measure, ...]) -> list[Turn]:
        """Answer who takes turns, and how long each turn is."""
        return [
            turn
            for pair in list(self._pairs)
            if not pair.row.spins or placement is Placement.SPLIT
            for measure in measures
            if measure in pair.row.measures and (turn := self._calibrated(pair, measure))
        ]

    def _round(self, turns: list[Turn]) -> None:
        for turn in turns:
            if turn.pair in self._pairs and not self._is_late():
                self._attempt(turn.pair, turn.take)

    def _is_late(self) -> bool:
        return time.monotonic() > self._plan.until

    def _calibrated(self, pair: Pair, measure: Measure) -> Turn | None:
        """Warm up, and find out how many operations make a turn; None if the row fails."""
        if self._is_late():
            return None
        first = 1 if measure.endswith("64m") else FIRST.get(measure, 32)
        run = self._attempt(pair, lambda: pair.run(measure, first, self._plan.timeout_s))
        if run is None:
            return None
        each = run.ns[0] / first if measure in TOTALS else statistics.median(run.ns)
        count = max(self._plan.least, int(self._plan.slice_ns / max(each, 1.0)))
        count = max(count, first) if measure in FIRST else count
        return Turn(pair, measure, count, self._plan.timeout_s)
