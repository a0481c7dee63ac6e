"""Counting bytes; `test_open` sees the bar on a terminal."""

from __future__ import annotations

import pytest

from ipcrt.cli import resources_progress
from ipcrt.cli.resources_progress import Progress


def test_what_nobody_looks_at_is_counted_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(shown=False) as progress:
        progress.add(3)
        progress.add(4)
        assert progress.bytes == 7
        assert progress.seconds > 0
    assert capsys.readouterr() == ("", "")


def test_what_is_done_soon_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(shown=True, total=10) as progress:
        progress.add(3)
    assert capsys.readouterr() == ("", "")


def test_what_takes_long_is_shown_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resources_progress, "AFTER_S", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Progress(shown=True, total=4_000_000) as progress:
        progress.add(2_000_000)
    told = capsys.readouterr()
    assert told.out == ""
    assert "2.0/4.0 MB" in told.err
