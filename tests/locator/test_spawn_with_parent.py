from __future__ import annotations

import os
import signal
import sys

import pytest

from ipcrt.locator import spawn_with_parent
from ipcrt.objects.process import Process
from tests.support.processes import Spawner
from tests.support.waiting import wait_until

STONE = [sys.executable, "-I", "-S", spawn_with_parent.__file__]


def test_a_child_dies_with_its_parent(spawn_python: Spawner) -> None:
    source = f"""
import os, signal, subprocess, sys
command = {STONE!r} + [str(os.getpid()), str(int(signal.SIGTERM)), "sh", "-c"]
child = subprocess.Popen([*command, "echo it is sh; exec sleep 100"], stdout=subprocess.PIPE)
print(child.stdout.readline().decode().strip(), child.pid, flush=True)
sys.stdin.read()
"""
    parent = spawn_python(source)
    words = parent.line().split()
    assert words[:-1] == ["it", "is", "sh"]
    with Process.open(int(words[-1])) as child:
        assert not child.is_terminated()
        parent.kill()
        wait_until(child.is_terminated)


def test_a_parent_that_has_died_before(spawn_python: Spawner) -> None:
    child = spawn_python.command([*STONE, "1", "15", "echo", "never"])
    assert child.wait() == 126
    assert child.line() == ""


@pytest.mark.parametrize("command, status", [("/no/such", 127), ("/", 126), ("nonesuch", 127)])
def test_what_cannot_be_executed(spawn_python: Spawner, command: str, status: int) -> None:
    child = spawn_python.command([*STONE, str(os.getpid()), "15", command], capture_stderr=True)
    assert child.wait() == status
    assert child.errors().startswith(f"ipcrt: cannot run {command}: ")


def test_the_command_finds_default_signals(spawn_python: Spawner) -> None:
    """An interpreter ignores SIGPIPE, and what is ignored stays so through execve(2)."""
    child = spawn_python.command(
        [*STONE, str(os.getpid()), "15", "grep", "^Sig[IC]", "/proc/self/status"]
    )
    ignored, caught = (int(line.split()[1], 16) for line in child.finish().splitlines())
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGXFSZ):
        assert not (ignored | caught) & 1 << (number - 1)


def test_ctrl_c_before_the_command_begins_leaves_no_traceback(spawn_python: Spawner) -> None:
    child = spawn_python(f"""
import runpy, signal, sys
def look(event, arguments):
    if event == "import" and arguments[0] == "ctypes":
        print(signal.getsignal(signal.SIGINT) is signal.SIG_DFL, flush=True)
sys.addaudithook(look)
sys.argv = ["stone", "1", "15", "echo"]
runpy.run_path({spawn_with_parent.__file__!r}, run_name="__main__")
""")
    assert child.line() == "True"
    assert child.wait() == 126
