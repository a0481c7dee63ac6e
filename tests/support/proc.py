"""What /proc says about a process: its descriptors and its children. Source: proc(5)."""

from __future__ import annotations

import os
from pathlib import Path


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


def child_processes(pid: int | None = None) -> dict[int, str]:
    """The children of a process (this one by default), unreaped ones too, and their names."""
    parent = os.getpid() if pid is None else pid
    found: dict[int, str] = {}
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            stat = Path(f"/proc/{name}/stat").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        # "pid (name) state ppid ...": the name may hold blanks and parentheses.
        head, _, tail = stat.rpartition(")")
        state, ppid = tail.split()[:2]
        if int(ppid) == parent:
            zombie = ", dead but not waited for" if state == "Z" else ""
            found[int(name)] = head.partition("(")[2] + zombie
    return found
