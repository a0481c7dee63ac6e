"""Results as a run would have found them."""

from __future__ import annotations

from scripts.bench.perf.placement import Placement
from scripts.bench.perf.results import Figure, Results, RowState, Special
from scripts.bench.perf.row import Kind, Measure


def figure(row: str, measure: Measure, placement: Placement, *rounds_ns: float) -> Figure:
    return Figure(
        placement=placement,
        measure=measure,
        row=row,
        count=100,
        rounds_ns=list(rounds_ns),
        p50_ns=sorted(rounds_ns)[len(rounds_ns) // 2],
    )


def results() -> Results:
    same, free = Placement.SAME, Placement.FREE
    floor, ours, blocking = "uvloop echo", "ipcrt uvloop def pure", "ipcrt blocking pure"
    return Results(
        machine={"cores": "2", "Python": "CPython 3.11"},
        load=[0.25, 1.5],
        options={"quick": True, "rounds": 3},
        rows=[
            RowState(floor, Kind.FLOOR),
            RowState(ours, Kind.OWN),
            RowState(blocking, Kind.OWN),
            RowState("slow & <steady>", Kind.ASYNC_PEER),
            RowState("missing", Kind.ASYNC_PEER, skipped="no module missing"),
            RowState("broken", Kind.SYNC_PEER, failed="server: OSError: no"),
        ],
        figures=[
            figure(floor, Measure.ADD, same, 10_000, 20_000, 10_000),
            figure(ours, Measure.ADD, same, 15_000, 30_000, 90_000),
            figure("slow & <steady>", Measure.ADD, same, 60_000, 60_000, 180_000),
            figure(floor, Measure.FLIGHT_64, free, 2_000, 2_000, 2_000),
            figure(ours, Measure.FLIGHT_64, free, 4_000, 4_000, 4_000),
        ],
        specials=[
            Special("clients", {"private_kib": 20.0}),
            Special("activation", failed="TimedOut: too late"),
        ],
        dropped=["same events"],
        wrong=["odd.py: SyntaxError: odd"],
    )
