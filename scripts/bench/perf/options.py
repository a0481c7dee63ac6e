"""The options of `scripts/bench/run`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from scripts.bench.perf.placement import Placement
from scripts.bench.perf.row import Measure

E = TypeVar("E", bound=StrEnum)

DESCRIPTION: Final = """\
Measure ipcrt beside what it is built on and beside others: each row is a server's process and a
client's, and rows take turns. Times are of whole operations, seen from the client."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for."""

    quick: bool
    json: str | None
    """Where the figures go; `-` is standard output."""
    report: Path | None
    read: Path | None
    """Whence figures come instead of being measured."""
    only: tuple[str, ...]
    placements: tuple[Placement, ...]
    measures: frozenset[Measure]
    rounds: int
    list: bool


def parse(arguments: list[str]) -> Options:
    """Answer what is asked for. Raises: SystemExit: it is wrong, or asks for help."""
    parser = argparse.ArgumentParser(prog="scripts/bench/run", description=DESCRIPTION)
    add = parser.add_argument
    add("--quick", action="store_true", help="end within 50 s; what there is no time for is told")
    add("--json", metavar="FILE", help="write the figures there, for machines (-: to stdout)")
    add("--report", type=Path, metavar="FILE", help="write a page there, and plots beside it")
    add("--from", dest="read", type=Path, metavar="FILE", help="use figures that --json wrote")
    add(
        "--only",
        type=_names,
        default=(),
        metavar="NAME,...",
        help="rows whose names begin so, and import, clients, activation, ring; see --list",
    )
    add(
        "--placement",
        type=_several(Placement),
        default=tuple(Placement),
        metavar="P,...",
        help="same (both processes on one core), split (a core each), free (not pinned)",
    )
    add(
        "--measure",
        type=_several(Measure),
        default=tuple(Measure),
        metavar="M,...",
        help=f"of {', '.join(Measure)}",
    )
    add("--rounds", type=_count, help="how often each row takes its turn (quick: 3, else 15)")
    add("--list", action="store_true", help="tell which rows there are, and which cannot run here")
    found = parser.parse_args(arguments)
    return Options(
        quick=found.quick,
        json=found.json,
        report=found.report,
        read=found.read,
        only=found.only,
        placements=found.placement,
        measures=frozenset(found.measure),
        rounds=found.rounds or (3 if found.quick else 15),
        list=found.list,
    )


def _names(value: str) -> tuple[str, ...]:
    return tuple(name for name in value.split(",") if name)


def _several(kind: type[E]) -> Callable[[str], tuple[E, ...]]:
    def read(value: str) -> tuple[E, ...]:
        known = {each.value: each for each in kind}
        names = _names(value)
        if not names or not set(names) <= set(known):
            raise argparse.ArgumentTypeError(f"{value!r} is not of {', '.join(kind)}")
        return tuple(known[name] for name in names)

    return read


def _count(value: str) -> int:
    if not value.isdecimal() or not int(value):
        raise argparse.ArgumentTypeError(f"{value!r} is not 1 or more")
    return int(value)
