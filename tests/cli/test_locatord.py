from __future__ import annotations

import signal
from pathlib import Path

from ipcrt.inspect.snapshot import Snapshot
from ipcrt.locator.connect import connect_blocking
from tests.cli.conftest import _serves
from tests.support.processes import Spawner
from tests.support.waiting import wait_until


def test_the_locator_shows_itself(path: Path, spawn_python: Spawner) -> None:
    daemon = spawn_python.module("ipcrt.cli.locatord", "--socket", path, capture_stderr=True)
    wait_until(lambda: _serves(path))
    with connect_blocking(path) as locator:
        [tree] = locator.proxy.get_trees(0).trees
        assert (tree.service, tree.name, tree.alive) == ("ipcrt.locator/Locator", "inspect", True)
        assert tree.publisher.pid == daemon.pid
        with locator.proxy.get_tree(tree.number).vmo as vmo:
            wait_until(lambda: Snapshot.read(vmo).root.find("locator", "clients") == 1)
            snapshot = Snapshot.read(vmo)
            assert snapshot.root.find("locator", "process", "pid") == daemon.pid
            assert snapshot.root.find("port", "watched_handles")
            assert snapshot.period_ns == 1_000_000_000
            daemon.kill(signal.SIGSTOP)
            assert Snapshot.read(vmo).root.find("locator", "limits", "clients") == 4096
            daemon.kill(signal.SIGCONT)
    daemon.kill(signal.SIGTERM)
    assert daemon.wait() == 0
    assert "Traceback" not in daemon.errors()


def test_it_takes_the_daemons_options(path: Path, spawn_python: Spawner) -> None:
    daemon = spawn_python.module(
        "ipcrt.cli.locatord", "--socket", path, "--policy", "/dev/null/none", capture_stderr=True
    )
    assert daemon.wait() == 1
    assert "/dev/null/none" in daemon.errors()
