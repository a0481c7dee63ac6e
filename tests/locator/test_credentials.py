from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.errors import NotFound, WrongType
from ipcrt.locator import credentials
from ipcrt.locator.credentials import Credentials, peer_cgroup, peer_process, unit_of
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from tests.locator.stage import NOBODY, let_others_in, needs_root
from tests.support.processes import Child, Spawner

UNKNOWN_OPTION = 9999
"""What SO_PEERPIDFD is to a kernel before Linux 6.5: ENOPROTOOPT."""

# Connects as whom it is told to be, says so, and leaves when it is told to.
CLIENT = """
import os, socket, sys
path, uid, gid, *groups = sys.argv[1:]
client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if int(uid) >= 0:
    os.setgroups([int(group) for group in groups])
    os.setresgid(int(gid), int(gid), int(gid))
    os.setresuid(int(uid), int(uid), int(uid))
client.connect(path)
print("connected", flush=True)
sys.stdin.readline()
"""


class Meeting:
    """A listener, and clients that are processes."""

    def __init__(self, directory: Path, spawn: Spawner) -> None:
        self._spawn = spawn
        self._path = directory / "socket"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(os.fspath(self._path))
        self._path.chmod(0o777)
        self._listener.listen()
        if os.geteuid() == 0:
            let_others_in(self._path)

    def client(self, uid: int = -1, gid: int = -1, *groups: int) -> tuple[Channel, Child]:
        """A client's connection, which the caller owns, and its process."""
        child = self._spawn(CLIENT, self._path, uid, gid, *groups)
        assert child.line() == "connected"
        accepted, _ = self._listener.accept()
        return Channel(accepted.detach()), child

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def meeting(tmp_path: Path, spawn_python: Spawner) -> Iterator[Meeting]:
    with contextlib.closing(Meeting(tmp_path, spawn_python)) as opened:
        yield opened


# ---------------------------------------------------------------------------------------- numbers


def test_another_process(meeting: Meeting) -> None:
    channel, child = meeting.client()
    with channel:
        who = Credentials.of(channel)
    assert (who.pid, who.uid, who.gid) == (child.pid, os.getuid(), os.getgid())
    assert who.gid in who.groups


def test_both_ends_of_a_pair_are_its_maker() -> None:
    first, second = Channel.create()
    with first, second:
        assert Credentials.of(first) == Credentials.of(second)
        assert Credentials.of(first).pid == os.getpid()


@needs_root
def test_another_user(meeting: Meeting) -> None:
    channel, _ = meeting.client(NOBODY.pw_uid, NOBODY.pw_gid)
    with channel:
        who = Credentials.of(channel)
    assert (who.uid, who.gid) == (NOBODY.pw_uid, NOBODY.pw_gid)
    assert who.groups == {NOBODY.pw_gid}


@needs_root
@pytest.mark.parametrize("count", [0, 1, 16, 17, 256])
def test_supplementary_groups(meeting: Meeting, count: int) -> None:
    groups = range(5000, 5000 + count)
    channel, _ = meeting.client(NOBODY.pw_uid, NOBODY.pw_gid, *groups)
    with channel:
        assert Credentials.of(channel).groups == {NOBODY.pw_gid, *groups}


@needs_root
def test_more_groups_than_we_can_be_told_count_as_none(meeting: Meeting) -> None:
    channel, _ = meeting.client(NOBODY.pw_uid, NOBODY.pw_gid, *range(5000, 5257))
    with channel:
        assert Credentials.of(channel).groups == {NOBODY.pw_gid}


def test_only_sockets_have_peers() -> None:
    with Event.create() as event, pytest.raises(WrongType):
        Credentials.of(event)
    with Event.create() as event, pytest.raises(WrongType):
        peer_process(event)


# ------------------------------------------------------------------------------------- the process


def test_the_process_is_the_very_one(meeting: Meeting) -> None:
    channel, child = meeting.client()
    with channel, peer_process(channel) as process, Process.open(child.pid) as same:
        assert process.koid == same.koid
        assert not os.get_inheritable(process.fileno())
        assert not process.is_terminated()
        child.kill()
        child.wait()
        assert process.is_terminated()


