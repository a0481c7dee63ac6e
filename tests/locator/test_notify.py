from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.locator.notify import Notifier
from tests.support.processes import Spawner

VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "FDSTORE")


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["path", "abstract"])
def supervisor(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """A supervisor's socket, which NOTIFY_SOCKET names."""
    name = f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0" + name if request.param == "abstract" else name)
        receiver.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name if request.param == "abstract" else name)
        yield receiver


def test_every_message(supervisor: socket.socket) -> None:
    notifier = Notifier.from_environment()
    notifier.ready()
    notifier.status("two clients")
    notifier.watchdog()
    notifier.extend_timeout(2_000_000)
    notifier.stopping()
    assert [supervisor.recv(1000) for _ in range(5)] == [
        b"READY=1",
        b"STATUS=two clients",
        b"WATCHDOG=1",
        b"EXTEND_TIMEOUT_USEC=2000000",
        b"STOPPING=1",
    ]


def test_a_status_cannot_smuggle_assignments(supervisor: socket.socket) -> None:
    Notifier.from_environment().status("one\nMAINPID=1\r\nlast \udc80")
    assert supervisor.recv(1000) == b"STATUS=one MAINPID=1 last ?"


def test_variables_are_read_once(
    supervisor: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "1000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert Notifier.from_environment().watchdog_interval_us == 1000
    assert not set(VARIABLES) & set(os.environ)
    assert Notifier.from_environment() == Notifier()


def test_from_another_process(supervisor: socket.socket, spawn_python: Spawner) -> None:
    spawn_python(
        "from ipcrt.locator.notify import Notifier; Notifier.from_environment().ready()"
    ).finish()
    assert supervisor.recv(1000) == b"READY=1"


def test_without_a_supervisor_nothing_happens(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier.from_environment()
    notifier.ready()
    notifier.stopping()
    assert notifier.watchdog_interval_us is None
    assert caplog.records == []


def test_a_supervisor_that_is_gone_is_logged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    notifier = Notifier.from_environment()
    notifier.ready()  # no such path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
    notifier.ready()  # nobody behind it
    notifier = Notifier("/" + "x" * 200)
    notifier.ready()  # no address at all
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3


def test_a_supervisor_that_does_not_read_is_given_up(
    supervisor: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier.from_environment()
    for _ in range(100_000):
        notifier.watchdog()
        if caplog.records:
            break
    assert "timed out" in caplog.text


@pytest.mark.parametrize("address", ["vsock:2:1234", "relative/path"])
def test_an_unknown_address_counts_as_none(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert Notifier.from_environment() == Notifier()
    assert address in caplog.text


@pytest.mark.parametrize(
    "pid, expected",
    [("", 30_000_000), (str(os.getpid()), 30_000_000), ("1", None)],
    ids=["all", "us", "another"],
)
def test_whom_the_watchdog_watches(
    pid: str, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert Notifier.from_environment().watchdog_interval_us == expected


@pytest.mark.parametrize("usec", ["soon", "0", "-5"])
def test_a_senseless_watchdog_interval_counts_as_none(
    usec: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    assert Notifier.from_environment().watchdog_interval_us is None
    assert "WATCHDOG_USEC" in caplog.text


def test_the_size_of_the_store_is_told(
    supervisor: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    del supervisor
    monkeypatch.setenv("FDSTORE", "512")
    assert Notifier.from_environment().fd_store == 512
    assert "FDSTORE" not in os.environ


def test_a_size_that_is_no_number(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FDSTORE", "many")
    assert Notifier.from_environment().fd_store == 0
    assert "FDSTORE='many' is not a number of descriptors" in caplog.text


def test_nobody_to_store_with() -> None:
    assert not Notifier().store("name", [0])
    assert not Notifier().unstore("name")
