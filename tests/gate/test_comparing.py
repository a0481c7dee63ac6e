"""What the gate makes of two counts."""

from __future__ import annotations

import pytest

from tests.gate.cases import BESIDE_CLIENTS, CALIBRATION, TWINS
from tests.gate.comparing import compare, crowded
from tests.gate.counting import Counted

HERE = {"python": "3.11.7 (gcc)"}
ELSEWHERE = {"python": "3.11.2 (gcc)"}


def counted(build: dict[str, str], calibration: int, call: int) -> Counted:
    return Counted(build, {CALIBRATION: calibration, "call": call})


@pytest.mark.parametrize(
    "call, dearer, cheaper",
    [
        (109, [], []),
        (111, ["call"], []),
        (91, [], []),
        (89, [], ["call"]),
    ],
)
def test_on_the_same_build_instructions_are_compared(
    call: int, dearer: list[str], cheaper: list[str]
) -> None:
    verdict = compare(counted(HERE, 50, call), counted(HERE, 50, 100))
    assert [each.case for each in verdict.dearer] == dearer
    assert [each.case for each in verdict.cheaper] == cheaper
    assert verdict.elsewhere == []


@pytest.mark.parametrize("call, dearer", [(239, []), (241, ["call"])])
def test_on_another_build_calibrations_are_compared(call: int, dearer: list[str]) -> None:
    verdict = compare(counted(ELSEWHERE, 100, call), counted(HERE, 50, 100))
    assert [each.case for each in verdict.dearer] == dearer
    assert verdict.elsewhere == ["python: 3.11.7 (gcc) then, 3.11.2 (gcc) now"]


def test_a_case_without_a_baseline_is_told() -> None:
    verdict = compare(counted(HERE, 50, 100), Counted(HERE, {CALIBRATION: 50}))
    assert [(each.case, each.change) for each in verdict.differences] == [
        (CALIBRATION, 0),
        ("call", None),
    ]
    assert not verdict.dearer
    assert not verdict.gone


def test_a_case_that_is_counted_no_more_is_told() -> None:
    assert compare(Counted(HERE, {CALIBRATION: 50}), counted(HERE, 50, 100)).gone == ["call"]


def test_counts_survive_json() -> None:
    here = counted(HERE, 50, 100)
    assert Counted.from_json(here.to_json()) == here


@pytest.mark.parametrize("count, uneven", [(114, []), (116, [BESIDE_CLIENTS])])
def test_what_is_dearer_in_a_crowd_is_told(count: int, uneven: list[str]) -> None:
    counts = dict.fromkeys((*TWINS, *TWINS.values()), 100)
    now = Counted(HERE, counts | {BESIDE_CLIENTS: count})
    assert [each.case for each in crowded(now)] == uneven
