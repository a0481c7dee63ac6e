from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.locator.connect import connect_blocking
from tests.support.forker import Forker, is_possible
from tests.support.proc import child_processes, open_fds
from tests.support.processes import ROOT, Child, Spawner
from tests.support.waiting import wait_until

DAEMON = [sys.executable, "-u", "-m", "ipcrt.locator.daemon"]

pytestmark = pytest.mark.skipif(not is_possible(), reason="nothing is forked here")


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    forker = Forker(str(ROOT))
    spawner = Spawner(forker)
    try:
        yield spawner
    finally:
        spawner.close()
        forker.close()


@pytest.fixture
def plain() -> Iterator[Spawner]:
    spawner = Spawner()
    yield spawner
    spawner.close()


def start(spawner: Spawner, path: Path, **more: str) -> Child:
    return spawner.command([*DAEMON, "--socket", str(path)], environment=more, capture_stderr=True)


def command_line(child: Child) -> bytes:
    return Path(f"/proc/{child.pid}/cmdline").read_bytes()


def kinds(child: Child) -> dict[int, str]:
    """What it has open, without the numbers that the kernel gave, and its own path."""
    targets = {fd: re.sub(r"\d+", "", target) for fd, target in open_fds(child.pid).items()}
    return {fd: target.replace("other", "locator") for fd, target in targets.items()}


def test_what_is_forked_is_our_child_and_does_its_work(
    spawner: Spawner, plain: Spawner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert child_processes() == {}  # the forker is nobody's
    monkeypatch.chdir(tmp_path)
    child = start(spawner, tmp_path / "locator")
    assert b"forker" in command_line(child)
    assert child_processes() == {child.pid: Path(sys.executable).name}
    assert os.getsid(child.pid) == child.pid
    wait_until((tmp_path / "locator").exists)
    with connect_blocking(tmp_path / "locator") as locator:
        assert locator.names() == []
    process = Path(f"/proc/{child.pid}")
    assert (process / "cwd").readlink() == tmp_path
    other = start(plain, tmp_path / "other")
    wait_until((tmp_path / "other").exists)
    assert b"forker" not in command_line(other)
    wait_until(lambda: kinds(child) == kinds(other))
    child.kill(15)
    assert child.wait() == 0
    assert child.errors() == ""
    assert set(child_processes()) == {other.pid}


def test_what_ends_badly_says_so(spawner: Spawner, tmp_path: Path) -> None:
    child = start(spawner, tmp_path / ("x" * 200))
    assert b"forker" in command_line(child)
    assert child.wait() not in (0, None)
    assert "x" * 200 in child.errors()
    assert "Traceback" not in child.errors()


def test_another_interpreter_is_started_as_ever(spawner: Spawner, tmp_path: Path) -> None:
    child = start(spawner, tmp_path / "locator", PYTHONDEVMODE="1")
    wait_until((tmp_path / "locator").exists)
    assert b"ipcrt.locator.daemon" in command_line(child)
