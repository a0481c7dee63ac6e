from __future__ import annotations

import os
import select
import signal

import pytest

from tests.support.processes import Spawner


def test_arguments_and_pipes(spawn_python: Spawner) -> None:
    child = spawn_python("import sys; print(sys.argv[1:]); print(input()); print(1)", "a b", 7)
    assert child.line() == "['a b', '7']"
    child.send("hello")
    assert child.line() == "hello"
    assert child.finish() == "1\n"
    assert child.line() == ""


def test_module_sees_the_tests(spawn_python: Spawner) -> None:
    assert spawn_python.module("tests.support.proc").finish() == ""


def test_environment_adds(spawn_python: Spawner) -> None:
    source = "import os; print(os.environ['WORD'], 'PATH' in os.environ)"
    assert spawn_python(source, environment={"WORD": "x"}).finish() == "x True\n"


def test_only_the_passed_descriptor_arrives(spawn_python: Spawner) -> None:
    ours, theirs = os.pipe()
    os.set_inheritable(ours, True)
    try:
        child = spawn_python(
            "import os, sys; os.write(int(sys.argv[1]), b'x')", theirs, pass_fds=[theirs]
        )
        assert os.read(ours, 1) == b"x"
        child = spawn_python(
            "import os, sys; os.fstat(int(sys.argv[1]))", ours, capture_stderr=True
        )
        assert child.wait() == 1
        assert "Bad file descriptor" in child.errors()
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_bad_end_is_an_error(spawn_python: Spawner) -> None:
    child = spawn_python("raise SystemExit(3)")
    with pytest.raises(AssertionError, match="ended with status 3"):
        child.finish()


def test_kill(spawn_python: Spawner) -> None:
    child = spawn_python("input()")
    child.kill(signal.SIGTERM)
    assert child.wait() == -signal.SIGTERM


def test_a_command_that_does_not_exist(spawn_python: Spawner) -> None:
    with pytest.raises(FileNotFoundError):
        spawn_python.command(["/does/not/exist"], capture_stderr=True)


@pytest.mark.parametrize("leader_first", [False, True])
def test_close_ends_grandchildren_too(leader_first: bool) -> None:
    ours, theirs = os.pipe()
    spawner = Spawner()
    try:
        # The grandchild holds the pipe's write end; end of file proves that it is gone.
        source = "import os; print(os.posix_spawn('/bin/sleep', ['sleep', '99'], {})); input()"
        child = spawner(source, pass_fds=[theirs])
        child.line()
        os.close(theirs)
        if leader_first:
            child.kill()
            child.wait()
        assert not select.select([ours], [], [], 0)[0]
        spawner.close()
        assert os.read(ours, 1) == b""
    finally:
        spawner.close()
        os.close(ours)
