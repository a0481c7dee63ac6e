"""The command line of `scripts/bench/run`."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from scripts.bench.perf import catalogue, report, text
from scripts.bench.perf.machine import describe
from scripts.bench.perf.placement import Placement, cores
from scripts.bench.perf.results import Results
from scripts.bench.perf.row import Measure
from scripts.bench.perf.schedule import Plan, Schedule
from scripts.bench.perf.specials import all as specials_of
from scripts.bench.perf.specials.all import SPECIALS
from scripts.bench.perf.targets import judge

QUICK_S: Final = 36.0
"""After so long a quick run measures no more; what has begun may take a while."""
SPECIALS_S: Final = 8.0
"""For so long after that, what has no rows is still begun."""
FULL_S: Final = 3600.0
DESCRIPTION: Final = """\
Measure ipcrt beside what it is built on and beside others: each row is a server's process and a
client's, and rows take turns. Times are of whole operations, seen from the client."""


def main(arguments: list[str]) -> int:
    """Measure, and show it. Exit status: 0 all went well, 1 a row failed, 2 misuse."""
    options = _parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    entries, wrong = catalogue.find()
    if options.list:
        _list(entries, wrong)
        return 0
    specials = [name for name in SPECIALS if not options.only or name in options.only]
    try:
        rows = [name for name in options.only if name not in SPECIALS]
        entries = catalogue.choose(entries, rows) if options.only else entries
    except LookupError as error:
        print(f"run: {error.args[0]}", file=sys.stderr)
        return 2
    if options.read:
        results = msgspec.json.decode(Path(options.read).read_bytes(), type=Results)
    else:
        results = _measure(options, entries, specials, wrong)
    if options.json:
        _write_json(options.json, results)
    if options.report:
        report.write(Path(options.report), results)
    if options.json != "-":
        _show(results)
    failed = [*(row.failed for row in results.rows), *(each.failed for each in results.specials)]
    return 1 if wrong or any(failed) else 0


def _end(number: int, frame: object) -> None:
    """Leave through every `finally`, so that no process stays."""
    del frame
    sys.exit(128 + number)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench/run", description=DESCRIPTION)
    add = parser.add_argument
    add("--quick", action="store_true", help="end within 50 s; what there is no time for is told")
    add("--json", metavar="FILE", help="write the figures there, for machines (-: to stdout)")
    add("--report", metavar="FILE", help="write a page there, as docs/performance.md, and plots")
    add("--from", dest="read", metavar="FILE", help="measure nothing; use what --json wrote")
    add(
        "--only",
        type=_names,
        default=[],
        metavar="NAME,...",
        help="rows whose names begin so, and import, clients, activation; see --list",
    )
    add(
        "--placement",
        type=_placements,
        default=list(Placement),
        metavar="P,...",
        help="same (both processes on one core), split (a core each), free (not pinned)",
    )
    add(
        "--measure",
        type=_measures,
        default=frozenset(Measure),
        metavar="M,...",
        help=f"of {', '.join(Measure)}",
    )
    add("--rounds", type=int, help="how often each row takes its turn (quick: 3, else 15)")
    add("--list", action="store_true", help="tell which rows there are, and which cannot run here")
    options = parser.parse_args(arguments)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds is 1 at least")
    return options


def _names(value: str) -> list[str]:
    return [name for name in value.split(",") if name]


def _placements(value: str) -> list[Placement]:
    try:
        return [Placement(name) for name in value.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _measures(value: str) -> frozenset[Measure]:
    try:
        return frozenset(Measure(name) for name in value.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _list(entries: list[catalogue.Entry], wrong: list[str]) -> None:
    for entry in entries:
        print(f"{entry.row.name} ({entry.row.kind})" + _because(entry.reason))
    for name in SPECIALS:
        print(f"{name} (without rows)")
    for each in wrong:
        print(f"cannot be read: {each}", file=sys.stderr)


def _because(reason: str | None) -> str:
    return f": skipped: {reason}" if reason else ""


def _measure(
    options: argparse.Namespace,
    entries: list[catalogue.Entry],
    specials: list[str],
    wrong: list[str],
) -> Results:
    begun = time.monotonic()
    allowed = sorted(os.sched_getaffinity(0))
    placements = tuple(each for each in options.placement if cores(each, allowed) is not None)
    plan = Plan(
        rounds=options.rounds or (3 if options.quick else 15),
        slice_ns=8_000_000 if options.quick else 30_000_000,
        least=1 if options.quick else 2,
        placements=placements,
        measures=options.measure,
        start_until=begun + (QUICK_S / 2 if options.quick else FULL_S),
        until=begun + (QUICK_S if options.quick else FULL_S),
        timeout_s=10.0 if options.quick else 30.0,
    )
    results = Results(
        machine=describe(),
        load=[os.getloadavg()[0]],
        options={"quick": options.quick, "rounds": plan.rounds, "placements": list(placements)},
        wrong=wrong,
    )
    if len(placements) < len(options.placement):
        results.dropped.append("a core each: there is only one")
    with _progress() as tell:
        schedule = Schedule(plan, results, tell, allowed)
        with schedule.started(entries):
            schedule.run()
        for name in specials:
            if time.monotonic() > plan.until + SPECIALS_S:
                results.dropped.append(name)
                continue
            tell(name, 1.0)
            results.specials.append(specials_of.run(name, quick=options.quick))
    results.load.append(os.getloadavg()[0])
    results.options["seconds"] = round(time.monotonic() - begun, 1)
    return results


@contextlib.contextmanager
def _progress() -> Generator[Callable[[str, float], None]]:
    """Answer what shows how far we are, on a terminal alone."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda what, share: None
        return
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    # Without a thread that refreshes: rows' processes are forked meanwhile.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task("", total=1.0)

        def tell(what: str, share: float) -> None:
            progress.update(task, description=what, completed=share, refresh=True)

        yield tell


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


def _show(results: Results) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    for title, heads, lines in text.tables(results):
        _print(console, title, heads, lines)
    if results.specials:
        _print(console, *text.special_table(results))
    _print(console, *text.target_table(judge(results)))
    for gap in text.gaps(results):
        console.print(gap, markup=False)
    before, after = results.load
    console.print(f"load average {before:.2f} before, {after:.2f} after")


def _print(console: Console, title: str, heads: list[str], lines: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number == 0 else "right")
    for line in lines:
        table.add_row(*line)
    console.print(table)
    console.print()
