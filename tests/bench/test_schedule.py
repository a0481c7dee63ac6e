from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from scripts.bench.perf.catalogue import Entry, reason
from scripts.bench.perf.pair import Pair
from scripts.bench.perf.placement import Placement
from scripts.bench.perf.results import Results
from scripts.bench.perf.row import TOTALS, Measure, Row
from scripts.bench.perf.rows import own, python_floor, uvloop_floor
from scripts.bench.perf.schedule import Plan, Schedule
from tests.bench import rows as broken

BROKEN = Path(broken.__file__)
UNTIL_S = 20.0


def entries(names: set[str]) -> list[Entry]:
    return [Entry(row, BROKEN, reason(row)) for row in broken.ROWS if row.name in names]


def plan_of(measures: frozenset[Measure], start_s: float, late_s: float, timeout_s: float) -> Plan:
    now = time.monotonic()
    return Plan(
        rounds=2,
        slice_ns=1_000_000,
        least=1,
        placements=(Placement.SAME,),
        measures=measures,
        start_until=now + start_s,
        until=now + late_s,
        timeout_s=timeout_s,
    )


def measure(
    names: set[str],
    timeout_s: float,
    late_s: float = UNTIL_S,
    start_s: float = UNTIL_S,
    measures: frozenset[Measure] = frozenset(Measure),
) -> Results:
    results = Results(machine={}, load=[0.0], options={})
    plan = plan_of(measures, start_s, late_s, timeout_s)
    schedule = Schedule(plan, results, lambda what, share: None, sorted(os.sched_getaffinity(0)))
    with schedule.started(entries(names)):
        schedule.run()
    return results


def test_a_row_that_fails_says_why_and_the_others_go_on() -> None:
    results = measure({"good", "raises", "dies"}, timeout_s=UNTIL_S)
    failed = {row.name: row.failed for row in results.rows}
    assert failed["good"] is None
    assert failed["raises"] == "server: OSError: cannot listen today"
    assert failed["dies"] == "the server has ended: died of it"
    (figure,) = results.figures
    assert (figure.row, figure.measure, len(figure.rounds_ns)) == ("good", Measure.ADD, 2)
    assert figure.p50_ns > 0
    assert figure.client_cpu_ns is not None
    assert figure.server_cpu_ns is not None


def test_a_row_that_does_not_answer_in_time_has_failed() -> None:
    results = measure({"late"}, timeout_s=0.5)
    assert [row.failed for row in results.rows] == ["the server did not answer in time"]


def test_a_run_that_does_not_end_in_time_has_failed() -> None:
    results = Results(machine={}, load=[0.0], options={})
    plan = plan_of(frozenset(Measure), UNTIL_S, UNTIL_S, UNTIL_S)

    def tell(what: str, share: float) -> None:
        if what == "same add":  # all have started
            schedule._plan = dataclasses.replace(plan, timeout_s=0.2)

    schedule = Schedule(plan, results, tell, sorted(os.sched_getaffinity(0)))
    with schedule.started(entries({"hangs"})):
        schedule.run()
    assert [row.failed for row in results.rows] == ["the client did not answer in time"]


def test_what_cannot_run_here_is_skipped_with_its_reason() -> None:
    results = measure({"absent", "unfit", "toolless"}, timeout_s=UNTIL_S)
    assert {row.name: row.skipped for row in results.rows} == {
        "absent": "no module no_such_module",
        "unfit": "not on Sundays",
        "toolless": "no command no-such",
    }


def test_what_there_is_no_time_for_is_told() -> None:
    results = measure({"good"}, timeout_s=UNTIL_S, late_s=0.0)
    assert not results.figures
    assert "same add" in results.dropped


def test_only_what_is_wanted_is_measured() -> None:
    wanted = frozenset({Measure.ECHO})
    assert measure({"good"}, timeout_s=UNTIL_S, measures=wanted).figures == []


def test_what_was_cut_short_is_told() -> None:
    results = Results(machine={}, load=[0.0], options={})
    plan = plan_of(frozenset(Measure), UNTIL_S, UNTIL_S, UNTIL_S)

    def tell(what: str, share: float) -> None:
        if what == "same add":  # its turns have been found out once it is told for the second time
            told.append(share)
            schedule._plan = dataclasses.replace(plan, until=0.0) if len(told) > 1 else plan

    told: list[float] = []
    schedule = Schedule(plan, results, tell, sorted(os.sched_getaffinity(0)))
    with schedule.started(entries({"good"})):
        schedule.run()
    assert results.dropped[:2] == ["all of same add", "same flight_64"]


def test_rows_that_there_is_no_time_to_start_are_told() -> None:
    results = measure({"good"}, timeout_s=UNTIL_S, start_s=0.0)
    assert not results.figures
    assert results.dropped == ["good"]


KEPT = (
    (python_floor, "Python send and recv"),
    (python_floor, "Python SEQPACKET fresh buffer"),
    (python_floor, "Python SEQPACKET bytearray"),
    (python_floor, "Python memfd"),
    (uvloop_floor, "uvloop echo"),
    (own, "ipcrt uvloop async def pure"),
    (own, "ipcrt uvloop def pure"),
    (own, "ipcrt trio def pure"),
    (own, "ipcrt blocking pure"),
)


@pytest.mark.parametrize("name", [name for _, name in KEPT])
def test_a_row_answers_as_many_times_as_its_measures_say(name: str) -> None:
    module = next(module for module, each in KEPT if each == name)
    row: Row = next(row for row in module.ROWS if row.name == name)
    with Pair(Entry(row, Path(str(module.__file__)), None)) as pair:
        pair.wait_server(time.monotonic() + UNTIL_S)
        pair.wait_client(time.monotonic() + UNTIL_S)
        for each in sorted(row.measures):
            run = pair.run(each, 3, UNTIL_S)
            assert len(run.ns) == (1 if each in TOTALS else 3), each
            assert all(ns > 0 for ns in run.ns), each
