from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import IPCRT, Command, _serves, start_service
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

STORE = "ipcrt.kvstore/Store"


@pytest.fixture
def locatord(path: Path, spawn_python: Spawner) -> Child:
    child = spawn_python.module("ipcrt.cli.locatord", "--socket", path)
    wait_until(lambda: _serves(path))
    return child


@pytest.fixture
def store(path: Path, locatord: Child, spawn_python: Spawner, tmp_path: Path) -> Child:
    del locatord
    return start_service(
        spawn_python, path, "ipcrt_services.kvstore", STORE, ["--directory", tmp_path]
    )


def told(ipcrt: Command, *arguments: object) -> list[dict[str, Any]]:
    ended = ipcrt("inspect", "--json", *arguments)
    assert (ended.status, ended.errors) == (0, "")
    found: list[dict[str, Any]] = json.loads(ended.output)
    return found


def test_the_locator_and_each_service(ipcrt: Command, locatord: Child, store: Child) -> None:
    wait_until(lambda: len(told(ipcrt)) == 2)
    mine, service = told(ipcrt)
    assert (mine["service"], mine["pid"]) == ("ipcrt.locator/Locator", locatord.pid)
    assert (service["service"], service["pid"]) == (STORE, store.pid)
    for each in (mine, service):
        assert (each["alive"], each["torn"], each["stale"], each["dropped"]) == (True, 0, False, 0)
        assert 0 <= each["age_s"] < 20
        assert each["period_s"] == 1
    wait_until(lambda: told(ipcrt)[0]["tree"]["locator"]["names"] == 1)
    clients = told(ipcrt)[0]["tree"]["locator"]["clients_by_load"]
    assert clients["limits"]["calls_in_flight"] == 64
    pids = [each["pid"] for name, each in clients.items() if name.startswith("client-")]
    assert store.pid in pids, "beside those who ask, at times"
    assert service["tree"]["service"]["process"]["fds"] > 3
    text = ipcrt("inspect", STORE)
    assert text.status == 0
    assert text.output.startswith(f"{STORE} inspect  pid {store.pid} uid {os.geteuid()}  ")
    assert "\x1b" not in text.output, "colour only on terminals"
    assert "ipcrt.locator" not in text.output


def test_a_service_that_hangs_and_then_is_killed(ipcrt: Command, store: Child) -> None:
    wait_until(lambda: told(ipcrt, STORE))
    store.kill(signal.SIGSTOP)
    wait_until(lambda: told(ipcrt, STORE)[0]["stale"], 30)
    assert "HANGS" in ipcrt("inspect", STORE).output
    store.kill()
    store.wait()
    wait_until(lambda: not told(ipcrt, STORE)[0]["alive"])
    [dead] = told(ipcrt, STORE)
    assert (dead["pid"], dead["stale"]) == (store.pid, False)
    assert dead["ended_s"] >= 0
    assert dead["tree"]["service"]["process"]["pid"] == store.pid, "its last words"
    assert "DEAD" in ipcrt("inspect", STORE).output


def test_nothing_to_show_is_an_error(ipcrt: Command, locatord: Child) -> None:
    del locatord
    ended = ipcrt("inspect", "no/Such")
    assert (ended.status, ended.output) == (1, "")
    assert ended.errors == "ipcrt: no/Such: no diagnostics that this user may see\n"


def test_a_locator_without_diagnostics(ipcrt: Command, locator: Child) -> None:
    del locator
    assert ipcrt("inspect").status == 1


class Watching:
    """`ipcrt inspect --watch`, and what it has printed."""

    def __init__(self, ipcrt: Command, output: int, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*IPCRT, "inspect", "--watch", "--interval", "0.1", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            env={**os.environ, **ipcrt.environment, "TERM": "xterm"},
        )

    def stop(self) -> str:
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 130
        return errors.decode()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for each in ends:
        os.close(each)


def test_watching_without_a_terminal_prints_what_changed(
    ipcrt: Command, locatord: Child, pipe: tuple[int, int]
) -> None:
    del locatord
    watching = Watching(ipcrt, pipe[1])
    seen = b""
    place = b"ipcrt.locator/Locator locator/clients = "
    while seen.count(place) < 2 or b"port/turns" not in seen:
        seen += os.read(pipe[0], 65536)
    assert watching.stop() == ""
    assert seen.count(b"locator/limits/clients =") == 1, "that never changes"
    assert b"\x1b" not in seen


def test_watching_for_machines(ipcrt: Command, locatord: Child, pipe: tuple[int, int]) -> None:
    watching = Watching(ipcrt, pipe[1], "--json")
    with os.fdopen(os.dup(pipe[0])) as lines:
        for _ in range(3):
            [found] = json.loads(lines.readline())
            assert found["pid"] == locatord.pid
    assert watching.stop() == ""


def test_watching_on_a_terminal_redraws_in_colour(ipcrt: Command, locatord: Child) -> None:
    del locatord
    near, far = pty.openpty()
    try:
        watching = Watching(ipcrt, far)
        seen = b""
        while seen.count(b"\x1b[H\x1b[J") < 3:
            seen += os.read(near, 65536)
        assert watching.stop() == ""
        assert b"\x1b[36m" in seen
    finally:
        os.close(near)
        os.close(far)
