"""A talk in this process, so that the leak check sees what it leaves."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ipcrt.bindings.ends import Protocol
from ipcrt.cli.complaint import Misused
from ipcrt.cli.talker import Talker
from ipcrt.locator.connect import BlockingLocatorClient, connect_blocking
from ipcrt_services.canvas.bindings import Requested
from ipcrt_services.patterns.bindings import Board
from tests.cli.conftest import start_service
from tests.support.processes import Child, Spawner

Run = Callable[[type[Protocol], str], int]


@pytest.fixture
def client(path: Path, locator: Child) -> Iterator[BlockingLocatorClient]:
    del locator
    with connect_blocking(path) as client:
        yield client


@contextmanager
def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> Generator[None, None, None]:
    """Have `text` on standard input."""
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    with open(read) as stdin, monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", stdin)
        yield


@pytest.fixture
def run(client: BlockingLocatorClient, monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(protocol: type[Protocol], text: str) -> int:
        with (
            typed(monkeypatch, text),
            Talker(client, protocol.TABLE.name, protocol, 1, as_json=False) as talker,
        ):
            return talker.run()

    return run


@pytest.fixture
def canvas(path: Path, locator: Child, spawn_python: Spawner, where: Path) -> Child:
    del locator
    name, arguments = Requested.TABLE.name, ["--directory", where]
    return start_service(spawn_python, path, "ipcrt_services.canvas", name, arguments)


@pytest.fixture
def board(path: Path, locator: Child, spawn_python: Spawner, where: Path) -> Child:
    del locator
    name, arguments = Board.TABLE.name, ["--directory", where]
    return start_service(spawn_python, path, "ipcrt_services.patterns", name, arguments)


@pytest.mark.usefixtures("canvas")
def test_an_event_that_came_before_its_wait_counts(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    add = """add_lines 'lines=[[{"x": 1, "y": 2}, {"x": 3, "y": 4}]]'\n"""
    script = f"{add}ready\nwait 0.3\nwait on_drawn\n"
    assert run(Requested, script) == 0
    assert run(Requested, f"{script}{add}ready\nwait on_drawn\n") == 0
    assert capsys.readouterr().out.count("event on_drawn") == 3
    assert run(Requested, f"{script}wait on_drawn\n") == 1
    assert "line 5: wait: no on_drawn came within 1 seconds" in capsys.readouterr().err


@pytest.mark.usefixtures("board")
def test_the_client_end_of_a_server_end_is_kept(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = '{"shape_id": 1, "shape": {"x": 1, "y": 2, "label": "a"}}'
    place = f"""draw 'commands=[{{"place": {shape}}}]'\n"""
    assert run(Board, f"{place}pin shape_id=1 pin=-\nwait 0.2\nflush\n") == 0
    assert capsys.readouterr().out == '{"shapes": 1}\n'  # else it would be erased


@pytest.mark.usefixtures("board")
def test_the_client_ends_are_bounded(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Board, "list_gallery iterator=-\n" * 65) == 1
    assert capsys.readouterr().err == (
        "ipcrt: line 65: more than 64 server ends in one talk (NO_RESOURCES)\n"
    )


def test_a_channel_that_closes_ends_the_talk(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Requested, "wait 5\nready\n") == 1
    assert "line 1: ipcrt.canvas/Requested: nobody serves it" in capsys.readouterr().err


def test_without_standard_input_there_is_no_talk(
    client: BlockingLocatorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(Misused, match="standard input is closed"):
        Talker(client, Requested.TABLE.name, Requested, 10, as_json=False)
