"""The editor on a real terminal, in a process of its own; `test_talk` has it whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from ipcrt.cli.line_editor import LineEditor
from tests.cli.terminal import Terminal

SOURCE = """
import readline
import sys
from ipcrt.cli.line_editor import LineEditor

lines = []

def complete(before, word):
    if word == "?":
        raise ValueError
    return [each for each in ("first ", "final ", before + "end") if each.startswith(word)]

editor = LineEditor.find("? ", complete)
assert editor is not None
while None not in lines:
    editor.begin(lines.append)
    count = len(lines)
    while len(lines) == count:
        if len(sys.argv) > 1:
            sys.argv.pop()
            with editor.aside():
                print("aside")
        editor.feed()
    print("<%r>" % lines[-1], flush=True)
editor.close()
editor.close()
"""


ASIDE = """
        if readline.get_line_buffer().endswith("!"):
            with editor.aside():
                print("aside")
"""


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with Terminal([sys.executable, "-W", "error", "-c", SOURCE, "aside"]) as terminal:
        yield terminal


def test_lines_are_edited_completed_and_remembered(terminal: Terminal) -> None:
    before = terminal.modes()
    terminal.expect("? ")
    terminal.expect("aside")
    terminal.expect("? ")
    terminal.type("fir\tset\x7f\n")  # tab, and backspace
    terminal.expect("<'first se'>")
    terminal.expect("? ")
    terminal.type("\x1b[A\x01ä \n")  # up, and to the line's beginning
    terminal.expect("<'ä first se'>")
    terminal.expect("? ")
    terminal.type("\n")
    terminal.expect("<''>")
    terminal.expect("? ")
    terminal.type("\x04")
    terminal.expect("<None>")
    assert terminal.wait() == 0
    assert terminal.modes() == before


def test_a_line_of_many_rows_is_cleared_and_shown_again() -> None:
    source = SOURCE.replace("while len(lines) == count:", f"while len(lines) == count:{ASIDE}")
    with Terminal([sys.executable, "-c", source]) as terminal:
        terminal.rows_and_columns(24, 20)
        terminal.expect("? ")
        terminal.type("x" * 50 + "!")
        terminal.expect("!")
        shown = terminal.expect("aside")
        assert shown.count("\x1b[A") == 2  # up to the first of three rows
        assert "x" * 18 in terminal.expect("!").replace("\r", "")
        terminal.type("\x15\x04")
        assert terminal.wait() == 0


def test_where_there_is_no_readline_there_is_no_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "readline", None)
    assert LineEditor.find("> ", lambda before, word: [before, word]) is None
