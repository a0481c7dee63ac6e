"""Worker: a thread that does blocking jobs for an event loop, as many at a time as wait.

1. Jobs are done in the order in which they were submitted.
2. While one batch is being done, what comes gathers into the next: that is the group commit.
3. A batch is bounded; how many jobs may wait is bounded by whoever submits, which for a service
   are the limits of its clients' bindings.
4. A job is done even when nobody waits for it any more.
5. What jobs use is given back by a job that is posted behind them: then no thread uses it.
"""

from __future__ import annotations

import dataclasses
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar, cast

from ipcrt.bindings.errors import again
from ipcrt.errors import BadState, Canceled, IpcError
from ipcrt.port.aport import AsyncPort
from ipcrt.port.packet import Packet
from ipcrt.port.waiter import Waiter

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")

_log: Final = logging.getLogger("ipcrt.services")


@dataclasses.dataclass(slots=True)
class _Entry(Generic[JobT, ResultT]):
    """A job on its way; `job` is None for one that only marks a place in the queue."""

    job: JobT | None
    waiter: Waiter[ResultT | IpcError | None]
    result: ResultT | IpcError | None = None


class Worker(Generic[JobT, ResultT]):
    """Owns its thread; used on its port's thread. Works on asyncio, uvloop and trio alike."""

    def __init__(
        self,
        port: AsyncPort,
        run: Callable[[Sequence[JobT]], Sequence[ResultT | IpcError]],
        name: str,
        max_batch: int,
    ) -> None:
        """Start the thread. `run` does a batch there and answers a result for each job.

        An exception out of `run` is the result of the whole batch.
        """
        self._port = port
        self._run = run
        self._max_batch = max_batch
        self._jobs: queue.SimpleQueue[_Entry[JobT, ResultT] | None] = queue.SimpleQueue()
        self._waiting = 0
        self._batches = 0
        self._done = 0
        self._closed = False
        self._key = port.new_key()
        port.bind(self._key, self._receive)
        self._thread = threading.Thread(target=self._serve, name=name)
        self._thread.start()

    async def submit(self, job: JobT) -> ResultT:
        """Have a job done and await its result.

        Raises: what `run` made of it, always an IpcError. Canceled: the worker is closed.
        """
        if self._closed:
            raise Canceled(f"{self._thread.name} is closed")
        result = await self._enqueue(job)
        if isinstance(result, IpcError):
            raise again(result)
        return cast("ResultT", result)

    def post(self, job: JobT) -> None:
        """Have a job done, and ask for no result; once the worker is closed, here and now."""
        if self._closed:
            self._run([job])
        else:
            _ = self._enqueue(job)  # nobody waits

    async def drain(self) -> None:
        """Await the end of all jobs that were submitted until now."""
        await self._enqueue(None)

    def _enqueue(self, job: JobT | None) -> Waiter[ResultT | IpcError | None]:
        entry = _Entry[JobT, ResultT](job, self._port.create_waiter())
        self._waiting += job is not None
        self._jobs.put(entry)
        return entry.waiter

    def _receive(self, packet: Packet) -> None:
        """Hand a batch's results to whoever still waits."""
        batch = cast("list[_Entry[JobT, ResultT]]", packet.payload)
        jobs = sum(entry.job is not None for entry in batch)
        self._waiting -= jobs
        self._done += jobs
        self._batches += jobs > 0
        for entry in batch:
            if not entry.waiter.done():
                entry.waiter.set_result(entry.result)

    def statistics(self) -> dict[str, int]:
        """Count the jobs that wait, those that were done, and in how many batches."""
        return {"jobs_waiting": self._waiting, "jobs_done": self._done, "batches": self._batches}

    def close(self) -> None:
        """Do what was submitted, then end the thread; blocks meanwhile. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        self._port.unbind(self._key)

    # ---- on the thread

    def _serve(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch = [first]
            last = self._gather(batch)
            self._do([entry for entry in batch if entry.job is not None])
            try:
                self._port.queue(Packet(self._key, payload=batch))
            except BadState:
                _log.debug("%d jobs done, and nobody to tell", len(batch))
            if last:
                return

    def _gather(self, batch: list[_Entry[JobT, ResultT]]) -> bool:
        """Take what waits already (rule 2); True when the end stood behind it."""
        while len(batch) < self._max_batch:
            try:
                entry = self._jobs.get_nowait()
            except queue.Empty:
                return False
            if entry is None:
                return True
            batch.append(entry)
        return False

    def _do(self, entries: list[_Entry[JobT, ResultT]]) -> None:
        if not entries:
            return
        try:
            results = self._run([cast("JobT", entry.job) for entry in entries])
            for entry, result in zip(entries, results, strict=True):
                entry.result = result
        except IpcError as error:
            _log.error("%s: %s", self._thread.name, error)
            for entry in entries:
                entry.result = error
        except Exception as error:  # noqa: BLE001  (a defect here must not hang those who wait)
            _log.exception("%s failed", self._thread.name)
            for entry in entries:
                entry.result = IpcError(f"our own mistake: {error!r}")


def call_each(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do jobs that fail one by one; a worker's `run`, where they are functions."""
    results: list[Any] = []
    for job in jobs:
        try:
            results.append(job())
        except IpcError as error:
            results.append(error)
    return results
