from __future__ import annotations

import logging
import sys

import pytest

from ipcrt.locator.journal import JournalFormatter, Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def record(text: str = "hello", level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("name", level, "file", 1, text, (), None)


@pytest.mark.parametrize(
    "level, prefix",
    [(logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (5, 6)],
)
def test_each_line_has_its_priority(level: int, prefix: int) -> None:
    formatter = JournalFormatter("%(message)s")
    assert formatter.format(record("one\ntwo", level)) == f"<{prefix}>one\n<{prefix}>two"


def test_a_traceback_has_it_too() -> None:
    failed = record(level=logging.ERROR)
    try:
        int("a\nb")
    except ValueError:
        failed.exc_info = sys.exc_info()
    lines = JournalFormatter("%(message)s").format(failed).splitlines()
    assert len(lines) > 4
    assert all(line.startswith("<3>") for line in lines)


def test_a_burst_passes_and_no_more() -> None:
    clock = Clock()
    throttle = Throttle(burst=3, per_second=2, clock=clock)
    assert [throttle.filter(record()) for _ in range(5)] == [True] * 3 + [False] * 2
    clock.now += 0.5
    assert throttle.filter(record())
    assert not throttle.filter(record())


def test_what_was_dropped_is_told_once() -> None:
    clock = Clock()
    throttle = Throttle(burst=1, per_second=1, clock=clock)
    for _ in range(4):
        throttle.filter(record())
    clock.now += 5
    first, second = record("after 100%"), record("and after that")
    assert throttle.filter(first)
    clock.now += 5
    assert throttle.filter(second)
    assert first.getMessage() == "(3 messages dropped) after 100%"
    assert second.getMessage() == "and after that"


def test_a_long_silence_allows_one_burst() -> None:
    clock = Clock()
    throttle = Throttle(burst=3, per_second=10, clock=clock)
    clock.now += 3600
    assert sum(throttle.filter(record()) for _ in range(10)) == 3
