from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ipcrt.port.blocking import BlockingPort
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt_services.demo.household import Household, Member
from tests.support.processes import Spawner
from tests.support.waiting import wait_until

LIVES = [sys.executable, "-c", "import time; print('alive', flush=True); time.sleep(60)"]


@contextmanager
def household() -> Generator[tuple[BlockingPort, Household, list[Member]]]:
    lost: list[Member] = []
    with BlockingPort() as port, Household(port, lost.append) as house:
        yield port, house, lost


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_everybody_and_everything_is_gone_in_the_end() -> None:
    with household() as (_, house, lost):
        pids = [house.start(name, LIVES).pid for name in ("a", "b")]
        directory = house.directory
        assert directory.is_dir()
    assert all(map(gone, pids))
    assert not directory.exists()
    assert lost == []


def test_who_ends_unasked_is_told_with_its_last_words() -> None:
    with household() as (port, house, lost):
        source = "import sys; sys.exit('\\n'.join(map(str, range(9))))"
        house.start("talker", [sys.executable, "-c", source])
        while not lost:
            port.dispatch(0.1)
        [member] = lost
        assert member.ending() == (
            f"talker (pid {member.pid}) ended with status 1\n  4\n  5\n  6\n  7\n  8"
        )


def test_who_is_killed_is_told_by_the_signal() -> None:
    with household() as (port, house, lost):
        member = house.start("victim", LIVES)
        os.kill(member.pid, signal.SIGKILL)
        while not lost:
            port.dispatch(0.1)
        assert lost[0].ending() == f"victim (pid {member.pid}) ended with SIGKILL"


def test_who_was_told_to_end_is_not_lost() -> None:
    with household() as (port, house, lost):
        member = house.start("friend", LIVES)
        assert house.end(member) == -signal.SIGTERM
        port.dispatch(0.05)
        assert lost == []


def test_who_may_end_is_not_lost_either() -> None:
    with household() as (port, house, lost):
        member = house.start("friend", LIVES)
        member.expected_to_end = True
        member.popen.kill()
        wait_one(member.process, Signals.TERMINATED)
        port.dispatch(0.05)
        assert lost == []


def test_who_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipcrt_services.demo.household._GRACE_S", 0.05)
    with household() as (_, house, _):
        source = "import signal, time; signal.signal(15, signal.SIG_IGN); open('up', 'w')"
        command = ["sh", "-c", f'cd {house.directory}; exec {sys.executable} -c "$0"', source]
        member = house.start("deaf", [*command[:-1], source + "; time.sleep(60)"])
        wait_until((house.directory / "up").exists)
        assert house.end(member) == -signal.SIGKILL


def test_only_the_descriptors_that_are_passed_arrive() -> None:
    read, write = os.pipe()
    try:
        with household() as (_, house, _):
            member = house.start(
                "reader",
                ["sh", "-c", f"cat < /proc/self/fd/{read}; ls /proc/self/fd >&2"],
                pass_fds=[read],
            )
            os.write(write, b"hello\n")
            os.close(write)
            write = -1
            assert member.popen.wait() == 0
            words = (house.directory / "reader.stderr").read_text().split()
        assert words[0] == "hello"
        assert set(words[1:]) == {"0", "1", "2", "3", str(read)}  # 3 is the listing's own
    finally:
        os.close(read)
        if write >= 0:
            os.close(write)


def test_everybody_dies_with_the_conductor(spawn_python: Spawner) -> None:
    child = spawn_python(
        "import sys, time\n"
        "from ipcrt.port.blocking import BlockingPort\n"
        "from ipcrt_services.demo.household import Household\n"
        "with BlockingPort() as port, Household(port, print) as house:\n"
        "    print(house.start('a', ['sleep', '60']).pid, house.directory)\n"
        "    time.sleep(60)\n"
    )
    pid, directory = child.line().split()
    child.kill()
    child.wait()
    wait_until(lambda: gone(int(pid)))
    (Path(directory) / "a.stderr").unlink()
    Path(directory).rmdir()  # a SIGKILL is the one end after which this is left


def test_a_long_name_of_the_temporary_directory_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with household() as (_, house, _):
        assert len(str(house.directory / "locator")) < 107
    assert list(long.iterdir()) == []
