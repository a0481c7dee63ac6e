"""How the command fails: in one line, whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import IPCRT, Command, start_service
from tests.support.processes import Child, Spawner

FILES = "ipcrt.files/Files"


@pytest.mark.parametrize("arguments", [["fly"], ["list", "--wings"], ["call", "one"], ["activate"]])
def test_misuse_is_one_line_and_status_2(ipcrt: Command, arguments: list[str]) -> None:
    ended = ipcrt(*arguments)
    assert (ended.status, ended.output) == (2, "")
    [line] = ended.errors.splitlines()
    assert line.startswith("ipcrt: ")
    assert "--help" in line


def test_no_locator_is_one_line_and_status_1(ipcrt: Command, path: Path) -> None:
    ended = ipcrt("list")
    assert (ended.status, ended.output) == (1, "")
    assert ended.errors == f"ipcrt: no locator listens at {path} (UNAVAILABLE)\n"


def test_a_refused_connection_is_one_line_and_status_1(ipcrt: Command, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
        dead.bind(str(path))  # and never listens
        ended = ipcrt("list")
    assert ended.status == 1
    assert ended.errors == f"ipcrt: no locator listens at {path} (UNAVAILABLE)\n"


def test_a_locator_that_does_not_answer_is_one_line(ipcrt: Command, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
        silent.bind(str(path))
        silent.listen()
        ended = ipcrt("list", "--timeout", "0.05")
    assert ended.status == 1
    [line] = ended.errors.splitlines()
    assert "TIMED_OUT" in line


def test_ctrl_c_is_status_130_and_silent(path: Path, spawn_python: Spawner) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
        silent.bind(str(path))
        silent.listen()
        child = spawn_python.command([*IPCRT, "list", "--socket", str(path)], capture_stderr=True)
        client, _ = silent.accept()
        with client:
            client.recv(1)  # the command waits for its answer now
            child.kill(signal.SIGINT)
            assert child.wait() == 130
    assert child.errors() == ""


def test_nobody_reads_what_it_prints(
    ipcrt: Command, path: Path, locator: Child, spawn_python: Spawner, tmp_path: Path
) -> None:
    del locator
    (tmp_path / "a").write_text("content\n")
    start_service(spawn_python, path, "ipcrt_services.files", FILES, ["--directory", tmp_path])
    for arguments in (["list", "--json"], ["call", FILES, "open", "path=a"]):
        ended = _without_reader([*IPCRT, *arguments], ipcrt.environment)
        assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.parametrize("arguments", ["spawn true", "--version"])
def test_a_standard_output_that_is_closed_is_borne(ipcrt: Command, arguments: str) -> None:
    ended = subprocess.run(
        ["sh", "-c", f"exec {' '.join(IPCRT)} {arguments} >&-"],
        check=False,
        stderr=subprocess.PIPE,
        env={**os.environ, **ipcrt.environment},
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


def _without_reader(
    command: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[bytes]:
    read, write = os.pipe()
    os.close(read)
    try:
        return subprocess.run(
            command,
            check=False,
            stdout=write,
            stderr=subprocess.PIPE,
            # Unbuffered, it would fail in the middle and not, as it does for users, at the end.
            env={**os.environ, **environment, "PYTHONUNBUFFERED": ""},
        )
    finally:
        os.close(write)


def test_a_defect_is_one_line_and_a_traceback_only_for_who_asks(ipcrt: Command) -> None:
    broken = {"IPCRT_LOCATOR": "x" * 200}
    assert ipcrt("list", environment=broken).errors.count("\n") == 1
    ended = ipcrt("list", environment={**broken, "IPCRT_TRACEBACK": "1"})
    assert (ended.status, "Traceback" in ended.errors) == (1, True)
