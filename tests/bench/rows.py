"""Rows that do not do what they should, beside one that does."""

from __future__ import annotations

import time
from collections.abc import Callable

from scripts.bench.perf.row import Driver, Kind, Measure, Row
from scripts.bench.perf.rows.python_floor import connect_echo, serve_echo


class Sleeper:
    """Never answers."""

    def run(self, measure: Measure, count: int) -> list[int]:
        time.sleep(60)
        return []

    def close(self) -> None:
        """Nothing is open."""


def serve_nobody(address: str, ready: Callable[[], None]) -> None:
    raise OSError("cannot listen today")


def serve_late(address: str, ready: Callable[[], None]) -> None:
    time.sleep(60)


def serve_to_death(address: str, ready: Callable[[], None]) -> None:
    print("this is not an answer")
    raise SystemExit("died of it")


def connect_sleeper(address: str) -> Driver:
    return Sleeper()


ADD = frozenset({Measure.ADD})
ROWS = (
    Row("good", Kind.FLOOR, ADD, serve_echo, connect_echo),
    Row("raises", Kind.FLOOR, ADD, serve_nobody, connect_echo),
    Row("late", Kind.FLOOR, ADD, serve_late, connect_echo),
    Row("dies", Kind.FLOOR, ADD, serve_to_death, connect_echo),
    Row("hangs", Kind.FLOOR, ADD, serve_echo, connect_sleeper),
    Row("absent", Kind.FLOOR, ADD, serve_echo, connect_echo, requires=("no_such_module",)),
    Row("unfit", Kind.FLOOR, ADD, serve_echo, connect_echo, unfit=lambda: "not on Sundays"),
    Row("toolless", Kind.FLOOR, ADD, serve_echo, connect_echo, requires=("command:no-such",)),
)
