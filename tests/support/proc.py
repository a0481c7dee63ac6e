"""What /proc says about a process: its descriptors and its children. Source: proc(5), wait(2)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WALL = 0x40000000
"""Children of clone(2), too, whatever signal they end with. Source: wait(2), <linux/wait.h>."""


def open_fds(pid: int | None = None) -> dict[int, str]:
    """The open descriptors of a process (this one by default) and what each one refers to.

    A deleted file keeps the name that it had. Needs the right to read the other process's /proc.
    Raises: FileNotFoundError: no such process. PermissionError: another user's process.
    """
    directory = f"/proc/{'self' if pid is None else pid}/fd"
    found: dict[int, str] = {}
    for name in os.listdir(directory):
        try:
            target = os.readlink(f"{directory}/{name}")
        except FileNotFoundError:  # closed since; the listing's own descriptor among others
            continue
        found[int(name)] = target.removesuffix(" (deleted)")
    return found


FORKER = "tests-forker"
"""The name of a child that is no test's; see `forker`."""


def child_processes(pid: int | None = None) -> dict[int, str]:
    """The children of a process (this one by default), unreaped ones too, and their names."""
    if pid is None and not _have_children():
        return {}
    parent = os.getpid() if pid is None else pid
    return {
        each.pid: each.name + (", dead but not waited for" if each.state == "Z" else "")
        for each in _all_processes()
        if each.parent == parent and each.name != FORKER
    }


def _have_children() -> bool:
    """Ask the kernel; a look at every process there is takes it a thousand times as long."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | _WALL)
        names = {
            Path(f"/proc/{child}/comm").read_text().removesuffix("\n")
            for thread in os.listdir("/proc/self/task")
            for child in Path(f"/proc/self/task/{thread}/children").read_text().split()
        }
    except ChildProcessError:
        return False
    except FileNotFoundError:  # one has just gone, or the kernel was built without such lists
        return True
    return names != {FORKER}


def session_members(session: int) -> set[int]:
    """Every living process of a session; the session outlives its leader."""
    return {each.pid for each in _all_processes() if each.session == session and each.state != "Z"}


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    name: str
    state: str
    parent: int
    session: int


def _all_processes() -> Iterator[_Process]:
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            stat = Path(f"/proc/{name}/stat").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        # "pid (name) state parent group session ...": a name may hold blanks and parentheses.
        head, _, tail = stat.rpartition(")")
        state, parent, _, session = tail.split()[:4]
        yield _Process(int(name), head.partition("(")[2], state, int(parent), int(session))
