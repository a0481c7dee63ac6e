from __future__ import annotations

import time

from ipcrt_services.demo.bindings import Timing
from ipcrt_services.demo.timings import Latency, Timings, percentile, summarize


def test_percentiles_are_values_that_occurred() -> None:
    hundred = [float(number) for number in range(100, 0, -1)]
    assert percentile(hundred, 50) == 50
    assert percentile(hundred, 99) == 99
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7
    assert percentile([1.0, 2.0], 99) == 2


def test_several_players_are_put_together() -> None:
    summed = summarize([Timing("a", [1.0, 3.0]), Timing("b", []), Timing("a", [2.0])])
    assert summed == [Latency("a", 3, 2.0, 3.0)]


def test_what_was_taken_is_gone() -> None:
    timings = Timings()
    timings.add("a", time.perf_counter_ns() - 5_000_000)
    [taken] = timings.take()
    assert taken.kind == "a"
    assert taken.us[0] >= 5000
    assert timings.take() == []
