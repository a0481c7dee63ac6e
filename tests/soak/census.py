"""What a process holds: descriptors, and memory that it shares with others. Source: proc(5)."""

from __future__ import annotations

import collections
import re
from pathlib import Path
from typing import Final

from ipcrt_services.demo.measure import Descriptors

_MEMFD: Final = re.compile(r"/memfd:(\S*)")

Holdings = collections.Counter[str]


def holdings(pid: int) -> Holdings:
    """Answer how many a process holds of each kind: `socket`, `anon_inode:[pidfd]`, `map ...`.

    Raises: OSError: it has ended.
    """
    found = Holdings(Descriptors.of(pid).kinds)
    maps = Path(f"/proc/{pid}/maps").read_text(errors="replace")
    found.update(f"map {match[1]}" for match in _MEMFD.finditer(maps))
    if "/dev/shm/" in maps:
        found["map /dev/shm"] += 1
    return found


def least(samples: list[Holdings]) -> Holdings:
    """Answer what is in all samples: what is held while nothing is on its way."""
    found = samples[0]
    for sample in samples[1:]:
        found &= sample
    return found


def cpu_ticks(pid: int) -> int:
    """Answer the processor time of a process, in clock ticks. Source: proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def marked(mark: str) -> list[int]:
    """Answer all processes that have `mark` in their environment, zombies not."""
    found: list[int] = []
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                environment = (each / "environ").read_bytes()
            except OSError:
                continue
            if mark.encode() in environment:
                found.append(int(each.name))
    return found


def shm_names() -> set[str]:
    """Answer what of ours is in /dev/shm."""
    shm = Path("/dev/shm")
    return {each.name for each in shm.iterdir() if "ipcrt" in each.name} if shm.is_dir() else set()


def zombies() -> list[tuple[int, int]]:
    """Answer who has ended and was not waited for, and whose child it is."""
    found: list[tuple[int, int]] = []
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                stat = (each / "stat").read_text(errors="replace")
            except OSError:
                continue
            # "pid (name) state parent ...": a name may hold blanks and parentheses.
            state, parent = stat.rpartition(")")[2].split()[:2]
            if state == "Z":
                found.append((int(each.name), int(parent)))
    return found
