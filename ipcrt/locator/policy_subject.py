"""Whom a policy judges: a peer that is there, or one that somebody asks about."""

from __future__ import annotations

import dataclasses
import os
import pwd
from pathlib import Path

from ipcrt.errors import InvalidArgs, NotFound
from ipcrt.locator.credentials import Credentials, cgroup_of, peer_cgroup, unit_of
from ipcrt.objects.handle import Handle


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """A client as policy sees it; `cgroup` is its path in the unified hierarchy."""

    who: Credentials
    unit: str | None = None
    cgroup: str | None = None


def subject_of_peer(who: Credentials, channel: Handle, *, with_cgroup: bool) -> Subject:
    """Answer who is at the other end of `channel`; the cgroup costs a look into /proc."""
    cgroup = peer_cgroup(channel, who.pid) if with_cgroup else None
    return Subject(who, None if cgroup is None else unit_of(cgroup), cgroup)


def subject_of_process(pid: int) -> Subject:
    """Answer who a process would be, if it connected now: its effective ids, as SO_PEERCRED has.

    Raises: NotFound: it is not there. Source: proc_pid_status(5).
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        cgroup = cgroup_of(pid)
    except OSError as error:
        raise NotFound(f"process {pid} is not there") from error
    found = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    uid, gid = (int(found[name].split()[1]) for name in ("Uid", "Gid"))
    groups = frozenset(map(int, found["Groups"].split()))
    unit = None if cgroup is None else unit_of(cgroup)
    return Subject(Credentials(pid, uid, gid, groups | {gid}), unit, cgroup)


def subject_of_user(
    user: str, groups: frozenset[int], unit: str | None, cgroup: str | None
) -> Subject:
    """Answer who a user would be, with the groups that it is in and `groups` beside them.

    A unit that is not told is the cgroup's.
    Raises: NotFound: there is no such user. InvalidArgs: a number that is no uid.
    """
    uid, gid, own = _ids(user)
    if unit is None and cgroup is not None:
        unit = unit_of(cgroup)
    return Subject(Credentials(0, uid, gid, own | groups | {gid}), unit, cgroup)


def _ids(user: str) -> tuple[int, int, frozenset[int]]:
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except (KeyError, ValueError) as error:
        if not user.isdecimal():
            raise NotFound(f"there is no user {user!r}") from error
        return int(user), int(user), frozenset()  # ids need no entry, in containers for example
    except OverflowError as error:
        raise InvalidArgs(f"{user} is no uid") from error
    return entry.pw_uid, entry.pw_gid, frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid))
