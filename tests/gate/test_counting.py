"""From callgrind's dumps to instructions an operation."""

from __future__ import annotations

import pytest

from tests.gate.cases import CASES
from tests.gate.counting import per_operation, total


def test_a_dump_tells_its_total() -> None:
    assert total("version: 1\nsummary: 5\n\nfn=(1)\n0 7\n\ntotals: 12\n") == 12


def test_a_dump_without_a_total_is_refused() -> None:
    with pytest.raises(ValueError, match="without totals"):
        total("version: 1\n")


def test_an_operation_costs_what_twice_as_many_cost_more() -> None:
    setting_up, around, each = 10**6, 500, 40
    counters = [
        counter
        for _, times in CASES.values()
        for counter in (setting_up, around + each * times, around + each * 2 * times)
    ]
    assert per_operation(counters) == dict.fromkeys(CASES, each)
