from __future__ import annotations

import pytest

from scripts.bench.perf.terminal import progress, show
from tests.bench import given


def test_tables_show_what_was_found_and_what_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = given.results()
    results.rows[5].failed = "server: [Errno 98] in use"
    show(results)
    out = capsys.readouterr().out
    assert "Round trip of `add(a, b)`, or of 32 bytes, one core" in out
    assert "500,000/s" in out
    assert "pass by 6%" in out
    assert "not measured" in out.splitlines()[-2]
    assert "broken: failed: server: [Errno 98] in use" in out
    assert "load average 0.25 before, 1.50 after" in out


def test_a_reason_in_brackets_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    results = given.results()
    results.specials[1].failed = "OSError: [bold] is no style"
    show(results)
    assert "OSError: [bold] is no style" in capsys.readouterr().out


def test_no_progress_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as tell:
        tell("work", 0.5)
    assert capsys.readouterr() == ("", "")
