from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest

from tests.support.proc import child_processes, open_fds, session_members

if TYPE_CHECKING:
    from tests.support.processes import Spawner


def test_open_fds_of_this_process() -> None:
    before = open_fds()
    with tempfile.NamedTemporaryFile() as file:
        os.unlink(file.name)
        assert open_fds() == {**before, file.fileno(): file.name}
        open(file.name, "x").close()  # the name again, for the context manager to remove
    assert open_fds() == before


def test_open_fds_of_another_process(spawn_python: Spawner) -> None:
    child = spawn_python("import os; print(os.open('/dev/zero', os.O_RDONLY)); input()")
    fd = int(child.line())
    assert open_fds(child.pid)[fd] == "/dev/zero"


def test_open_fds_of_nobody(spawn_python: Spawner) -> None:
    child = spawn_python("")
    child.finish()
    with pytest.raises(FileNotFoundError):
        open_fds(child.pid)


def test_children_living_and_dead(spawn_python: Spawner) -> None:
    assert child_processes() == {}
    child = spawn_python("open('/proc/self/comm', 'w').write('a (b) c'); print(); input()")
    child.line()
    assert child_processes() == {child.pid: "a (b) c"}
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert child_processes() == {child.pid: "a (b) c, dead but not waited for"}


def test_children_of_another_process(spawn_python: Spawner) -> None:
    child = spawn_python("import os; print(os.posix_spawn('/bin/cat', ['cat'], {})); input()")
    grandchild = int(child.line())
    assert list(child_processes(child.pid)) == [grandchild]


def test_session_members(spawn_python: Spawner) -> None:
    child = spawn_python("import os; print(os.posix_spawn('/bin/cat', ['cat'], {})); input()")
    grandchild = int(child.line())
    assert session_members(child.pid) == {child.pid, grandchild}
