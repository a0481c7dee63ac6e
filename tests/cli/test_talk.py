"""`ipcrt talk` in a process of its own, against the real locator and real services."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import IPCRT, Command, Ended, start_service
from tests.cli.terminal import Terminal
from tests.support.processes import ROOT, Child, Spawner

REQUESTED = "ipcrt.canvas/Requested"
METERED = "ipcrt.canvas/Metered"
STORE = "ipcrt.kvstore/Store"
LINES = """'lines=[[{"x": 1, "y": 2}, {"x": 3, "y": 4}]]'"""
ADD_LINE = """add_line 'line=[{"x": 1, "y": 2}, {"x": 3, "y": 4}]'"""
BOX = {"top_left": {"x": 1, "y": 2}, "bottom_right": {"x": 3, "y": 4}}


@pytest.fixture
def canvas(path: Path, locator: Child, spawn_python: Spawner, where: Path) -> Child:
    del locator
    arguments = ["--directory", where]
    return start_service(spawn_python, path, "ipcrt_services.canvas", REQUESTED, arguments)


@pytest.fixture
def store(path: Path, locator: Child, spawn_python: Spawner, tmp_path: Path) -> Child:
    del locator
    arguments = ["--directory", tmp_path]
    return start_service(spawn_python, path, "ipcrt_services.kvstore", STORE, arguments)


def talk(ipcrt: Command, script: str, *arguments: str) -> Ended:
    """Run a script that comes through a pipe."""
    return ipcrt("talk", *arguments, script=script)


@pytest.mark.usefixtures("canvas")
def test_a_script_makes_calls_and_shows_events(ipcrt: Command) -> None:
    script = f"""
        # Draw once.
        add_lines {LINES}   # and say so
        ready
        wait on_drawn

        wait 0
    """
    ended = talk(ipcrt, script, REQUESTED)
    assert ended.errors == ""
    assert sorted(ended.output.splitlines()) == ["()", f"event on_drawn {json.dumps(BOX)}"]
    assert ended.status == 0


@pytest.mark.usefixtures("canvas")
def test_json_is_one_object_a_line(ipcrt: Command) -> None:
    script = f"AddLines {LINES}\nReady\nwait OnDrawn\nadd_lines lines=x\nwait\n"
    ended = talk(ipcrt, script, REQUESTED, "--json")
    *told, first, second = map(json.loads, ended.output.splitlines())
    assert {"reply": None, "method": "ready"} in told
    assert {"event": "on_drawn", "payload": BOX} in told
    assert first["error"].startswith("lines: expected a list of at most 1024 in JSON, got 'x'")
    assert (first["line"], second["line"], len(told)) == (4, 5, 2)
    assert second["error"] == "wait takes seconds, or the name of an event: on_drawn"
    assert (ended.status, ended.errors) == (1, "")


@pytest.mark.usefixtures("store")
def test_a_call_that_fails_does_not_end_the_talk(ipcrt: Command) -> None:
    script = (
        "read_item key=none\nfly\nread_item 'key\nread_item key\nread_item\n"
        "write_item attempt.key=demo/1 'attempt.value=b c'\nread_item key=demo/1"
    )
    ended = talk(ipcrt, script, STORE)
    assert (ended.status, ended.output) == (1, '()\n{"value": "b c"}\n'), ended.errors
    assert [line.partition("; it has")[0] for line in ended.errors.splitlines()] == [
        "ipcrt: line 1: ipcrt.kvstore/Store.ReadItem: NOT_FOUND",
        "ipcrt: line 2: ipcrt.kvstore/Store has no method fly",
        'ipcrt: line 3: "read_item \'key": No closing quotation',
        "ipcrt: line 4: 'key' is neither NAME=VALUE nor a JSON object",
        "ipcrt: line 5: key is missing; it takes key",
    ]
    assert ended.status == 1


@pytest.mark.usefixtures("store")
def test_a_script_may_be_a_file(ipcrt: Command, where: Path, path: Path) -> None:
    (where / "script").write_text(
        "write_item attempt.key=demo/1 attempt.value=1\nread_item key=demo/1\n"
    )
    with (where / "script").open() as script:
        ended = subprocess.run(
            [*IPCRT, "talk", STORE, "--json", "--socket", str(path)],
            check=True,
            stdin=script,
            capture_output=True,
        )
    assert [json.loads(line) for line in ended.stdout.splitlines()] == [
        {"reply": None, "method": "write_item"},
        {"reply": {"value": "1"}, "method": "read_item"},
    ]


@pytest.mark.usefixtures("locator")
def test_a_name_that_nobody_serves_ends_the_talk(ipcrt: Command) -> None:
    ended = talk(ipcrt, "ready\nready\n", REQUESTED)
    assert (ended.status, ended.output) == (1, "")
    assert ended.errors == (
        f"ipcrt: line 1: {REQUESTED}: nobody serves it; see `ipcrt list` (NOT_FOUND)\n"
    )


@pytest.mark.usefixtures("canvas")
def test_a_wait_gives_up(ipcrt: Command) -> None:
    ended = talk(ipcrt, "wait on_drawn\nwait 0.01\nwait x\n", REQUESTED, "--timeout", "0.5")
    assert ended.status == 1
    first, second = ended.errors.splitlines()
    assert first == "ipcrt: line 1: wait: no on_drawn came within 0.5 seconds (TIMED_OUT)"
    assert second.startswith("ipcrt: line 3: wait: expected seconds")


# ---- while it talks


@pytest.fixture
def talking(path: Path, canvas: Child, spawn_python: Spawner) -> Child:
    """A talk whose input is a pipe that stays open."""
    del canvas
    arguments = ["talk", METERED, "--json", "--socket", str(path)]
    return spawn_python.command([*IPCRT, *arguments])


def test_events_come_while_nothing_is_typed(talking: Child) -> None:
    talking.send(ADD_LINE)
    assert json.loads(talking.line()) == {"reply": None, "method": "add_line"}
    assert json.loads(talking.line()) == {"event": "on_drawn", "payload": BOX}
    assert talking.finish() == ""


def test_a_server_that_dies_ends_the_talk_at_once(talking: Child, canvas: Child) -> None:
    talking.send(ADD_LINE)
    assert "reply" in talking.line()
    assert "event" in talking.line()
    canvas.kill()
    told = json.loads(talking.line())
    assert (told["status"], told["line"]) == ("PEER_CLOSED", 2)
    assert talking.wait() == 1


def test_ctrl_c_ends_at_once(talking: Child) -> None:
    talking.send("fly")
    talking.line()
    talking.send("wait 60")
    talking.kill(signal.SIGINT)
    assert talking.wait() == 130


@pytest.mark.usefixtures("canvas")
def test_when_nobody_reads_the_events_it_ends(path: Path, spawn_python: Spawner) -> None:
    talking = spawn_python.command([*IPCRT, "talk", REQUESTED, "--socket", str(path)])
    talking.send("ready")
    assert talking.line() == "()"
    assert talking.process.stdout is not None
    talking.process.stdout.close()
    talking.send(f"add_lines {LINES}")  # which nothing but an event answers
    assert talking.wait() == 1


# ---- on a terminal


@pytest.fixture
def terminal(path: Path, canvas: Child) -> Iterator[Terminal]:
    del canvas
    with Terminal([*IPCRT, "talk", METERED, "--socket", str(path)]) as terminal:
        yield terminal


def test_on_a_terminal_lines_are_edited_and_events_stand_above(terminal: Terminal) -> None:
    terminal.expect("Metered> ")
    terminal.type("add_l\t")  # completed
    terminal.expect("add_line ")
    terminal.type("""'line=[{"x": 1, "y": 2}, {"x": 3, "y": 9}]'\x1b[D\x7f\x7f\x7f4}]\x05\n""")
    terminal.expect("()")
    terminal.expect("Metered> ")
    terminal.type("fl")
    terminal.expect("event on_drawn")
    terminal.expect('"bottom_right": {"x": 3, "y": 4}}')
    terminal.expect("Metered> fl")
    terminal.type("y\n")
    terminal.expect("has no method fly")
    terminal.expect("Metered> ")
    terminal.type("\x1b[A")  # the line before
    terminal.expect("fly")
    terminal.type("\x15\x04")
    assert terminal.wait() == 0  # a terminal is no script


def test_ctrl_c_gives_the_terminal_back(terminal: Terminal) -> None:
    before = terminal.modes()
    terminal.expect("Metered> ")
    assert terminal.modes() != before
    terminal.type("\x03")
    assert terminal.wait() == 130
    assert terminal.modes() == before


def test_a_server_that_dies_gives_the_terminal_back(terminal: Terminal, canvas: Child) -> None:
    before = terminal.modes()
    terminal.expect("Metered> ")
    terminal.type(f"{ADD_LINE}\n")
    terminal.expect("event on_drawn")
    terminal.expect("Metered> ")
    terminal.type("add_li")
    canvas.kill()
    terminal.expect("(PEER_CLOSED)")
    assert terminal.wait() == 1
    assert terminal.modes() == before


def test_without_readline_the_terminal_edits_lines_itself(
    path: Path, canvas: Child, where: Path
) -> None:
    del canvas
    (where / "readline.py").write_text("raise ImportError\n")
    places = os.pathsep.join([str(where), str(ROOT)])
    arguments = ["talk", METERED, "--socket", str(path)]
    with Terminal([*IPCRT, *arguments], PYTHONPATH=places) as terminal:
        terminal.expect("Metered> ")
        terminal.type(f"{ADD_LINE}x\x7f\n")
        terminal.expect("()")
        terminal.expect("Metered> ")
        terminal.expect("event on_drawn")
        terminal.expect("Metered> ")
        terminal.type("\x04")
        assert terminal.wait() == 0
