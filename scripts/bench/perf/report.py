"""Writes `docs/performance.md` and its plots of what was found; what people wrote there stays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.bench.perf import text
from scripts.bench.perf.chart import Bar, draw
from scripts.bench.perf.placement import Placement
from scripts.bench.perf.results import Figure, Results
from scripts.bench.perf.row import MIB, SIZES, TOTALS, Measure
from scripts.bench.perf.targets import judge
from scripts.bench.perf.text import PLACES, TITLES, Table

KEPT: Final = "<!-- Kept by hand until the next line of this kind; the rest is written anew. -->"
END: Final = "<!-- Kept by hand until here. -->"
TITLE: Final = "# Performance\n"
METHOD: Final = """\
Every row is two processes, a server and a client, that are started once and kept alive; in each
round every row takes its turn, so that whatever else the machine does disturbs all alike. A figure
is the median of the rounds; p99 is of all operations. Ratios in the targets are the median of the
rounds' ratios. *One core* has both processes pinned to the same core: what the software costs.
*A core each* adds what waking a sleeping core takes; *unpinned* is what the kernel makes of it.
Processor time is of whole processes, for each operation. `scripts/bench/run --help` says how to
repeat this; [row.py](../scripts/bench/perf/row.py) says what exactly each measure counts."""


@dataclass(frozen=True, slots=True)
class Plot:
    """One chart of the page."""

    name: str
    measure: Measure
    placement: Placement


PLOTS: Final = (
    Plot("round-trip-one-core", Measure.ADD, Placement.SAME),
    Plot("round-trip-core-each", Measure.ADD, Placement.SPLIT),
    Plot("calls-in-flight", Measure.FLIGHT_64, Placement.FREE),
    Plot("bytes-64m", Measure.BYTES_64M, Placement.FREE),
    Plot("memory-64m", Measure.VMO_64M, Placement.FREE),
)


def check(path: Path) -> None:
    """Raises: ValueError, OSError: as `write` would, as far as that can be told before."""
    _kept(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no directory for {path}")


def write(path: Path, results: Results) -> list[Path]:
    """Write the page and, in a directory of its name beside it, the plots; answer what was written.

    Raises: ValueError: the page is there, and does not say what is kept by hand.
    """
    kept = _kept(path)
    plots = path.with_suffix("")
    plots.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    pictures: list[str] = []
    for plot in PLOTS:
        title = f"{TITLES[plot.measure]}, {PLACES[plot.placement]}"
        if bars := _bars(results, plot):
            file = plots / f"{plot.name}.svg"
            file.write_text(draw(title.replace("`", ""), bars), encoding="utf-8")
            written.append(file)
            pictures.append(f"![{title}]({plots.name}/{file.name})")
    path.write_text(_page(results, kept, pictures), encoding="utf-8")
    return [path, *written]


def _kept(path: Path) -> str:
    """Answer what people wrote, with the lines around it."""
    if not path.exists():
        return f"{KEPT}\n{END}"
    page = path.read_text(encoding="utf-8")
    if page.count(KEPT) != 1 or page.count(END) != 1:
        raise ValueError(f"{path.name} does not say what is kept by hand: {KEPT} ... {END}")
    return page[page.index(KEPT) : page.index(END) + len(END)]


def _bars(results: Results, plot: Plot) -> list[Bar]:
    bars: list[Bar] = []
    for row in results.rows:
        figure = results.figure(plot.placement, plot.measure, row.name)
        if figure is not None:
            bars.append(Bar(row.name, row.kind, _length(figure), _words(figure)))
    return bars


def _length(figure: Figure) -> float:
    """Answer what the bar shows: what goes through, or how long it takes."""
    if figure.measure in TOTALS:
        return 1e9 / figure.p50_ns
    if figure.measure in SIZES:
        return SIZES[figure.measure] / MIB / figure.p50_ns
    return figure.p50_ns


def _words(figure: Figure) -> str:
    if figure.measure in TOTALS or figure.measure in SIZES:
        return text.rate(figure)
    return f"{text.us(figure.p50_ns)} µs"


def _page(results: Results, kept: str, pictures: list[str]) -> str:
    before, after = results.load[0], results.load[-1]
    machine = [f"- {name}: {value}" for name, value in results.machine.items()]
    machine.append(f"- load average of a minute: {before:.2f} before, {after:.2f} after")
    quick = "quickly" if results.options.get("quick") else "in full"
    machine.append(f"- measured {quick}, in {results.options.get('rounds')} rounds")
    sections = [TITLE, kept, "", "## How it is measured", "", METHOD, ""]
    sections += ["## The machine", "", *machine, ""]
    sections += ["## Targets", "", _markdown(text.target_table(judge(results))), ""]
    if pictures:
        sections += ["## Plots", "", "\n\n".join(pictures), ""]
    sections += ["## Figures", ""]
    for table in text.tables(results):
        sections += [f"### {table[0]}", "", _markdown(table), ""]
    if results.specials:
        special = text.special_table(results)
        sections += [f"### {special[0]}", "", _markdown(special), ""]
    missing = text.gaps(results)
    if missing:
        sections += ["## What was not measured", "", *(f"- {gap}" for gap in missing), ""]
    return "\n".join(sections)


def _markdown(table: Table) -> str:
    _, heads, lines = table
    rule = ["---", *("---:" for _ in heads[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, rule, *lines])
