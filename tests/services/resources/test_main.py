"""The servers as processes, found by way of a real locator."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.errors import AccessDenied, NotFound, PeerClosed
from ipcrt.locator.connect import connect_blocking
from ipcrt.locator.resources import open_resources_blocking
from ipcrt.resources.messages import FramedData
from ipcrt_services.resources.__main__ import main
from ipcrt_services.resources.incoming import END
from tests.locator.stage import Stage
from tests.support.proc import open_fds
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

MODULE = "ipcrt_services.resources"


@pytest.fixture
def stage(tmp_path: Path, spawn_python: Spawner) -> Iterator[Stage]:
    stage = Stage(tmp_path, spawn_python)
    stage.locator(alone=False)
    yield stage
    stage.close()


def serve(stage: Stage, kind: str, *options: object) -> Child:
    """Start a server, and wait until it is registered."""
    child = stage.spawn.module(MODULE, kind, "--locator", stage.path, *options)
    with connect_blocking(stage.path) as locator:
        known = len(locator.names())
        wait_until(lambda: len(locator.names()) > known)
    return child


def test_each_kind_is_found_by_its_scheme(stage: Stage, tmp_path: Path) -> None:
    for name in ("files", "kv"):
        (tmp_path / name).mkdir()
    (tmp_path / "files" / "motd").write_text("welcome")
    children = [
        serve(stage, "files", "--directory", tmp_path / "files", "--read-only", "--loop", "uvloop"),
        serve(stage, "kv", "--directory", tmp_path / "kv", "--loop", "asyncio"),
        serve(stage, "process", "--directory", "/", "--allow", "/bin/echo", "--loop", "trio"),
        serve(stage, "net"),
    ]
    with connect_blocking(stage.path) as locator:
        names = ["File", "Kv", "Process", "Tcp", "TcpListen"]
        assert locator.names() == [f"ipcrt.resources/{name}" for name in names]
        with open_resources_blocking(locator, "file:///motd") as client:
            with client.open("file:///motd") as data:
                assert data.recv().data == b"welcome"
            with pytest.raises(AccessDenied):
                client.open("file:///motd?write")
        with open_resources_blocking(locator, "kv") as client:
            with client.open("kv:///a?write") as data:
                data.send_stream(b"1")
                data.send_frame(END)
                with pytest.raises(PeerClosed):
                    data.recv()
            with client.open("kv:///a") as data:
                assert data.recv().data == b"1"
        with open_resources_blocking(locator, "process") as client:
            with client.open("process:///bin/echo?arg=hi") as data:
                assert (
                    next(each.data for each in data if not isinstance(each, FramedData)) == b"hi\n"
                )
            with pytest.raises(AccessDenied):
                client.open("process:///bin/true")
        with open_resources_blocking(locator, "tcp-listen") as client:
            client.open_handle("tcp-listen://127.0.0.1:0").close()
            with pytest.raises(AccessDenied):
                client.open_handle("tcp-listen://0.0.0.0:0")
    for child in children:
        child.kill(signal.SIGTERM)
        assert child.wait() == 0


# Opens, begins to read, to write and to pipe, and is killed in the middle of it all.
VICTIM = """
import os, sys, threading
from ipcrt.locator.connect import connect_blocking
from ipcrt.locator.resources import open_resources_blocking
from ipcrt.objects.handle import Handle
with connect_blocking(sys.argv[1]) as locator:
    with open_resources_blocking(locator, "file") as client:
        reader = client.open("file:///big")
        reader.recv()
        writer = client.open("file:///new?write&create")
        writer.send_stream(bytes(1 << 20))
        out, into = os.pipe()
        try:
            client.pipe("file:///big", Handle(into), timeout=0.2)
        except TimeoutError:
            print("stalled", flush=True)
            sys.stdin.read()
"""


@pytest.mark.parametrize(
    "loop",
    [
        "uvloop",
        pytest.param("asyncio", marks=pytest.mark.slow),
        pytest.param("trio", marks=pytest.mark.slow),
    ],
)
def test_clients_that_are_killed_in_the_middle_leave_nothing(
    stage: Stage, tmp_path: Path, loop: str
) -> None:
    (tmp_path / "files").mkdir()
    with (tmp_path / "files" / "big").open("wb") as big:
        big.truncate(64 << 20)
    server = serve(stage, "files", "--directory", tmp_path / "files", "--loop", loop)
    wait_until(lambda: threads(server.pid) >= 5)
    base = threads(server.pid)

    def killed() -> None:
        victim = stage.spawn(VICTIM, stage.path)
        assert victim.line() == "stalled"
        victim.kill()
        victim.wait()

    with (
        connect_blocking(stage.path) as locator,
        open_resources_blocking(locator, "file") as client,
    ):
        with pytest.raises(NotFound):
            client.open("file:///none")
        before = len(open_fds(server.pid))
        killed()
        wait_until(lambda: len(open_fds(server.pid)) == before)
        assert threads(server.pid) == base


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["ftp"],
        ["files", "--directory", "/", "--allow", "x"],
        ["kv", "--directory", "/", "--read-only"],
        ["net", "--allow", "host"],
        ["process", "--directory", "/", "--allow", "echo"],
        ["process"],
    ],
)
def test_options_that_make_no_sense(
    options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    with pytest.raises(SystemExit, match="2"):
        main(options)
    assert "error:" in capsys.readouterr().err
