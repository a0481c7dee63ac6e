"""Marks: a process written down, to be found again by who has no descriptor of it.

A pid may be given away. So a mark has the pidfd's inode, too, which is never used twice (Linux 6.9
on), and when the process began: two that have had one pid have not begun in one tick.
"""

from __future__ import annotations

import os
from typing import Self

import msgspec

from ipcrt.errors import NotFound
from ipcrt.objects.process import Process


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """One process."""

    pid: int
    inode: int
    began_ticks: int

    @classmethod
    def of(cls, process: Process) -> Self:
        """Write down a process. Raises: NotFound: it has ended, or is not in our pid namespace."""
        pid = process.pid
        inode = os.fstat(process.fileno()).st_ino
        try:
            began_ticks = _began_ticks(pid)
        except OSError as error:
            raise NotFound(f"process {pid} has ended") from error
        if pid <= 0 or process.is_terminated():
            raise NotFound(f"process {pid} has ended")
        return cls(pid, inode, began_ticks)

    def open(self) -> Process:
        """Open the process; the caller owns it. Raises: NotFound: it has ended. NoResources."""
        process = Process.open(self.pid)
        try:
            found = Mark.of(process)
        except BaseException:
            process.close()
            raise
        if found != self:
            process.close()
            raise NotFound(f"process {self.pid} is another one now")
        return process


def _began_ticks(pid: int) -> int:
    """Source: proc_pid_stat(5), starttime."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])
