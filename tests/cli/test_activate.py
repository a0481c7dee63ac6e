"""`ipcrt activate`: the life of a command between its clients, in real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import IPCRT, Command
from tests.support.proc import child_processes
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

Activate = Callable[..., Child]


@pytest.fixture
def log(where: Path) -> Path:
    return where / "log"


@pytest.fixture
def activate(path: Path, log: Path, spawn_python: Spawner) -> Activate:
    """Start `ipcrt activate` over tests.cli.activated; returns when it listens."""

    def start(mode: str, *status: object, options: tuple[str, ...] = (), **more: Any) -> Child:
        command = [sys.executable, "-m", "tests.cli.activated", str(log), mode, *map(str, status)]
        child = spawn_python.command(
            [*IPCRT, "activate", "--socket", str(path), *options, "--", *command],
            capture_stderr=True,
            **more,
        )
        wait_until(child.errors)
        return child

    return start


@contextmanager
def client(path: Path) -> Generator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(str(path))
        yield sock


def ask(path: Path, text: bytes = b"end") -> int:
    """Be served once; answer the pid of whoever served."""
    with client(path) as sock:
        pid = int(sock.recv(16))
        sock.send(text)
        sock.recv(16)  # until it closes
    return pid


def notes(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_the_first_connection_starts_the_command(activate: Activate, path: Path, log: Path) -> None:
    child = activate("serve", options=("--name", "front", "--mode", "660"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert child_processes(child.pid) == {}
    pid = ask(path, b"go on")
    facts = json.loads(notes(log)[0])
    assert facts["pid"] == pid
    assert list(child_processes(child.pid)) == [pid]
    assert facts["listen"] == {
        "LISTEN_PID": str(pid),
        "LISTEN_FDS": "1",
        "LISTEN_FDNAMES": "front",
    }
    assert facts["accepting"] == 1
    assert facts["blocking"] is True
    assert facts["fds"] == [0, 1, 2, 3]
    assert facts["group"] == pid


def test_a_command_that_ended_well_is_started_again(
    activate: Activate, path: Path, log: Path
) -> None:
    activate("serve")
    pids = {ask(path) for _ in range(3)}
    assert len(pids) == 3
    assert len(notes(log)) == 3
    wait_until(lambda: all(map(gone, pids)))  # reaped, too


def test_no_client_is_lost_between_two_lives(activate: Activate, path: Path) -> None:
    activate("serve")
    with client(path) as first, client(path) as second:
        one = int(first.recv(16))
        first.send(b"end")
        two = int(second.recv(16))
        second.send(b"end")
        assert one != two


@pytest.mark.parametrize(
    "number, status", [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 0)]
)
def test_a_signal_ends_the_command_and_the_path(
    activate: Activate, path: Path, log: Path, number: signal.Signals, status: int
) -> None:
    child = activate("serve")
    pid = ask(path, b"go on")
    child.kill(number)
    assert child.wait() == status
    assert notes(log)[1:] == [number.name]
    assert gone(pid)
    assert not path.exists()


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_without_a_command_running(
    activate: Activate, path: Path, number: signal.Signals, status: int
) -> None:
    child = activate("serve")
    child.kill(number)
    assert child.wait() == status
    assert not path.exists()


def test_a_command_that_fails_does_not_spin(activate: Activate, path: Path, log: Path) -> None:
    child = activate("fail", 3)
    with client(path):  # which nobody accepts: the socket stays readable
        wait_until(lambda: len(notes(log)) >= 3)
        child.kill(signal.SIGTERM)
        assert child.wait() == 0
    lines = child.errors().splitlines()[1:]
    for line, pause in zip(lines, ("0.1", "0.2", "0.4"), strict=False):
        assert line.endswith(f" failed with status 3; pausing {pause} s")
    assert len(lines) >= 2


def test_once_ends_with_the_command(activate: Activate, path: Path) -> None:
    child = activate("serve", 5, options=("--once",))
    ask(path)
    assert child.wait() == 5
    assert not path.exists()


def test_once_ends_as_a_shell_would_tell_of_a_signal(activate: Activate, path: Path) -> None:
    child = activate("serve", options=("--once",))
    os.kill(ask(path, b"go on"), signal.SIGKILL)
    assert child.wait() == 128 + signal.SIGKILL


def test_nothing_of_ours_reaches_the_command(activate: Activate, path: Path, log: Path) -> None:
    read, write = os.pipe()
    environment = {"LISTEN_FDS": "7", "LISTEN_PIDFDID": "1", "LISTEN_FDNAMES": "a:b"}
    try:
        activate("serve", pass_fds=(read, write), environment=environment)
    finally:
        os.close(read)
        os.close(write)
    ask(path)
    facts = json.loads(notes(log)[0])
    assert facts["fds"] == [0, 1, 2, 3]
    assert facts["listen"]["LISTEN_FDS"] == "1"
    assert "LISTEN_PIDFDID" not in facts["listen"]


def test_a_killed_activator_takes_the_command_along(
    activate: Activate, path: Path, log: Path
) -> None:
    child = activate("serve")
    pid = ask(path, b"go on")
    child.kill(signal.SIGKILL)
    child.wait()
    wait_until(lambda: notes(log)[1:] == ["SIGTERM"])
    wait_until(lambda: gone(pid))
    assert path.exists()  # nobody was left to remove it

    activate("serve")  # and the next one recovers it
    assert ask(path) != pid


def test_a_live_path_is_left_alone(activate: Activate, path: Path, ipcrt: Command) -> None:
    activate("serve")
    ended = ipcrt("activate", "true")
    assert ended.status == 1
    assert str(path) in ended.errors
    assert ended.errors.count("\n") == 1
    ask(path)


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["/nonexistent/program"], "/nonexistent/program: no such command"),
        (["--mode", "rw", "true"], "'rw' is no mode: three octal digits, such as 660"),
        (["--mode", "10000", "true"], "'10000' is no mode: three octal digits, such as 660"),
        (["--name", "a:b", "true"], "'a:b' cannot name a socket: 1 to 255 ASCII characters, no"),
    ],
)
def test_misuse_is_told_before_anybody_waits(
    ipcrt: Command, path: Path, arguments: list[str], complaint: str
) -> None:
    ended = ipcrt("activate", *arguments)
    assert ended.status == 2
    assert ended.errors.startswith(f"ipcrt: {complaint}")
    assert not path.exists()


def test_the_locator_itself_is_activated(path: Path, spawn_python: Spawner, ipcrt: Command) -> None:
    child = spawn_python.command(
        [*IPCRT, "activate", "--socket", str(path), "ipcrt-locatord", "--verbose"],
        capture_stderr=True,
    )
    wait_until(child.errors)
    ended = ipcrt("call", "ipcrt.locator/Locator", "get_identity")
    assert (ended.status, ended.errors) == (0, "")
    assert "serving the socket locator from the supervisor" in child.errors()
    child.kill(signal.SIGTERM)
    assert child.wait() == 0
