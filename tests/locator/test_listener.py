from __future__ import annotations

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from ipcrt.errors import AccessDenied, AlreadyExists, InvalidArgs, NotFound, OutOfRange
from ipcrt.locator.listener import Listener
from tests.support.processes import Spawner

OWNER = """
import sys
from ipcrt.errors import IpcError
from ipcrt.locator.listener import Listener
try:
    listener = Listener.bind(sys.argv[1])
except IpcError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print("listening", flush=True)
sys.stdin.readline()
listener.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ipcrt" / "locator"


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.setblocking(False)
        return client.connect_ex(os.fspath(path)) == 0


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ------------------------------------------------------------------------------- the ordinary life


def test_listens_and_accepts(path: Path) -> None:
    with Listener.bind(path) as listener:
        assert not listener.socket.getblocking()
        assert not listener.socket.get_inheritable()
        assert can_connect(path)
        connection, _ = listener.socket.accept()
        connection.close()


def test_close_unlinks_and_may_be_repeated(path: Path) -> None:
    listener = Listener.bind(path)
    assert listener.fileno() >= 0
    listener.close()
    listener.close()
    assert listener.fileno() == -1
    assert not path.exists()
    Listener.bind(path).close()


def test_a_second_close_does_not_touch_a_successor(path: Path) -> None:
    listener = Listener.bind(path)
    listener.close()
    with Listener.bind(path) as successor:
        listener._inode = successor._inode  # as when the file system gives the number again
        listener.close()
        assert can_connect(path)


def test_close_leaves_the_path_of_another(path: Path) -> None:
    with Listener.bind(path):
        path.unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
            other.bind(os.fspath(path))
    assert path.is_socket()


def test_close_bears_a_path_that_is_gone(path: Path) -> None:
    with Listener.bind(path):
        path.unlink()


@pytest.mark.parametrize(
    "mode, directory", [(0o600, 0o700), (0o660, 0o755), (0o666, 0o755)], ids=oct
)
def test_modes_are_exact_whatever_the_umask(path: Path, mode: int, directory: int) -> None:
    before = os.umask(0o077)
    try:
        with Listener.bind(path, mode):
            assert mode_of(path) == mode
            assert mode_of(path.parent) == directory
    finally:
        os.umask(before)


def test_an_existing_directory_keeps_its_mode(path: Path) -> None:
    path.parent.mkdir(0o750)
    with Listener.bind(path, 0o666):
        assert mode_of(path.parent) == 0o750


def test_a_relative_path_survives_chdir(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent.parent)
    with Listener.bind("ipcrt/locator"):
        monkeypatch.chdir("/")
    assert not path.exists()


# ------------------------------------------------------------------------------------ bad arguments


def test_a_long_path_is_refused(tmp_path: Path) -> None:
    room = 107 - len(os.fsencode(tmp_path)) - 1
    with Listener.bind(tmp_path / ("x" * room)):
        pass
    with pytest.raises(OutOfRange, match="socket path of 108 bytes exceeds 107"):
        Listener.bind(tmp_path / ("x" * (room + 1)))


@pytest.mark.parametrize("bad", ["", "\0abstract"])
def test_no_path(bad: str) -> None:
    with pytest.raises(InvalidArgs):
        Listener.bind(bad)


def test_no_directory_to_make_the_directory_in(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="make the directory"):
        Listener.bind(tmp_path / "a" / "b" / "locator")


# ---------------------------------------------------------------------------- what is there already


def test_two_in_one_process(path: Path) -> None:
    with Listener.bind(path):
        with pytest.raises(AlreadyExists, match="another process starts or serves"):
            Listener.bind(path)
        assert can_connect(path)


def test_an_owner_in_another_process(path: Path, spawn_python: Spawner) -> None:
    owner = spawn_python(OWNER, path)
    assert owner.line() == "listening"
    with pytest.raises(AlreadyExists):
        Listener.bind(path)
    assert can_connect(path)
    owner.finish()
    Listener.bind(path).close()


@pytest.mark.parametrize(
    "kind, backlog", [("SOCK_SEQPACKET", 8), ("SOCK_SEQPACKET", 0), ("SOCK_STREAM", 8)]
)
def test_a_live_server_without_a_lock_is_left_alone(path: Path, kind: str, backlog: int) -> None:
    """Such as systemd's. With backlog 0 it is full after one client."""
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, getattr(socket, kind)) as server:
        server.bind(os.fspath(path))
        server.listen(backlog)
        inode = path.stat().st_ino
        for _ in range(2):
            with pytest.raises(AlreadyExists, match="another process listens"):
                Listener.bind(path)
        assert path.stat().st_ino == inode


