"""A locator that nobody uses ends, and no client notices."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from ipcrt.bindings.ends import create_endpoints
from ipcrt.locator.connect import connect_blocking
from ipcrt.locator.protocol import Outgoing
from tests.locator.stage import IDENTITY_CALL, Stage
from tests.locator.supervisor import Supervise
from tests.support.proc import child_processes
from tests.support.processes import Spawner
from tests.support.waiting import wait_until

ROUNDS = 6


def come(stage: Stage) -> list[str]:
    with connect_blocking(stage.path) as locator:
        return locator.names()


def test_it_ends_when_the_last_client_has_left(stage: Stage, supervise: Supervise) -> None:
    supervisor = supervise("--idle-exit", 0.2, "-v", start=False)
    with stage.raw() as client:
        supervisor.start()
        with connect_blocking(stage.path):
            pass
        time.sleep(0.5)
        client.send(IDENTITY_CALL)
        assert client.recv(100)
    assert supervisor.ended() == 0
    assert "STOPPING=1" in supervisor.told
    assert "nobody has come for 0.2 s" in supervisor.log()
    assert supervisor.stored == []


def test_it_ends_when_nobody_has_ever_come(supervise: Supervise) -> None:
    assert supervise("--idle-exit", 0.05).ended() == 0


def test_who_serves_a_name_is_a_client(stage: Stage, supervise: Supervise) -> None:
    """Also where its own channel is closed."""
    supervisor = supervise("--idle-exit", 0.2, start=False)
    client, server = create_endpoints(Outgoing)
    with server:
        with stage.raw():
            supervisor.start()
            with connect_blocking(stage.path) as locator:
                locator.proxy.register(["test/Echo"], client)
        time.sleep(0.5)
        with connect_blocking(stage.path) as locator:
            assert locator.names() == ["test/Echo"]
    assert supervisor.ended() == 0


def test_a_client_that_was_kept_is_one(stage: Stage, supervise: Supervise) -> None:
    supervisor = supervise("--idle-exit", 0.2, start=False)
    with stage.raw() as client:
        supervisor.start()
        client.send(IDENTITY_CALL)
        assert client.recv(100)
        supervisor.restart()
        time.sleep(0.5)
        client.send(IDENTITY_CALL)
        assert client.recv(100)
    assert supervisor.ended() == 0


def test_who_comes_while_it_ends_is_served_by_the_next(stage: Stage, supervise: Supervise) -> None:
    """Clients come at all moments around the end, and each is served."""
    supervisor = supervise("--idle-exit", 0.02)
    assert supervisor.ended() == 0
    for number in range(ROUNDS):
        with ThreadPoolExecutor(1) as pool:
            client = pool.submit(come, stage)
            while not client.done():
                if supervisor.has_ended():
                    supervisor.start()
            assert client.result() == []
        time.sleep(0.015 + number / 1000)


def test_one_that_bound_its_path_itself_refuses(stage: Stage) -> None:
    child = stage.starting_locator("--idle-exit", 1)
    assert child.wait() == 1
    assert "--idle-exit needs a supervisor's socket" in child.errors()
    assert not stage.path.exists()


def test_an_activator_starts_it_again(stage: Stage, spawn_python: Spawner) -> None:
    python, idle = [sys.executable, "-m"], ["--idle-exit", "0.05"]
    activator = spawn_python.command(
        [
            *(*python, "ipcrt.cli.main", "activate", "--socket", str(stage.path), "--"),
            *(*python, "ipcrt.locator.daemon", *idle),
        ],
        capture_stderr=True,
    )
    wait_until(activator.errors)
    seen: set[int] = set()
    for _ in range(2):
        assert come(stage) == []
        seen.update(child_processes(activator.pid))
        wait_until(lambda: not child_processes(activator.pid))
    assert len(seen) == 2
    assert len(activator.errors().splitlines()) == 1  # no failure is told
