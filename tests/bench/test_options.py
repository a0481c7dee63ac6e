from __future__ import annotations

from pathlib import Path

import pytest

from scripts.bench.perf.options import parse
from scripts.bench.perf.placement import Placement
from scripts.bench.perf.row import Measure


def test_by_default_everything_is_measured_in_full() -> None:
    options = parse([])
    assert options.placements == tuple(Placement)
    assert options.measures == frozenset(Measure)
    assert (options.rounds, options.quick, options.only) == (15, False, ())


def test_lists_are_separated_by_commas() -> None:
    options = parse(["--placement", "free,same", "--measure", "add", "--only", "C blocking,own"])
    assert options.placements == (Placement.FREE, Placement.SAME)
    assert options.measures == {Measure.ADD}
    assert options.only == ("C blocking", "own")


def test_a_quick_run_has_few_rounds_unless_told() -> None:
    assert parse(["--quick"]).rounds == 3
    assert parse(["--quick", "--rounds", "7"]).rounds == 7


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["--rounds", "0"], "'0' is not 1 or more"),
        (["--rounds", "many"], "'many' is not 1 or more"),
        (["--placement", "same,here"], "'same,here' is not of same, split, free"),
        (["--measure", "speed"], "'speed' is not of add, echo"),
        (["--measure", ""], "'' is not of add, echo"),
    ],
)
def test_what_is_wrong_is_told(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        parse(arguments)
    assert end.value.code == 2
    assert reason in capsys.readouterr().err


def test_files_are_paths() -> None:
    options = parse(["--from", "a.json", "--report", "b.md", "--json", "-"])
    assert (options.read, options.report, options.json) == (Path("a.json"), Path("b.md"), "-")
