from __future__ import annotations

import os

import msgspec
import pytest

from ipcrt.errors import NotFound
from ipcrt.locator.mark import Mark
from ipcrt.objects.process import Process
from tests.support.processes import Spawner


def test_a_process_is_found_again(spawn_python: Spawner) -> None:
    child = spawn_python("input()")
    with Process.of_child(child.process) as process:
        mark = msgspec.msgpack.decode(msgspec.msgpack.encode(Mark.of(process)), type=Mark)
        with mark.open() as again:
            assert (again.pid, again.koid) == (child.pid, process.koid)


def test_another_process_of_that_pid_is_not_taken_for_it() -> None:
    with Process.open(os.getpid()) as process:
        mark = Mark.of(process)
    for other in (
        msgspec.structs.replace(mark, inode=mark.inode + 1),
        msgspec.structs.replace(mark, began_ticks=mark.began_ticks - 1),
    ):
        with pytest.raises(NotFound, match=f"process {os.getpid()} is another one now"):
            other.open()


def test_a_process_that_has_ended(spawn_python: Spawner) -> None:
    child = spawn_python("input()")
    with Process.of_child(child.process) as process:
        mark = Mark.of(process)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(NotFound):  # not waited for yet, so its pid is still its own
            mark.open()
        child.wait()
        with pytest.raises(NotFound):
            mark.open()
        with pytest.raises(NotFound):
            Mark.of(process)
