"""What /proc says of a process: its descriptors, its memory, its children. Source: proc(5)."""

from __future__ import annotations

import collections
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

_SETTLE_S: Final = 6.0
"""How long a process may take to close what its peers have closed, and memfds that it kept for the
next long message, for four seconds; only a leak waits longer."""

_QUIET_S: Final = 0.1
_STEP_S: Final = 0.01
_INODE: Final = re.compile(r":\[\d+\]$")


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The open descriptors of a process, by what they refer to: `socket`, `/dev/null`, ..."""

    kinds: collections.Counter[str]

    @classmethod
    def of(cls, pid: int) -> Descriptors:
        """Look at a process now. Raises: OSError: it has ended, or is another user's."""
        kinds: collections.Counter[str] = collections.Counter()
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{name}")
            except FileNotFoundError:  # closed since; our own listing among them
                continue
            kinds[_INODE.sub("", target)] += 1
        return cls(kinds)

    def __len__(self) -> int:
        return self.kinds.total()

    def since(self, before: Descriptors) -> list[str]:
        """Answer what is here that was not there `before`, one entry for each descriptor."""
        return sorted((self.kinds - before.kinds).elements())


async def quiet(pid: int) -> Descriptors:
    """Look at a process until it has had the same open for a while."""
    until = time.monotonic() + _SETTLE_S
    now, since = Descriptors.of(pid), time.monotonic()
    while time.monotonic() < min(until, since + _QUIET_S):
        await anyio.sleep(_STEP_S)
        before, now = now, Descriptors.of(pid)
        if now != before:
            since = time.monotonic()
    return now


async def settled(pid: int, before: Descriptors) -> Descriptors:
    """Look at a process until it has no more than `before`, or a while has passed."""
    until = time.monotonic() + _SETTLE_S
    while True:
        now = Descriptors.of(pid)
        if not now.since(before) or time.monotonic() > until:
            return now
        await anyio.sleep(_STEP_S)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process has in memory, in KiB.

    `pss` shares what is shared out among those who share it. The kernel's own, such as socket
    buffers, is in neither.
    """

    rss: int
    pss: int

    @classmethod
    def of(cls, pid: int) -> Memory:
        """Look at a process now. Raises: OSError."""
        found = {"Rss": 0, "Pss": 0}
        with Path(f"/proc/{pid}/smaps_rollup").open() as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name in found:
                    found[name] = int(value.split()[0])
        return cls(found["Rss"], found["Pss"])


def children(pid: int) -> list[int]:
    """Answer the pids of the children of a process that live."""
    found: list[int] = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                stat = Path(f"/proc/{name}/stat").read_text(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            # "pid (name) state parent ...": a name may hold blanks and parentheses.
            state, parent = stat.rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(name))
    return found