def test_a_killed_owner_is_recovered(path: Path, spawn_python: Spawner) -> None:
    owner = spawn_python(OWNER, path)
    assert owner.line() == "listening"
    owner.kill()
    assert owner.wait() == -signal.SIGKILL
    assert path.is_socket()
    with Listener.bind(path):
        assert can_connect(path)


def test_a_file_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(AlreadyExists, match="not a socket"):
        Listener.bind(path)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("alive", [True, False])
def test_a_link_is_left_alone(path: Path, tmp_path: Path, alive: bool) -> None:
    path.parent.mkdir()
    target = tmp_path / "target"
    path.symlink_to(target)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(os.fspath(target))
        if alive:
            server.listen()
        with pytest.raises(AlreadyExists, match="not a socket"):
            Listener.bind(path)
        assert path.is_symlink()
        assert target.is_socket()


def test_a_link_for_a_lock_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.with_name("locator.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AccessDenied, match="lock file"):
        Listener.bind(path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_failed_start_does_not_keep_the_lock(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("in the way")
    with pytest.raises(AlreadyExists):
        Listener.bind(path)
    path.unlink()
    Listener.bind(path).close()


NO_ROOM = """
import os, resource, sys
from ipcrt.errors import NoResources
from ipcrt.locator.listener import Listener

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]), hard))
try:
    Listener.bind(sys.argv[1])
except NoResources:
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.exit(len(os.listdir("/proc/self/fd")) - 4)
sys.exit("bound")
"""


@pytest.mark.parametrize("limit", [3, 4, 5], ids=["lock", "pin", "probe"])
def test_no_descriptor_is_lost_when_there_are_too_few(
    path: Path, limit: int, spawn_python: Spawner
) -> None:
    owner = spawn_python(OWNER, path)
    assert owner.line() == "listening"
    owner.kill()
    owner.wait()
    warn = {"PYTHONWARNINGS": "always::ResourceWarning"}
    starter = spawn_python(NO_ROOM, path, limit, environment=warn, capture_stderr=True)
    assert starter.wait() == 0
    assert starter.errors() == ""
    assert path.is_socket()


# ------------------------------------------------------------------------------------------- races

# Each round: a dead owner's path, then racers that start together; the winners are told by a pipe.
RACE = """
import os, select, signal, socket, sys
from ipcrt.errors import AlreadyExists
from ipcrt.locator.listener import Listener

path, rounds, racers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

def racer(start, report):
    os.read(start, 1)
    try:
        listener = Listener.bind(path)
    except AlreadyExists:
        os.write(report, b"-")
    else:
        os.write(report, b"+")
        signal.pause()
    os._exit(0)

for number in range(rounds):
    start, go = os.pipe()
    results, report = os.pipe()
    pids = []
    for _ in range(racers):
        pids.append(os.fork())
        if pids[-1] == 0:
            os.close(go)
            racer(start, report)
    os.close(start)
    os.close(go)  # end of file is the starting shot
    answers = b"".join(os.read(results, 1) for _ in pids)
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reached = client.connect_ex(path) == 0
    client.close()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.close(results)
    os.close(report)
    if answers.count(b"+") != 1 or not reached or not os.path.exists(path):
        sys.exit(f"round {number}: {answers}, reached: {reached}")
print("fair")
"""


def test_of_racing_starters_exactly_one_wins(path: Path, spawn_python: Spawner) -> None:
    race = spawn_python(RACE, path, 150, 3)
    assert race.finish().strip() == "fair"
