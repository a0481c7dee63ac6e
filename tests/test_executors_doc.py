"""docs/executors.md: its program does what the page says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.house import blocks
from tests.support.processes import ROOT

PAGE = (ROOT / "docs" / "executors.md").read_text()


def test_the_program_prints_what_the_page_says(tmp_path: Path) -> None:
    [program] = blocks("python", PAGE)
    [printed] = blocks("text", PAGE)
    (tmp_path / "executors.py").write_text(program)
    command = [sys.executable, "-W", "error", "executors.py"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == (printed, "")


@pytest.mark.slow
def test_the_program_is_typed_and_in_order(tmp_path: Path) -> None:
    [program] = blocks("python", PAGE)
    (tmp_path / "executors.py").write_text(program)
    for command in (
        ["mypy", "--strict", "--python-version", "3.11"],
        ["ruff", "check", "--quiet", "--select", "B,E,F,UP", "--line-length", "100"],
    ):
        told = subprocess.run(
            [*command, "executors.py"],
            cwd=tmp_path,
            env=os.environ | {"MYPYPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stdout + told.stderr
