"""What is shown on a terminal: how far the work is, and what was found."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from scripts.bench.perf import text
from scripts.bench.perf.results import Results
from scripts.bench.perf.targets import judge

PLAIN_WIDTH: Final = 132
"""Columns where nobody looks at a terminal."""


@contextlib.contextmanager
def progress() -> Generator[Callable[[str, float], None]]:
    """Answer what shows, on a terminal alone, how far we are: `tell(what, share)`."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda what, share: None
        return
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    # Without a thread that refreshes: rows' processes are forked meanwhile.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=1.0)

        def tell(what: str, share: float) -> None:
            bar.update(task, description=what, completed=share, refresh=True)

        yield tell


def show(results: Results) -> None:
    """Print the tables, the targets that were measured, and what is missing."""
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    for title, heads, lines in text.tables(results):
        _print(console, title, heads, lines)
    if results.specials:
        _print(console, *text.special_table(results))
    verdicts = judge(results)
    measured = [verdict for verdict in verdicts if verdict.found is not None]
    if measured:
        _print(console, *text.target_table(measured))
    for gap in text.gaps(results):
        console.print(gap, markup=False)
    if len(measured) < len(verdicts):
        console.print(f"{len(verdicts) - len(measured)} targets were not measured")
    before, after = results.load[0], results.load[-1]
    console.print(f"load average {before:.2f} before, {after:.2f} after")


def _print(console: Console, title: str, heads: list[str], lines: list[list[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number == 0 else "right")
    for line in lines:
        table.add_row(*(escape(cell) for cell in line))
    console.print(title, style="bold", markup=False)
    console.print(table)
    console.print()
