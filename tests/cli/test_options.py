from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Command
from tests.support.processes import Child


def test_the_option_wins_over_the_environment(ipcrt: Command, path: Path, locator: Child) -> None:
    del locator
    elsewhere = {"IPCRT_LOCATOR": "/nonexistent/locator"}
    assert ipcrt("list", environment=elsewhere).status == 1
    assert ipcrt("list", "--socket", path, environment=elsewhere).status == 0


def test_a_timeout_is_a_positive_number(ipcrt: Command) -> None:
    ended = ipcrt("list", "--timeout", "0")
    assert ended.status == 2
    assert "--timeout" in ended.errors
