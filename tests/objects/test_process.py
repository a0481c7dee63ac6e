from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    BadState,
    InvalidArgs,
    NotFound,
    ShouldWait,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process
from ipcrt.objects.rights import Rights
from tests.support.processes import Spawner
from tests.support.waiting import wait_until

SLEEP = "import sys; sys.stdin.read()"
NEVER_A_PID = 1 << 22  # the kernel's own limit


def test_a_child_runs_is_killed_and_tells_how_it_ended(spawn_python: Spawner) -> None:
    child = spawn_python(SLEEP)
    with Process.of_child(child.process) as process:
        assert process.pid == child.pid
        assert not process.is_terminated()
        with pytest.raises(ShouldWait):
            process.wait_status()
        process.kill(signal.SIGTERM)
        wait_until(process.is_terminated)
        assert process.wait_status() == process.wait_status() == -signal.SIGTERM
        assert process.pid == child.pid, "a zombie keeps its id"
        process.kill()
        assert child.wait() == -signal.SIGTERM, "left to the module that started it"
        assert process.pid == -1
        assert process.is_terminated()
        with pytest.raises(BadState):
            process.wait_status()
        with pytest.raises(NotFound):
            process.kill()
        with pytest.raises(BadState):
            Process.of_child(child.process)


def test_a_child_that_we_started_ourselves_is_reaped() -> None:
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", "raise SystemExit(7)"], os.environ)
    with Process.open(pid) as process:
        wait_until(process.is_terminated)
        assert process.wait_status(reap=True) == 7
        with pytest.raises(BadState):
            process.wait_status()
        with pytest.raises(NotFound):
            Process.open(pid)


def test_a_process_that_is_no_child_of_ours(spawn_python: Spawner) -> None:
    source = "import subprocess, sys; p = subprocess.Popen(['cat']); print(p.pid); p.wait()"
    parent = spawn_python(source)
    with Process.open(int(parent.line())) as grandchild:
        assert not grandchild.is_terminated()
        with pytest.raises(BadState, match="no child"):
            grandchild.wait_status()
        grandchild.kill()
        wait_until(grandchild.is_terminated)
    parent.finish()


def test_a_process_is_terminated_with_its_last_thread(spawn_python: Spawner) -> None:
    """Its first thread may end before: /proc then says zombie, and it still works."""
    source = """
import ctypes, threading, time
threading.Thread(target=lambda: (input(), print("alive"), input())).start()
ctypes.CDLL(None).syscall(60, 0)  # exit(2), of this thread alone
"""
    if os.uname().machine != "x86_64":
        pytest.skip("exit(2) has another number on this architecture")
    child = spawn_python(source)
    with Process.of_child(child.process) as process:
        child.send("")
        assert child.line() == "alive"
        assert not process.is_terminated()
        child.kill()
        wait_until(process.is_terminated)


def test_waiting_for_the_end(spawn_python: Spawner) -> None:
    child = spawn_python(SLEEP)
    with Process.of_child(child.process) as process:
        threading.Timer(0.02, child.kill).start()
        assert process.wait_status(block=True) == -signal.SIGKILL
        assert process.wait_status(block=True) == -signal.SIGKILL, "left to who started it"
        child.wait()
        with pytest.raises(BadState):
            process.wait_status(block=True)


def test_ctrl_c_ends_the_wait_and_not_the_child(spawn_python: Spawner) -> None:
    child = spawn_python(SLEEP)
    with Process.of_child(child.process) as process:
        threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            process.wait_status(block=True)
        assert not process.is_terminated()


def test_a_process_handle_travels(spawn_python: Spawner) -> None:
    child = spawn_python(SLEEP)
    near, far = Channel.create()
    with near, far, Process.of_child(child.process) as process:
        near.write(b"process", [process.duplicate()])
        with Process.from_handle(far.read().handles[0]) as received:
            assert received.koid == process.koid
            assert received.pid == child.pid
            received.kill()
        wait_until(process.is_terminated)


def test_no_such_process() -> None:
    with pytest.raises(NotFound):
        Process.open(NEVER_A_PID)
    with pytest.raises(InvalidArgs):
        Process.open(-1)
    with Process.open(os.getpid()) as process, pytest.raises(InvalidArgs):
        process.kill(1000)


def test_a_child_that_was_waited_for_is_nobodys_any_more() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    with pytest.raises(BadState):
        Process.of_child(done)


def test_rights_are_asked_for() -> None:
    with Process.open(os.getpid()) as process, process.duplicate(Rights.WAIT) as mute:
        with pytest.raises(AccessDenied):
            mute.kill(0)  # which would only ask
        assert not mute.is_terminated()


def test_a_closed_process_says_so() -> None:
    process = Process.open(os.getpid())
    process.close()
    for refused in (
        process.kill,
        process.wait_status,
        process.is_terminated,
        lambda: process.pid,
    ):
        with pytest.raises(BadHandle):
            refused()
