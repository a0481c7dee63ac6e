"""The command `scripts/bench/run`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from scripts.bench.perf import catalogue, report, terminal
from scripts.bench.perf.machine import describe
from scripts.bench.perf.options import Options, parse
from scripts.bench.perf.placement import cores
from scripts.bench.perf.results import Results
from scripts.bench.perf.schedule import Plan, Schedule
from scripts.bench.perf.specials import all as specials_of
from scripts.bench.perf.specials.all import SPECIALS
from scripts.bench.perf.targets import judge

QUICK_S: Final = 36.0
"""After so long a quick run measures no more; what has begun may take a while."""
SPECIALS_S: Final = 8.0
"""For so long after that, what has no rows is still begun."""
FULL_S: Final = 3600.0


def main(arguments: list[str]) -> int:
    """Measure, and show it.

    Exit status: 0 all went well, 1 something could not be measured, 2 misuse; 128 and a signal's
    number.
    """
    options = parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    try:
        return _run(options)
    except (LookupError, OSError, ValueError) as error:
        print(f"run: {error.args[0] if isinstance(error, LookupError) else error}", file=sys.stderr)
        return 2


def _end(number: int, frame: object) -> None:
    """Leave through every `finally`, so that no process stays."""
    del frame
    sys.exit(128 + number)


def _run(options: Options) -> int:
    """Raises: LookupError, OSError, ValueError: a name or a file is wrong."""
    entries, wrong = catalogue.find()
    if options.list:
        _list(entries, wrong)
        return 0
    if options.report:
        report.check(options.report)  # before much time is spent
    if options.read:
        results = msgspec.json.decode(options.read.read_bytes(), type=Results)
    else:
        results = _measure(options, entries, wrong)
    if options.json:
        _write_json(options.json, results)
    if options.report:
        report.write(options.report, results)
    if options.json != "-":
        terminal.show(results)
    failed = [*(row.failed for row in results.rows), *(each.failed for each in results.specials)]
    return 1 if results.wrong or any(failed) else 0


def _list(entries: list[catalogue.Entry], wrong: list[str]) -> None:
    for entry in entries:
        because = f": skipped: {entry.reason}" if entry.reason else ""
        print(f"{entry.row.name} ({entry.row.kind}){because}")
    for name in SPECIALS:
        print(f"{name} (without rows)")
    for each in wrong:
        print(f"cannot be read: {each}", file=sys.stderr)


def _measure(options: Options, entries: list[catalogue.Entry], wrong: list[str]) -> Results:
    """Raises: LookupError: one of the names is nobody's."""
    if options.only:
        names = [name for name in options.only if name not in SPECIALS]
        entries = catalogue.choose(entries, names)
    begun = time.monotonic()
    allowed = sorted(os.sched_getaffinity(0))
    placements = tuple(each for each in options.placements if cores(each, allowed) is not None)
    plan = Plan(
        rounds=options.rounds,
        slice_ns=8_000_000 if options.quick else 30_000_000,
        least=1 if options.quick else 2,
        placements=placements,
        measures=options.measures,
        start_until=begun + (QUICK_S / 2 if options.quick else FULL_S),
        until=begun + (QUICK_S if options.quick else FULL_S),
        timeout_s=10.0 if options.quick else 30.0,
    )
    results = Results(
        machine=describe(),
        load=[os.getloadavg()[0]],
        options={"quick": options.quick, "rounds": plan.rounds},
        wrong=wrong,
    )
    if len(placements) < len(options.placements):
        results.dropped.append("a core each: there is only one")
    with terminal.progress() as tell:
        schedule = Schedule(plan, results, tell, allowed)
        with schedule.started(entries):
            schedule.run()
        _measure_specials(options, results, tell, plan.until + SPECIALS_S)
    results.load.append(os.getloadavg()[0])
    results.options["seconds"] = round(time.monotonic() - begun, 1)
    return results


def _measure_specials(
    options: Options, results: Results, tell: Callable[[str, float], None], until: float
) -> None:
    for name in SPECIALS:
        if options.only and name not in options.only:
            continue
        if time.monotonic() > until:
            results.dropped.append(name)
            continue
        tell(name, 1.0)
        results.specials.append(specials_of.run(name, quick=options.quick))


def _write_json(path: str, results: Results) -> None:
    whole: dict[str, Any] = msgspec.to_builtins(results)
    whole["targets"] = [
        {**msgspec.to_builtins(each), "passed": each.passed} for each in judge(results)
    ]
    data = msgspec.json.format(msgspec.json.encode(whole)) + b"\n"
    if path == "-":
        sys.stdout.buffer.write(data)
    else:
        Path(path).write_bytes(data)
