"""Figures in words: the same in tables on the terminal and in the report."""

from __future__ import annotations

from scripts.bench.perf.results import Figure, Results
from scripts.bench.perf.row import MIB, SIZES, TOTALS, Measure
from scripts.bench.perf.targets import Verdict

TITLES = {
    Measure.ADD: "Round trip of `add(a, b)`, or of 32 bytes",
    Measure.ECHO: "Round trip of 64 bytes",
    Measure.FLIGHT_1: "Calls, one in flight",
    Measure.FLIGHT_64: "Calls, 64 in flight",
    Measure.FLIGHT_1000: "Calls, 1,000 in flight",
    Measure.ONE_WAY: "One-way messages, client to server",
    Measure.EVENTS: "Events, server to client",
    Measure.FD: "A call with one descriptor each way",
    Measure.FD_NONE: "The same call without",
    Measure.BYTES_1M: "1 MiB as an argument",
    Measure.BYTES_64M: "64 MiB as an argument",
    Measure.VMO_1M: "1 MiB handed over as memory",
    Measure.VMO_64M: "64 MiB handed over as memory",
    Measure.CLIENTS_1: "A call, one client connected",
    Measure.CLIENTS_1000: "A call, 1,000 clients connected",
    Measure.STALLED_0: "A call of one of ten clients",
    Measure.STALLED_100: "The same, beside 100 that do not read",
}
PLACES = {"same": "one core", "split": "a core each", "free": "unpinned"}
NONE = "-"
Table = tuple[str, list[str], list[list[str]]]
"""A title, the columns' heads, and the lines."""


def us(ns: float | None) -> str:
    """Answer microseconds, with as many digits as mean something."""
    if ns is None:
        return NONE
    value = ns / 1000
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def rate(figure: Figure) -> str:
    """Answer what goes through in a second."""
    if figure.measure in SIZES:
        return f"{SIZES[figure.measure] / MIB / 1024 / (figure.p50_ns / 1e9):.2f} GiB/s"
    return f"{1e9 / figure.p50_ns:,.0f}/s"


def tables(results: Results) -> list[Table]:
    """Answer a table for each measure and placement."""
    found: list[Table] = []
    keys = dict.fromkeys((each.measure, each.placement) for each in results.figures)
    for measure, placement in sorted(keys, key=lambda key: list(TITLES).index(key[0])):
        title = f"{TITLES[measure]}, {PLACES[placement]}"
        figures = [
            each
            for row in results.rows
            if (each := results.figure(placement, measure, row.name)) is not None
        ]
        found.append((title, *_table(measure, figures)))
    return found


def _table(measure: Measure, figures: list[Figure]) -> tuple[list[str], list[list[str]]]:
    heads = ["", "µs" if measure in TOTALS else "p50 µs"]
    if measure not in TOTALS:
        heads.append("p99 µs")
    if measure in TOTALS or measure in SIZES:
        heads.append("rate")
    cpu = any(figure.client_cpu_ns is not None for figure in figures)
    if cpu:
        heads += ["client CPU µs", "server CPU µs"]
    lines: list[list[str]] = []
    for figure in figures:
        line = [figure.row, us(figure.p50_ns)]
        if measure not in TOTALS:
            line.append(us(figure.p99_ns))
        if measure in TOTALS or measure in SIZES:
            line.append(rate(figure))
        if cpu:
            line += [us(figure.client_cpu_ns), us(figure.server_cpu_ns)]
        lines.append(line)
    return heads, lines


def special_table(results: Results) -> Table:
    """Answer what was measured without rows."""
    lines = [
        [special.name, name.replace("_", " "), f"{value:,.1f}"]
        for special in results.specials
        for name, value in special.figures.items()
    ]
    lines += [
        [special.name, "failed", special.failed] for special in results.specials if special.failed
    ]
    return "Without rows", ["", "what", "figure"], lines


def target_table(verdicts: list[Verdict]) -> Table:
    """Answer what was aimed at, what was found, and by how much it was kept or missed."""
    lines: list[list[str]] = []
    for verdict in verdicts:
        build = {True: "pure", False: "C", None: ""}[verdict.pure]
        sign, unit = "≥" if verdict.at_least else "≤", f" {verdict.unit}".rstrip()
        aim = f"{sign} {verdict.limit:g}{unit}"
        if verdict.found is None or verdict.margin is None:
            lines.append([verdict.target, build, aim, NONE, "not measured"])
            continue
        word = "pass" if verdict.passed else "FAIL"
        lines.append(
            [
                verdict.target,
                build,
                aim,
                f"{verdict.found:.2f}{unit}",
                f"{word} by {abs(verdict.margin):.0%}",
            ]
        )
    return "Targets", ["", "build", "aim", "found", ""], lines


def gaps(results: Results) -> list[str]:
    """Answer what was not measured, and why."""
    rows = [f"{row.name}: skipped: {row.skipped}" for row in results.rows if row.skipped]
    rows += [f"{row.name}: failed: {row.failed}" for row in results.rows if row.failed]
    rows += [f"no time for {what}" for what in results.dropped]
    return rows + results.wrong