def test_a_process_that_has_ended(meeting: Meeting) -> None:
    """From Linux 6.16 on it can still be named; before, it is NotFound."""
    channel, child = meeting.client()
    with channel:
        child.kill()
        child.wait()
        with contextlib.suppress(NotFound), peer_process(channel) as process:
            assert process.is_terminated()


def test_an_older_kernel_opens_the_pid(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "SO_PEERPIDFD", UNKNOWN_OPTION)
    channel, child = meeting.client()
    with channel:
        with peer_process(channel) as process, Process.open(child.pid) as same:
            assert process.koid == same.koid
        child.kill()
        child.wait()
        with pytest.raises(NotFound, match="has ended"):
            peer_process(channel)


# ---------------------------------------------------------------------------------------- the unit


@pytest.mark.parametrize(
    "cgroup, unit",
    [
        ("/system.slice/cron.service", "cron.service"),
        ("/system.slice/cron.service/deeper/evil.service", "cron.service"),
        (
            "/system.slice/system-ipcrt\\x2dservice.slice/ipcrt-service@kvstore.service",
            "ipcrt-service@kvstore.service",
        ),
        ("/system.slice/docker-1f.scope", None),
        ("/system.slice/docker-1f.scope/system.slice/cron.service", None),
        ("/system.slice/a.slice", None),
        ("/system.slice", None),
        ("/system.slicer/cron.service", None),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/cron.service", None),
        ("/machine.slice/box.scope/system.slice/cron.service", None),
        ("/../system.slice/cron.service", None),
        ("/", None),
        ("", None),
    ],
)
def test_unit_of(cgroup: str, unit: str | None) -> None:
    assert unit_of(cgroup) == unit


def peer_unit(handle: Handle, pid: int) -> str | None:
    cgroup = peer_cgroup(handle, pid)
    return None if cgroup is None else unit_of(cgroup)


def test_a_peer_that_has_ended_has_no_unit(meeting: Meeting) -> None:
    channel, child = meeting.client()
    with channel:
        child.kill()
        child.wait()
        assert peer_unit(channel, child.pid) is None


def test_something_that_has_no_peer_has_no_unit() -> None:
    with Event.create() as event:
        assert peer_unit(event, os.getpid()) is None


class Cgroups:
    """Cgroups of the unified hierarchy, removed at the end; skips where they cannot be made."""

    def __init__(self) -> None:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
        self._root = next((Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"), None)
        self._made: list[Path] = []
        self._members: list[Child] = []

    def add(self, name: str, member: Child) -> None:
        if self._root is None:
            pytest.skip("no unified cgroup hierarchy is mounted")
        group = self._root / name
        try:
            for directory in (group.parent, group):
                if not directory.exists():
                    directory.mkdir()
                    self._made.append(directory)
            self._members.append(member)
            (group / "cgroup.procs").write_text(str(member.pid))
        except OSError as error:
            pytest.skip(f"cannot make a cgroup: {error}")

    def close(self) -> None:
        for member in self._members:
            member.close()
        for directory in reversed(self._made):
            directory.rmdir()


@pytest.fixture
def cgroups() -> Iterator[Cgroups]:
    with contextlib.closing(Cgroups()) as opened:
        yield opened


@needs_root
def test_the_unit_is_that_of_the_very_process(meeting: Meeting, cgroups: Cgroups) -> None:
    name = f"ipcrt-test-{os.getpid()}.service"
    ended, dead = meeting.client()
    with ended:
        dead.kill()
        dead.wait()
        channel, child = meeting.client()
        with channel:
            cgroups.add(f"system.slice/{name}", child)
            if peer_unit(channel, child.pid) != name:
                pytest.skip("another hierarchy tells the units here")
            assert peer_unit(ended, child.pid) is None  # as if it had been given the dead one's pid


@needs_root
def test_the_name_of_a_cgroup_may_be_any_bytes(meeting: Meeting, cgroups: Cgroups) -> None:
    channel, child = meeting.client()
    with channel:
        cgroups.add(f"ipcrt-test-{os.getpid()}/\udcff", child)
        assert peer_unit(channel, child.pid) is None
