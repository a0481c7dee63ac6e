from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
RUN = [sys.executable, str(ROOT / "scripts" / "bench" / "run")]
ROWS = "Python send and recv,ipcrt uvloop def pure,ipcrt blocking pure"
FEW = ["--quick", "--rounds", "1", "--placement", "same", "--measure", "add,flight_64"]


def of(scratch: Path) -> list[int]:
    """Answer the processes that work in that directory, by their command lines."""
    found: list[int] = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = Path("/proc", name, "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(scratch).encode() in line:
            found.append(int(name))
    return found


def run(scratch: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(scratch)}
    return subprocess.run(
        [*RUN, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=55,
    )


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where the rows' directories are; short, since sockets' paths are."""
    where = tmp_path / "t"
    where.mkdir()
    return where


def test_a_quick_run_answers_json_and_leaves_nothing(scratch: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    done = run(scratch, *FEW, "--only", ROWS, "--json", str(out))
    assert done.returncode == 0, done.stderr
    assert of(scratch) == []
    assert list(scratch.iterdir()) == []
    found: dict[str, Any] = json.loads(out.read_text())
    assert {row["name"] for row in found["rows"]} == set(ROWS.split(","))
    assert all(row["failed"] is None for row in found["rows"])
    measured = {(each["row"], each["measure"]) for each in found["figures"]}
    for row in ROWS.split(","):
        assert (row, "add") in measured
    for each in found["figures"]:
        assert each["placement"] == "same"
        assert len(each["rounds_ns"]) == 1
        assert each["p50_ns"] > 0
    blocking = next(each for each in found["targets"] if "blocking" in each["target"])
    assert blocking["found"] > 0
    assert blocking["passed"] in (True, False)
    assert len(found["load"]) == 2
    assert "Round trip of `add(a, b)`" in done.stdout
    assert "Targets" in done.stdout


def test_a_page_is_written_of_figures_that_were_kept(scratch: Path, tmp_path: Path) -> None:
    kept, page = tmp_path / "figures.json", tmp_path / "performance.md"
    done = run(scratch, *FEW, "--only", "Python send", "--json", str(kept), "--report", str(page))
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    page.unlink()
    done = run(scratch, "--from", str(kept), "--report", str(page))
    assert done.returncode == 0, done.stderr
    assert page.read_text() == text


def test_a_name_that_is_no_rows_is_refused(scratch: Path) -> None:
    done = run(scratch, "--only", "nobody", "--quick")
    assert done.returncode == 2
    assert done.stderr.startswith("run: no row 'nobody'; there are 'C blocking'")


def test_rows_are_listed_with_what_they_miss(scratch: Path) -> None:
    done = run(scratch, "--list")
    assert done.returncode == 0
    assert "Python send and recv (floor)\n" in done.stdout
    assert "activation (without rows)\n" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_rows_end_with_the_runner(scratch: Path, number: signal.Signals) -> None:
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with subprocess.Popen(
        [*RUN, "--only", "Python send and recv,Python memfd"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as runner:
        wait_until(lambda: len(of(scratch)) == 4, 20)
        runner.send_signal(number)
        assert runner.wait(20) != 0
    wait_until(lambda: not of(scratch))
