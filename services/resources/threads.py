"""Threads: a few threads for calls to the kernel that may block, such as reading a disk.

Whoever uses one descriptor in several jobs keeps to one thread (`lend`), and gives the descriptor
back by a job behind them: then nobody uses it any more, also where a task was cancelled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from ipcrt.errors import from_oserror
from ipcrt.port.aport import AsyncPort
from ipcrt_services.worker import Worker, call_each

T = TypeVar("T")

THREADS: Final = 4
"""Slow disks that may hold up one job each before others wait for them."""


class Thread:
    """One of the threads, lent."""

    def __init__(self, worker: Worker[Callable[[], Any], Any]) -> None:
        self._worker = worker

    async def run(self, job: Callable[[], T], doing: str) -> T:
        """Have a job done and await its result; an OSError becomes ours, which says `doing`.

        Where this is cancelled the job is done all the same. Raises: IpcError, Canceled.
        """
        return cast("T", await self._worker.submit(_translated(job, doing)))

    def post(self, job: Callable[[], object]) -> None:
        """Have a job done behind those that were submitted, and ask for no result."""
        self._worker.post(job)


class Threads:
    """Owns the threads; used on its port's thread."""

    def __init__(self, port: AsyncPort, name: str) -> None:
        self._workers = [
            Worker[Callable[[], Any], Any](port, call_each, f"{name} {number}", 1)
            for number in range(THREADS)
        ]

    def lend(self) -> Thread:
        """Answer the thread that has least to do."""
        return Thread(min(self._workers, key=_waiting))

    def close(self) -> None:
        """Do what was submitted, and end the threads; blocks meanwhile. Idempotent."""
        for worker in self._workers:
            worker.close()


def _waiting(worker: Worker[Callable[[], Any], Any]) -> int:
    return worker.statistics()["jobs_waiting"]


def _translated(job: Callable[[], T], doing: str) -> Callable[[], T]:
    def run() -> T:
        try:
            return job()
        except OSError as error:
            raise from_oserror(error, doing) from error

    return run
