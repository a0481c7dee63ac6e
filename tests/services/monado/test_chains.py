"""Swapchains that a thread makes while others draw on."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from ipcrt.objects.handle import close_all
from ipcrt.port.aport import open_port
from ipcrt_services.monado.bindings import Format, Refusal, Refused, SwapchainInfo
from ipcrt_services.monado.budget import Budget
from ipcrt_services.monado.chains import Chains
from ipcrt_services.worker import Worker, call_each
from tests.services.monado.refusing import refused
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

SMALL = SwapchainInfo(16, 16, Format.RGBA8_UNORM)
SIZE_BYTES = 4096
"""Of one of its images, in whole pages."""


class Gate:
    """A thread's work that waits until it is let."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)

    def __call__(self, jobs: Sequence[Callable[[], Any]]) -> list[Any]:
        self.entered.release()
        self.opened.wait()
        return call_each(jobs)


@asynccontextmanager
async def chains(limit: int = 1 << 30) -> AsyncGenerator[tuple[Chains, Gate], None]:
    async with open_port() as port:
        gate = Gate()
        jobs = Worker[Callable[[], Any], Any](port, gate, "images", 1)

        def held() -> int:
            return found.images.statistics()["bytes"]

        found = Chains(port, jobs, Budget(1000, limit, held), lambda: "someone")
        try:
            with anyio.fail_after(10):
                yield found, gate
        finally:
            gate.opened.set()
            found.images.close()
            jobs.close()


async def entered(gate: Gate) -> None:
    """Wait until the thread has something to do."""
    await anyio.to_thread.run_sync(gate.entered.acquire)


async def test_others_go_on_while_memory_is_made() -> None:
    async with chains() as (mine, gate), anyio.create_task_group() as tasks:
        made: list[int] = []

        async def make() -> None:
            number, images = await mine.create(SMALL)
            close_all(images)
            made.append(number)

        tasks.start_soon(make)
        tasks.start_soon(make)
        await entered(gate)
        assert refused(mine.release, 1, 0) is Refusal.NO_SUCH_SWAPCHAIN
        gate.opened.set()
        await wait_until_async(lambda: len(made) == 2)
        assert sorted(made) == [1, 2]
        assert [await mine.acquire(number) for number in made] == [0, 0]


async def test_who_goes_while_memory_is_made_leaves_nothing_open() -> None:
    async with chains() as (mine, gate), anyio.create_task_group() as tasks:
        tasks.start_soon(mine.create, SMALL)
        await entered(gate)
        tasks.cancel_scope.cancel()
        gate.opened.set()
    assert mine.images.statistics()["images"] == 0  # and no descriptor is left


async def test_what_exceeds_the_limits_is_not_even_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chains() as (mine, gate):
        needed = mine.properties(SMALL)
        room = needed.size_bytes * needed.image_count
        monkeypatch.setattr("ipcrt_services.monado.chains.MAX_CLIENT_BYTES", room - 1)
        with pytest.raises(Refused, match="TOO_MANY"):  # the gate is closed
            await mine.create(SMALL)
        monkeypatch.setattr("ipcrt_services.monado.chains.MAX_CLIENT_BYTES", room)
        gate.opened.set()
        close_all((await mine.create(SMALL))[1])


async def test_what_exceeds_the_limit_of_a_user_is_not_even_made(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    async with chains(limit=3 * SIZE_BYTES) as (mine, gate):
        gate.opened.set()
        number, images = await mine.create(SMALL)
        gate.opened.clear()
        with pytest.raises(Refused, match="TOO_MANY"):  # the gate is closed
            await mine.create(SMALL)
        lent = [each.duplicate() for each in images]
        assert refused(mine.take, SMALL, lent) is Refusal.TOO_MANY
        assert all(each.closed for each in lent)
        mine.destroy(number)
        assert mine.take(SMALL, images) == 2
    assert f"images of {6 * SIZE_BYTES} bytes exceed {3 * SIZE_BYTES} of uid 1000" in caplog.text


async def test_memory_counts_from_before_it_is_made_until_it_is_gone() -> None:
    """Whoever asks and leaves at once gets no more than others."""
    async with chains(limit=3 * SIZE_BYTES) as (mine, gate):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(mine.create, SMALL)
            await entered(gate)
            assert mine._budget.claimed == 3 * SIZE_BYTES
            tasks.cancel_scope.cancel()
        assert mine._budget.claimed == 3 * SIZE_BYTES
        with pytest.raises(Refused, match="TOO_MANY"):
            await mine.create(SMALL)
        gate.opened.set()
        await wait_until_async(lambda: mine._budget.claimed == 0)
        close_all((await mine.create(SMALL))[1])
        await wait_until_async(lambda: mine._budget.claimed == 0)
