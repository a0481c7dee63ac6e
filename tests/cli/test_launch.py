"""What a launched command finds, in detail."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.cli.complaint import Misused
from ipcrt.cli.launch import check_name, find_program, launch
from tests.support.processes import Spawner
from tests.support.waiting import wait_until


@pytest.fixture
def listener(where: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.bind(str(where / "socket"))
        sock.listen()
        yield sock


def status_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_answers_the_pid_that_the_command_finds(listener: socket.socket) -> None:
    command = ["sh", "-c", "test $LISTEN_PID = $$ -a $LISTEN_FDNAMES = front"]
    assert status_of(launch(command, listener.fileno(), "front")) == 0


def test_signals_are_as_a_fresh_process_has_them(listener: socket.socket, tmp_path: Path) -> None:
    # exec: a shell that waits for a child of its own blocks signals meanwhile.
    command = ["sh", "-c", f"exec grep ^Sig /proc/self/status > {tmp_path}/signals"]
    previous = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        assert status_of(launch(command, listener.fileno(), "x")) == 0
    finally:
        signal.signal(signal.SIGUSR1, previous)
    found = dict(line.split(":\t") for line in (tmp_path / "signals").read_text().splitlines())
    assert int(found["SigBlk"], 16) == 0
    ignored = int(found["SigIgn"], 16)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGUSR1):
        assert not ignored >> (number - 1) & 1, number


def test_our_own_signals_and_socket_are_as_before(listener: socket.socket) -> None:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    status_of(launch(["true"], listener.fileno(), "x"))
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    assert not os.get_inheritable(listener.fileno())


@pytest.mark.parametrize("content, status", [(None, 127), ("garbage\n\0", 126)])
def test_what_cannot_be_executed(
    listener: socket.socket,
    tmp_path: Path,
    content: str | None,
    status: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    program = tmp_path / "program"
    if content is not None:
        program.write_text(content)
        program.chmod(0o755)
    assert status_of(launch([str(program)], listener.fileno(), "x")) == status
    reason = "No such file or directory" if content is None else "Exec format error"
    assert capfd.readouterr().err == f"ipcrt: cannot run {program}: {reason}\n"


def test_the_socket_may_be_descriptor_3_already(where: Path) -> None:
    source = f"""
import os, socket
from ipcrt.cli.launch import launch
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.bind({str(where / "s")!r}); sock.listen()
assert sock.fileno() == 3, sock
pid = launch(["sh", "-c", "test -S /proc/self/fd/3"], 3, "x")
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0


def _ignore(number: int, frame: object) -> None:
    del number, frame


def test_a_signal_sent_at_once_is_not_lost(listener: socket.socket) -> None:
    previous = signal.signal(signal.SIGTERM, _ignore)  # a fresh child has it, too
    try:
        for _ in range(20):
            pid = launch(["sleep", "60"], listener.fileno(), "x")
            os.kill(pid, signal.SIGTERM)
            assert status_of(pid) == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, previous)


def test_the_command_does_not_outlive_its_parent(where: Path, spawn_python: Spawner) -> None:
    child = spawn_python(
        "import socket, sys, time; from ipcrt.cli.launch import launch;"
        "sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);"
        "sock.bind(sys.argv[1]); sock.listen();"
        "print(launch(['sleep', '60'], sock.fileno(), 'x')); time.sleep(60)",
        where / "socket",
    )
    pid = int(child.line())
    wait_until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
    child.kill()
    child.wait()
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.parametrize("name", ["", "a:b", "é", "a\n", "x" * 256])
def test_names_that_cannot_be_passed(name: str) -> None:
    with pytest.raises(Misused):
        check_name(name)


def test_programs_are_looked_for_also_beside_the_interpreter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert find_program("sh") == shutil.which("sh")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert find_program("ipcrt") == str(Path(sys.executable).parent / "ipcrt")
    with pytest.raises(Misused):
        find_program("no-such-program-anywhere")
