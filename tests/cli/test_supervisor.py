"""What `ipcrt activate` shows only after a long time; the rest is in test_activate.py."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

SUPERVISE = """
import socket, sys
from ipcrt.cli import supervisor
path, log, mode, setting = sys.argv[1:]
exec(setting)
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.bind(path); sock.listen(); sock.setblocking(False)
command = [sys.executable, "-m", "tests.cli.activated", log, mode, "3"]
served = supervisor.Supervisor(sock.fileno(), "x", command, grace_s=0.05)
sys.exit(served.run(lambda: print("listening")))
"""


def start(spawner: Spawner, where: Path, mode: str, setting: str = "") -> Child:
    child = spawner(SUPERVISE, where / "socket", where / "log", mode, setting, capture_stderr=True)
    assert child.line() == "listening"
    return child


def connect(where: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(str(where / "socket"))
    return sock


def test_a_command_that_does_not_end_is_killed(where: Path, spawn_python: Spawner) -> None:
    child = start(spawn_python, where, "stubborn")
    with connect(where) as sock:
        pid = int(sock.recv(16))
        child.kill(signal.SIGTERM)
        assert child.wait() == 0
    assert not Path(f"/proc/{pid}").exists()
    assert "does not end within 0.05 s; killing it" in child.errors()


def test_a_signal_ends_the_pause(where: Path, spawn_python: Spawner) -> None:
    child = start(spawn_python, where, "fail", "supervisor._FIRST_PAUSE_S = 1000.0")
    with connect(where):
        wait_until(lambda: "pausing 1000.0 s" in child.errors())
        child.kill(signal.SIGTERM)
        assert child.wait() == 0


def test_a_healthy_life_resets_the_pause(where: Path, spawn_python: Spawner) -> None:
    child = start(spawn_python, where, "serve", "supervisor._HEALTHY_S = (0.0, 0.0)")
    for _ in range(3):
        with connect(where) as sock:
            sock.recv(16)
            sock.send(b"end")
            sock.recv(16)
    child.kill(signal.SIGTERM)
    assert child.wait() == 0
    lines = child.errors().splitlines()
    assert len(lines) >= 2
    assert all(line.endswith("failed with status 3; pausing 0.1 s") for line in lines), lines
