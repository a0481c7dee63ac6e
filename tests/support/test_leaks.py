"""The leak check itself: each kind of leftover turns a test red under this project's settings."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from tests.support import leak_cases
from tests.support.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CASES = [name for name in vars(leak_cases) if name.startswith("test_")]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Pytest's complaints by test name, from a process of its own with our configuration."""
    xml: Path = tmp_path_factory.mktemp("leaks") / "report.xml"
    subprocess.run(
        [sys.executable, "-m", "pytest", f"--junitxml={xml}", "tests/support/leak_cases.py"],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
    )
    found: dict[str, list[str]] = {}
    for case in ElementTree.parse(xml).iter("testcase"):
        complaints = [f"{bad.tag}: {bad.get('message')}\n{bad.text}" for bad in case]
        # A test that failed when called and again when torn down has two entries.
        found.setdefault(case.attrib["name"], []).extend(complaints)
    return found


@pytest.mark.parametrize("name", CASES)
def test_case(reports: dict[str, list[str]], name: str) -> None:
    expected = leak_cases.EXPECTED.get(name, "")
    mine = [bad for case, bad in reports.items() if case.partition("[")[0] == name]
    assert mine, "the case did not run"
    for complaints in mine:
        assert len(complaints) == (1 if expected else 0), complaints
        assert all(expected in complaint for complaint in complaints)


def test_each_loop_is_watched(reports: dict[str, list[str]]) -> None:
    loops = {name for name in reports if name.startswith("test_task_on_each_loop")}
    assert loops == {f"test_task_on_each_loop[{loop}]" for loop in ("asyncio", "uvloop", "trio")}
