from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ipcrt.errors import Canceled, IoError, IpcError, Status
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt_services.worker import Worker, call_each
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

Run = Callable[[Sequence[int]], Sequence[int | IpcError]]


class Gate:
    """Doubles numbers, one batch each time it is opened; remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = 0
        self._open = threading.Semaphore(0)

    def open(self, times: int = 1) -> None:
        self._open.release(times)

    def done(self) -> list[int]:
        return [job for batch in self.batches for job in batch]

    def __call__(self, jobs: Sequence[int]) -> list[int]:
        self.entered += 1
        self._open.acquire()
        self.batches.append(list(jobs))
        return [2 * job for job in jobs]


@asynccontextmanager
async def open_worker(
    run: Run, max_batch: int = 100
) -> AsyncGenerator[tuple[Worker[int, int], AsyncPort], None]:
    async with open_port() as port:
        worker = Worker[int, int](port, run, "test worker", max_batch)
        try:
            with anyio.fail_after(10):  # else a hang would leave the thread behind
                yield worker, port
        finally:
            if isinstance(run, Gate):
                run.open(100)
            worker.close()


async def submit_all(worker: Worker[int, int], jobs: Sequence[int]) -> list[int]:
    """Submit jobs in their order, each from a task of its own."""
    results = dict.fromkeys(jobs, -1)

    async def submit(job: int) -> None:
        results[job] = await worker.submit(job)

    async with anyio.create_task_group() as group:
        for job in jobs:
            group.start_soon(submit, job)
            await anyio.lowlevel.checkpoint()
    return list(results.values())


async def test_each_job_gets_its_own_result() -> None:
    async with open_worker(lambda jobs: [2 * job for job in jobs]) as (worker, _):
        assert await worker.submit(4) == 8
        assert await submit_all(worker, range(50)) == [2 * job for job in range(50)]


async def test_what_comes_meanwhile_is_one_batch_in_order() -> None:
    gate = Gate()
    async with open_worker(gate) as (worker, _), anyio.create_task_group() as group:
        group.start_soon(worker.submit, 1)
        await wait_until_async(lambda: gate.entered)
        group.start_soon(submit_all, worker, range(10, 40))
        await wait_until_async(lambda: worker.statistics()["jobs_waiting"] == 31)
        gate.open(2)
        await worker.drain()
        assert gate.batches == [[1], list(range(10, 40))]
        assert worker.statistics() == {"jobs_waiting": 0, "jobs_done": 31, "batches": 2}


async def test_a_batch_is_bounded() -> None:
    gate = Gate()
    async with open_worker(gate, max_batch=8) as (worker, _), anyio.create_task_group() as group:
        group.start_soon(submit_all, worker, range(30))
        await wait_until_async(lambda: worker.statistics()["jobs_waiting"] == 30)
        gate.open(30)
        await worker.drain()
        assert max(map(len, gate.batches)) == 8
        assert gate.done() == list(range(30))


async def test_a_batch_that_fails_fails_each_job_with_its_status() -> None:
    def fail(jobs: Sequence[int]) -> list[int]:
        raise IpcError(f"{len(jobs)} lost", Status.NO_SPACE)

    async with open_worker(fail) as (worker, _):
        for _ in range(2):  # the thread goes on
            with pytest.raises(IpcError, match="1 lost") as caught:
                await worker.submit(1)
            assert caught.value.status is Status.NO_SPACE


async def test_a_job_that_fails_leaves_its_neighbours_alone() -> None:
    def odd_fail(jobs: Sequence[int]) -> list[int | IpcError]:
        return [IoError(f"{job} is odd") if job % 2 else job for job in jobs]

    async with open_worker(odd_fail) as (worker, _):
        assert await submit_all(worker, [0, 2, 4]) == [0, 2, 4]
        with pytest.raises(IoError, match="3 is odd"):
            await worker.submit(3)


async def test_a_defect_hangs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(jobs: Sequence[int]) -> list[int]:
        raise KeyError("oops")

    async with open_worker(broken) as (worker, _):
        with pytest.raises(IpcError, match="our own mistake: KeyError"):
            await worker.submit(1)
    assert "test worker failed" in caplog.text


async def test_answers_that_do_not_fit_the_jobs_hang_nobody() -> None:
    async with open_worker(lambda jobs: []) as (worker, _):
        with pytest.raises(IpcError, match="our own mistake"):
            await worker.submit(1)


async def test_a_cancelled_job_is_done_and_its_result_dropped() -> None:
    gate = Gate()
    results: list[int] = []
    async with open_worker(gate) as (worker, _), anyio.create_task_group() as group:

        async def submit(job: int) -> None:
            results.append(await worker.submit(job))

        group.start_soon(submit, 6)
        await wait_until_async(lambda: gate.entered)
        with anyio.move_on_after(0.01) as scope:
            await worker.submit(7)
        assert scope.cancelled_caught
        group.start_soon(submit, 8)  # in one batch with the cancelled one, behind it
        await wait_until_async(lambda: worker.statistics()["jobs_waiting"] == 3)
        gate.open(2)
        await wait_until_async(lambda: len(results) == 2)
        assert sorted(results) == [12, 16]
        assert gate.batches == [[6], [7, 8]]


async def test_drain_waits_for_what_was_submitted_before() -> None:
    gate = Gate()
    drained: list[Any] = []
    async with open_worker(gate) as (worker, _), anyio.create_task_group() as group:

        async def drain() -> None:
            await worker.drain()
            drained.append(gate.done())

        group.start_soon(submit_all, worker, [1, 2, 3])
        await wait_until_async(lambda: worker.statistics()["jobs_waiting"] == 3)
        group.start_soon(drain)
        await anyio.sleep(0.01)
        assert not drained
        gate.open(3)
        await wait_until_async(lambda: drained)
    assert drained == [[1, 2, 3]]


async def test_close_does_what_was_submitted() -> None:
    gate = Gate()
    async with open_worker(gate) as (worker, port):
        port.spawn(submit_quietly(worker, [1, 2, 3]), "jobs")
        await wait_until_async(lambda: worker.statistics()["jobs_waiting"] == 3)
        gate.open(3)
        worker.close()
        assert not worker._thread.is_alive()
        assert gate.done() == [1, 2, 3]


async def submit_quietly(worker: Worker[int, int], jobs: Sequence[int]) -> None:
    await submit_all(worker, jobs)


async def test_a_port_that_closed_first_is_no_error() -> None:
    gate = Gate()
    async with open_port() as port:
        worker = Worker[int, int](port, gate, "test worker", 10)
        port.spawn(submit_quietly(worker, [1]), "jobs")
        await wait_until_async(lambda: worker.statistics()["jobs_waiting"] == 1)
    gate.open()
    worker.close()
    assert gate.batches == [[1]]


async def test_what_is_posted_is_done_behind_what_was_submitted() -> None:
    gate = Gate()
    async with open_worker(gate) as (worker, _), anyio.create_task_group() as group:
        group.start_soon(submit_all, worker, [1])
        await wait_until_async(lambda: gate.entered)
        worker.post(2)
        assert gate.done() == []
        gate.open(2)
        await worker.drain()
        assert gate.done() == [1, 2]


async def test_a_closed_worker_does_what_is_posted_here_and_submits_nothing() -> None:
    gate = Gate()
    async with open_worker(gate) as (worker, _):
        worker.close()
        gate.open()
        worker.post(3)
        assert gate.done() == [3]
        with pytest.raises(Canceled, match="test worker is closed"):
            await worker.submit(4)
        assert gate.done() == [3]


def test_functions_fail_one_by_one() -> None:
    def fail() -> None:
        raise IoError("lost")

    first, second, third = call_each([lambda: 1, fail, lambda: 3])
    assert (first, third) == (1, 3)
    assert isinstance(second, IoError)
