from __future__ import annotations

import os
import pty
import subprocess
import sys

SHOWS = """
import sys
from ipcrt_services.demo.view import show, view_for
with view_for(as_json="json" in sys.argv) as view:
    view.progress("one", "holding", 1, 1)
    for done in range(1, 101):
        view.progress("one", "storing", done, 100)
    view.say("one", "stored [all] é")
show("the end")
"""


def test_a_terminal_gets_bars() -> None:
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-c", SHOWS],
            check=True,
            stdout=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )
        shown = os.read(ours, 1 << 20).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "100/100" in shown
    assert "storing" in shown
    assert "holding" not in shown
    assert "one        stored [all] é\r\n" in shown
    assert shown.endswith("the end\r\n")


def _printed(*arguments: str) -> str:
    command = [sys.executable, "-c", SHOWS, *arguments]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout


def test_elsewhere_there_are_lines() -> None:
    assert _printed() == "one        stored [all] é\nthe end\n"


def test_machines_get_nothing_before_the_end() -> None:
    assert _printed("json") == "the end\n"
