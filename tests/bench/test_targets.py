from __future__ import annotations

import pytest

from scripts.bench.perf.results import percentile_99, ratio
from scripts.bench.perf.targets import Verdict, judge
from tests.bench import given


def verdict(beginning: str, *, pure: bool | None = None) -> Verdict:
    found = [
        each
        for each in judge(given.results())
        if each.target.startswith(beginning) and each.pure is pure
    ]
    assert len(found) == 1, found
    return found[0]


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    floor, ours, *_ = given.results().figures
    assert ratio(ours, floor) == 1.5
    assert ratio(ours, None) is None


def test_a_target_is_kept_or_missed_by_a_share_of_its_limit() -> None:
    kept = verdict("round trip, `def`", pure=True)
    assert (kept.found, kept.passed) == (1.5, True)
    assert kept.margin == pytest.approx(0.1 / 1.6)
    missed = verdict("calls/s, 64 in flight", pure=True)
    assert (missed.found, missed.passed) == (0.5, False)
    assert missed.margin == pytest.approx(-0.2 / 0.7)


def test_what_was_not_measured_is_neither_kept_nor_missed() -> None:
    absent = verdict("round trip, `def`", pure=False)
    assert (absent.found, absent.passed, absent.margin) == (None, None, None)


def test_the_nearest_peer_is_named() -> None:
    nearest = verdict("round trip, nearest asynchronous peer")
    assert "slow & <steady>" in nearest.target
    assert (nearest.found, nearest.passed) == (2.0, False)
    assert verdict("round trip, nearest synchronous peer").found is None


def test_measures_without_rows_are_judged_by_their_figures() -> None:
    assert verdict("resident in the daemon").passed is True
    assert verdict("import of a client").passed is None


def test_few_values_have_no_99th_percentile() -> None:
    assert percentile_99(list(range(99))) is None
    assert percentile_99(list(range(1, 101))) == pytest.approx(99.99)
