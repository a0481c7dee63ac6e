"""The whole demonstration as its users run it, and what it says when something is broken."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

DEMO = [sys.executable, "-m", "ipcrt.cli.main", "demo"]
MEMBERS = {"uvloop.1", "uvloop.2", "trio", "thread", "locator", "kvstore", "files", "demo"}


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where the demonstration makes its directory; it must be empty when the test ends."""
    with tempfile.TemporaryDirectory(prefix="ipcrt-test-") as name:
        yield Path(name)
        assert list(Path(name).iterdir()) == []


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A file with enough lines to keep the demonstration busy for a while."""
    (tmp_path / "text").write_text("".join(f"line {number}\n" for number in range(5000)))
    return tmp_path / "text"


def start(spawner: Spawner, scratch: Path, *arguments: object, **more: str) -> Child:
    return spawner.command(
        [*DEMO, *map(str, arguments)],
        environment={"TMPDIR": str(scratch), "PYTHONUNBUFFERED": "", **more},
        capture_stderr=True,
    )


def until(child: Child, *words: str) -> list[str]:
    """Read lines until one has all the words; answer the words of that line."""
    assert child.process.stdout is not None
    for line in map(bytes.decode, child.process.stdout):  # not line(): some lines are empty
        if all(word in line for word in words):
            return line.split()
    raise AssertionError(f"it ended without a word of {words}: {child.errors()}")


def member(child: Child, module: str) -> int:
    """The pid of the process of the demonstration that runs `module`."""
    [found] = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal()
        and _environ(entry).get("TMPDIR") == _environ(Path(f"/proc/{child.pid}"))["TMPDIR"]
        and module.encode() in _read(entry / "cmdline").split(b"\0")
    ]
    return found


def _environ(process: Path) -> dict[str, str]:
    pairs = (pair.partition(b"=") for pair in _read(process / "environ").split(b"\0"))
    return {name.decode(): value.decode(errors="replace") for name, _, value in pairs}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_every_check_holds_without_systemd(scratch: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\ntwo\n\nlast, without an end")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "bytes").write_bytes(os.urandom(100_000))
    ended = subprocess.run(
        [*DEMO, "--json", "--clients", "30", tmp_path / "a", tmp_path / "b/bytes"],
        check=False,
        capture_output=True,
        env={**os.environ, "PATH": "/nonexistent", "TMPDIR": str(scratch)},
        timeout=50,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    found = json.loads(ended.stdout)
    assert found["ok"] is True
    assert found["activated_by"] == "ipcrt activate"
    processes = {each["name"]: each for each in found["processes"]}
    assert set(processes) == MEMBERS
    for each in processes.values():
        assert each["leaked"] == []
        assert each["fds_before"] == each["fds_after"] > 2
        assert each["rss_kib"] >= each["pss_kib"] > 1000
    counts = {each["kind"]: each["count"] for each in found["latencies"]}
    assert counts["write an item"] == counts["read an item"] > 4 * 4
    assert counts["open a file"] == 4 * 2
    assert counts["pass a VMO, get its SHA-256"] == counts["notice a SIGKILL"] == 4
    for each in found["latencies"]:
        assert 0 < each["p50_us"] <= each["p99_us"]
    deeds = {(each["process"], each["text"].split()[0]) for each in found["deeds"]}
    assert ("thread", "passed") in deeds
    crowd = found["crowd"]
    assert (crowd["clients"], crowd["calls"], crowd["refused"]) == (30, 300, 5)
    assert crowd["leaked"] == []
    assert "NO_RESOURCES" in crowd["refusal"]


@pytest.mark.skipif(
    shutil.which("systemd-socket-activate") is None, reason="systemd-socket-activate is missing"
)
def test_every_check_holds_with_systemds_tool(
    scratch: Path, tmp_path: Path, spawn_python: Spawner
) -> None:
    (tmp_path / "text").write_text("one\ntwo\n")
    child = start(spawn_python, scratch, tmp_path / "text")
    until(child, "locator", "started by systemd-socket-activate on the first connection")
    rest = child.finish()
    assert child.errors() == ""
    clean = [line.split()[0] for line in rest.splitlines() if "no fd leaked" in line]
    assert sorted(clean) == sorted(MEMBERS)
    assert "stored 2 lines of 1 files and read them back: every line, in order" in rest
    assert "every check held" in rest


@pytest.mark.parametrize("module", ["kvstore", "files", "demo.player"])
def test_a_process_that_dies_fails_it(
    scratch: Path, text: Path, spawn_python: Spawner, module: str
) -> None:
    child = start(spawn_python, scratch, text)
    until(child, "files", "offers")
    if module == "demo.player":
        wait_until(lambda: len(list(scratch.glob("*/thread.stderr"))))
        module_pid = _wait_for_member(child, "thread")
    else:
        module_pid = member(child, f"ipcrt_services.{module}")
    os.kill(module_pid, signal.SIGKILL)
    assert child.wait() == 1
    name = "thread" if module == "demo.player" else module
    assert f"ipcrt demo: {name} (pid {module_pid}) ended with SIGKILL" in child.errors()
    assert "Traceback" not in child.errors()


def _wait_for_member(child: Child, word: str) -> int:
    found: list[int] = []

    def look() -> bool:
        try:
            found.append(member(child, word))
        except ValueError:
            return False
        return True

    wait_until(look)
    return found[0]


def test_a_descriptor_too_many_fails_it(
    scratch: Path, tmp_path: Path, spawn_python: Spawner
) -> None:
    (tmp_path / "text").write_text("one\n" * 20)
    # Without systemd's tool the locator is not the process that the demonstration started.
    child = start(spawn_python, scratch, tmp_path / "text", PATH="/nonexistent")
    until(child, "stored")
    [path] = scratch.glob("ipcrt-demo-*/locator")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
        stranger.connect(str(path))
        assert until(child, "LEAKED")[0] == "locator"
        assert child.wait() == 1
    assert "leaked socket" in child.errors()


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_cleanly(
    scratch: Path, text: Path, spawn_python: Spawner, number: signal.Signals, status: int
) -> None:
    child = start(spawn_python, scratch, text)
    until(child, "files", "offers")
    pids = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and _environ(entry).get("TMPDIR") == str(scratch)
    ]
    assert len(pids) >= 3  # systemd's tool passes no such variable on to the locator
    child.kill(number)
    assert child.wait() == status
    assert child.errors() == ""
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists() and pid != child.pid]


def test_nobody_reads_what_it_says(scratch: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("one\n")
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            [*DEMO, tmp_path / "text"],
            check=False,
            stdout=write,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(scratch), "PYTHONUNBUFFERED": ""},
        )
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["/nonexistent/file"], "/nonexistent/file: No such file or directory"),
        (["/"], "/ is no regular file"),
        (["/etc/passwd", "--clients", "1000000000"], "the hard limit is"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    scratch: Path, arguments: list[str], complaint: str
) -> None:
    ended = subprocess.run(
        [*DEMO, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("ipcrt demo: ")
    assert complaint in line
