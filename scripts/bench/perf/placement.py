"""On which cores a row's processes run."""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Iterator


class Placement(enum.StrEnum):
    """Where the two processes of each row are."""

    SAME = "same"
    """Both on one core: what the software costs."""
    SPLIT = "split"
    """Each on a core of its own."""
    FREE = "free"
    """Wherever the kernel likes."""


def cores(placement: Placement, allowed: list[int]) -> tuple[set[int], set[int]] | None:
    """Answer the cores of the server and of the client; None where there are too few.

    The last cores are taken: interrupts like the first.
    """
    if placement is Placement.FREE:
        return set(allowed), set(allowed)
    if placement is Placement.SAME:
        return {allowed[-1]}, {allowed[-1]}
    return None if len(allowed) < 2 else ({allowed[-1]}, {allowed[-2]})


def tree(pid: int) -> Iterator[int]:
    """Answer a process, and all that it and they have started and that still run."""
    yield pid
    for thread in threads(pid):
        try:
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                children = [int(child) for child in file.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            yield from tree(child)


def threads(pid: int) -> list[int]:
    """Answer the threads of a process; none if it has ended."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except (FileNotFoundError, ProcessLookupError):
        return []


def pin(pid: int, where: set[int]) -> None:
    """Let a process, its threads and its children run on these cores alone.

    Threads that they start later inherit it. Source: sched_setaffinity(2).
    """
    for process in tree(pid):
        for thread in threads(process):
            try:
                os.sched_setaffinity(thread, where)
            except ProcessLookupError:
                continue


def cpu_ns(pid: int) -> int:
    """Answer the processor time that a process and its children have used, in nanoseconds.

    Source: clock_getcpuclockid(3), whose clock has this number in Linux.
    """
    used = 0
    for process in tree(pid):
        try:
            used += time.clock_gettime_ns((~process << 3) | 2)
        except OSError:
            continue
    return used
