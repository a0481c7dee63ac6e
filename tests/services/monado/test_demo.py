"""The whole demonstration as its users run it, and the frame loop at full size."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ipcrt_services.monado.demo import main
from tests.support.processes import Spawner

DEMO = [sys.executable, "-m", "ipcrt.cli.main", "demo", "monado"]


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where the demonstration makes its directory; it must be empty when the test ends."""
    with tempfile.TemporaryDirectory(prefix="ipcrt-test-") as name:
        yield Path(name)
        assert list(Path(name).iterdir()) == []


def run(scratch: Path, *arguments: object, seconds: float = 50) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch), "DISPLAY": ""},
        timeout=seconds,
    )


def check(found: dict[str, Any], seconds: float) -> None:
    """What holds on any machine, however busy."""
    assert found["ok"] is True
    assert [each["name"] for each in found["clients"]] == ["room", "panel", "map"]
    for each in found["clients"]:
        assert each["frames"] > 0
        assert each["seconds"] >= seconds
        assert each["fds_before"] == each["fds_after"] > 2
    assert found["clients"][2]["poses"] > found["clients"][2]["frames"]
    assert found["composed"] > 0
    assert found["published_poses"] > found["composed"]
    assert found["service_leaked"] == []


def test_three_clients_draw_and_somebody_looks(scratch: Path, tmp_path: Path) -> None:
    arguments = ["--seconds", 0.5, "--size", "320x180", "--png", tmp_path / "out.png", "--json"]
    ended = run(scratch, *arguments, "--video", tmp_path / "out.mp4")
    assert (ended.returncode, ended.stderr) == (0, "")
    check(json.loads(ended.stdout), 0.5)
    assert (tmp_path / "out.mp4").stat().st_size > 1000
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.size == (640, 320)
        colours = picture.getcolors(640 * 320)
    assert isinstance(colours, list)
    assert len(colours) > 50  # a sky, a floor, and what hangs in between


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["--window"], "there is no display"),
        (["--clients", "0"], "0 clients are not from 1 to 16"),
        (["--seconds", "0"], "0 seconds are not from 0 to 3600"),
        (["--png", "/%s%s.png"], "%s%s.png"),
        (["--png", "/nonexistent/out.png"], "/nonexistent/out.png"),
        (["--png", "/tmp"], "/tmp: Is a directory"),
        (["--png", "/dev/null/out.png"], "/dev/null/out.png"),
        (["--video", "/nonexistent/out.mp4"], "/nonexistent/out.mp4"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    [line] = err.splitlines()
    assert line.startswith("ipcrt demo: ")
    assert complaint in line


@pytest.mark.parametrize("size", ["5", "64", "axb", "64x", "x", "", "64x64x64", "1e3x64"])
def test_a_size_that_is_none_is_told_how_one_looks(
    capfd: pytest.CaptureFixture[str], size: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--size", size])
    assert caught.value.code == 2
    assert f"{size!r} is no size such as 1920x1080" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_cleanly(
    scratch: Path, spawn_python: Spawner, number: signal.Signals, status: int
) -> None:
    child = spawn_python.command(
        [*DEMO, "--seconds", "60"],
        environment={"TMPDIR": str(scratch), "PYTHONUNBUFFERED": ""},
        capture_stderr=True,
    )
    while not child.line().startswith("clients"):
        assert child.process.poll() is None
    child.kill(number)
    assert child.wait() == status
    assert child.errors() == ""


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_frame_loop(scratch: Path) -> None:
    """Three clients, 1920 x 1080 each, for ten seconds; the figures are printed."""
    ended = run(scratch, "--seconds", 10, "--json", seconds=100)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = json.loads(ended.stdout)
    check(found, 10)
    for each in found["clients"]:
        rate = each["frames"] / each["seconds"]
        print(f"{each['name']}: {rate:.1f} frames/s, {each['missed']} missed")
    print(f"service: {found['service_cpu_seconds'] / found['seconds']:.0%} of a core")
