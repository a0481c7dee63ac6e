from __future__ import annotations

import os
import pwd
import subprocess
import sys

import pytest

from ipcrt.errors import NotFound
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.policy_subject import (
    Subject,
    subject_of_peer,
    subject_of_process,
    subject_of_user,
)
from ipcrt.objects.channel import Channel
from tests.support.processes import Spawner


def test_a_process_is_who_the_kernel_would_say() -> None:
    first, second = Channel.create()
    with first, second:
        who = Credentials.of(first)
        told = subject_of_process(os.getpid())
        assert told.who == who
        assert subject_of_peer(who, first, with_cgroup=True) == told
        assert subject_of_peer(who, first, with_cgroup=False) == Subject(who)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_process_is_who_it_acts_as(spawn_python: Spawner) -> None:
    child = spawn_python(
        "import os; os.setgroups([7, 8]); os.setresgid(1, 2, 3); os.setresuid(0, 65534, 0);"
        "print(); input()"
    )
    child.line()
    who = subject_of_process(child.pid).who
    assert (who.uid, who.gid, who.groups) == (65534, 2, frozenset({2, 7, 8}))


def test_a_process_that_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    with pytest.raises(NotFound, match=f"process {gone.pid} is not there"):
        subject_of_process(gone.pid)


def test_a_user_has_its_groups_and_what_is_told() -> None:
    entry = pwd.getpwnam("nobody")
    for name in ("nobody", str(entry.pw_uid)):
        told = subject_of_user(name, frozenset({4242}), None, None)
        assert told.who.uid == entry.pw_uid
        assert {4242, entry.pw_gid} <= told.who.groups
        assert told.who.pid == 0


def test_a_uid_needs_no_entry() -> None:
    told = subject_of_user("3999999999", frozenset(), None, None)
    assert (told.who.uid, told.who.gid) == (3999999999, 3999999999)


@pytest.mark.parametrize("name", ["no-such-user", "", "no\0user", "-1"])
def test_no_such_user(name: str) -> None:
    with pytest.raises(NotFound, match="there is no user"):
        subject_of_user(name, frozenset(), None, None)


def test_the_unit_is_the_cgroups_unless_told() -> None:
    cgroup = "/system.slice/x.service/deep"
    assert subject_of_user("0", frozenset(), None, cgroup).unit == "x.service"
    assert subject_of_user("0", frozenset(), "y.service", cgroup).unit == "y.service"
    assert subject_of_user("0", frozenset(), None, "/user.slice/x.service").unit is None
