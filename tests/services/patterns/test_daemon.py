"""The board as a daemon: behind a real locator, for a client that finds it there."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from ipcrt.locator.connect import connect
from ipcrt_services.patterns.bindings import BoardProxy
from tests.services.patterns.boards import LABELS, add, gallery, place
from tests.support.processes import Spawner


@pytest.mark.anyio
async def test_it_serves_clients_of_the_locator(
    spawn_python: Spawner, tmp_path: Path, server_loop: str
) -> None:
    path = tmp_path / "locator"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.settimeout(30)
        supervisor.bind(os.fspath(tmp_path / "supervisor"))
        ready = {"NOTIFY_SOCKET": supervisor.getsockname()}
        spawn_python.module("ipcrt.locator.daemon", "--socket", path, environment=ready)
        wait_for_ready(supervisor)
        options = ("--directory", tmp_path, "--locator", path, "--loop", server_loop)
        board = spawn_python.module("ipcrt_services.patterns", *options, environment=ready)
        wait_for_ready(supervisor)
    async with connect(path) as locator:
        assert await locator.names() == ["ipcrt.patterns/Board"]
        async with await locator.open(BoardProxy) as proxy:
            await add(proxy, locator.port, *LABELS)
            assert await gallery(proxy, locator.port) == LABELS
            await proxy.draw([place(1)])
            assert (await proxy.get_number(1)).number
        assert (tmp_path / "key").stat().st_size == 32
    board.kill(signal.SIGTERM)
    assert board.wait() == 0


def wait_for_ready(supervisor: socket.socket) -> None:
    while supervisor.recv(4096) != b"READY=1":
        pass
