"""Frames on their way: what they hold while they wait, and what lets them go."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from ipcrt.errors import ShouldWait
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.handle import close_all
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.shm.sync import TimelineSync
from ipcrt_services.monado.bindings import (
    MAX_SEMAPHORES,
    MAX_SWAPCHAINS,
    Format,
    Pose,
    Rect,
    Refusal,
    Refused,
    SubImage,
    SwapchainInfo,
    Vec3,
)
from ipcrt_services.monado.budget import Budget
from ipcrt_services.monado.chains import Jobs
from ipcrt_services.monado.delivery import Delivery
from ipcrt_services.monado.geometry import UPRIGHT
from ipcrt_services.monado.layers import Quad, Surface
from ipcrt_services.worker import Worker, call_each
from tests.services.monado.looking import SIZE
from tests.services.monado.refusing import refused
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

INFO = SwapchainInfo(SIZE, SIZE, Format.RGBA8_UNORM)


class Someone:
    """A client that draws on one swapchain."""

    def __init__(self, port: AsyncPort) -> None:
        self.jobs: Jobs = Worker(port, call_each, "images", 1)
        self.delivery = Delivery(port, self.jobs, Budget(0, 1 << 30, lambda: 0), lambda: "someone")
        self.number = 0

    async def begin(self) -> None:
        """Make the swapchain."""
        self.number, images = await self.delivery.chains.create(INFO)
        close_all(images)

    def close(self) -> None:
        self.delivery.close()
        self.jobs.close()

    def draw(self) -> int:
        """Draw on the next image, and answer which it was."""
        index = self.delivery.images.acquire(self.number)
        assert self.delivery.chains.wait(self.number, index, 0) is None
        self.delivery.chains.release(self.number, index)
        return index

    def surfaces(self, index: int) -> list[Surface]:
        sub = SubImage(self.number, index, Rect(0, 0, SIZE, SIZE))
        plane = Quad(Pose(UPRIGHT, Vec3(0.0, 0.0, -1.0)), 1.0, 1.0, False)
        return [Surface(sub, False, False, None, plane)]

    def shown(self) -> int | None:
        """The frame that is shown now."""
        with self.delivery.images.latch() as frame:
            return frame.frame_id


@asynccontextmanager
async def someone() -> AsyncGenerator[tuple[AsyncPort, Someone], None]:
    async with open_port() as port:
        client = Someone(port)
        try:
            with anyio.fail_after(10):
                await client.begin()
                yield port, client
        finally:
            client.close()


async def settle() -> None:
    """Let what was spawned run."""
    for _ in range(5):
        await anyio.lowlevel.checkpoint()


async def test_a_frame_without_a_fence_is_shown_at_once() -> None:
    async with someone() as (_, client):
        client.delivery.commit(client.surfaces(client.draw()), 7)
        assert client.shown() == 7


async def test_a_frame_waits_for_its_fence() -> None:
    async with someone() as (_, client):
        client.delivery.commit(client.surfaces(client.draw()), 1)
        with Event.create() as fence:
            theirs = fence.duplicate()
            client.delivery.commit_after_fence(client.surfaces(client.draw()), 2, theirs)
            await settle()
            assert client.shown() == 1
            fence.signal()
            await wait_until_async(lambda: client.shown() == 2)
            assert theirs.closed
        assert client.delivery.dropped == 0


async def test_a_frame_waits_for_its_semaphore() -> None:
    async with someone() as (_, client):
        with TimelineSync.create() as line:
            number = client.delivery.add_semaphore(*line.share())
            client.delivery.commit_after(client.surfaces(client.draw()), 1, number, 5)
            line.signal(4)
            await settle()
            assert client.shown() is None
            line.signal(5)
            await wait_until_async(lambda: client.shown() == 1)
            client.delivery.commit_after(client.surfaces(client.draw()), 2, number, 5)
            await wait_until_async(lambda: client.shown() == 2)
            client.delivery.remove_semaphore(number)
            reason = refused(client.delivery.commit_after, [], 3, number, 1)
            assert reason is Refusal.NO_SUCH_SEMAPHORE


async def test_what_waits_keeps_its_image_and_gives_way_to_a_later_frame() -> None:
    async with someone() as (_, client):
        client.delivery.commit(client.surfaces(client.draw()), 1)
        assert client.shown() == 1
        with Event.create() as fence:
            waiting = client.draw()
            theirs = fence.duplicate()
            client.delivery.commit_after_fence(client.surfaces(waiting), 2, theirs)
            newest = client.draw()
            with pytest.raises(ShouldWait):  # one is shown, one is waiting
                client.draw()
            client.delivery.commit(client.surfaces(newest), 3)
            assert client.delivery.dropped == 1
            assert client.draw() == waiting
            fence.signal()
            await settle()
            assert client.shown() == 3
            assert theirs.closed


async def test_who_draws_ahead_waits_until_an_image_is_free() -> None:
    async with someone() as (_, client), anyio.create_task_group() as tasks:
        client.delivery.commit(client.surfaces(client.draw()), 1)
        assert client.shown() == 1
        client.delivery.commit(client.surfaces(client.draw()), 2)
        acquired: list[int] = []

        async def acquire() -> None:
            acquired.append(await client.delivery.chains.acquire(client.number))

        with Event.create() as fence:
            waiting = client.surfaces(client.draw())
            client.delivery.commit_after_fence(waiting, 3, fence.duplicate())
            tasks.start_soon(acquire)
            await settle()
            assert not acquired
            assert client.shown() == 2
            await wait_until_async(lambda: acquired == [0])


async def test_who_has_all_images_does_not_wait_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async with someone() as (_, client):
        chains = client.delivery.chains
        monkeypatch.setattr("ipcrt_services.monado.chains.MOST_WAIT_S", 60.0)
        for expected in range(3):
            assert await chains.acquire(client.number) == expected
        with pytest.raises(Refused, match="NO_IMAGE_FREE"):
            await chains.acquire(client.number)
        for index in range(3):
            assert chains.wait(client.number, index, 0) is None
            chains.release(client.number, index)
        client.delivery.commit(client.surfaces(2), 1)
        for _ in range(2):
            await chains.acquire(client.number)
        monkeypatch.setattr("ipcrt_services.monado.chains.MOST_WAIT_S", 0.01)
        with pytest.raises(Refused, match="NO_IMAGE_FREE"):
            await chains.acquire(client.number)


async def test_the_death_of_the_signaller_drops_the_frame() -> None:
    async with someone() as (_, client):
        line = TimelineSync.create()
        number = client.delivery.add_semaphore(*line.share())
        client.delivery.commit_after(client.surfaces(client.draw()), 1, number, 5)
        await settle()
        line.close()
        await wait_until_async(lambda: client.delivery.dropped == 1)
        assert client.shown() is None


async def test_a_fence_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipcrt_services.monado.delivery.MOST_WAIT_S", 0.05)
    async with someone() as (_, client):
        client.delivery.commit_after_fence(client.surfaces(client.draw()), 1, Event.create())
        await wait_until_async(lambda: client.delivery.dropped == 1)


async def test_what_is_refused_leaves_nothing_open() -> None:
    async with someone() as (_, client):
        fence = Event.create()
        with pytest.raises(Refused):
            client.delivery.commit_after_fence(client.surfaces(2), 1, fence)
        assert fence.closed
        ours, theirs = EventPair.create()
        with ours:
            page = Vmo.create(4096)
            reason = refused(client.delivery.add_semaphore, page, theirs)
            assert reason is Refusal.BAD_SEMAPHORE
            assert page.closed
            assert theirs.closed


async def test_limits() -> None:
    async with someone() as (_, client):
        for _ in range(MAX_SWAPCHAINS - 1):
            close_all((await client.delivery.chains.create(INFO))[1])
        with pytest.raises(Refused, match="TOO_MANY"):
            await client.delivery.chains.create(INFO)
        with TimelineSync.create() as line:
            for _ in range(MAX_SEMAPHORES):
                client.delivery.add_semaphore(*line.share())
            page, bell = line.share()
            assert refused(client.delivery.add_semaphore, page, bell) is Refusal.TOO_MANY
            assert page.closed
            assert bell.closed
        client.delivery.reset()
        assert client.delivery.images.statistics()["swapchains"] == 0
        close_all((await client.delivery.chains.create(INFO))[1])


async def test_a_client_that_goes_while_a_frame_waits_leaves_nothing_open() -> None:
    async with open_port() as port:
        client = Someone(port)
        await client.begin()
        with TimelineSync.create() as line:
            number = client.delivery.add_semaphore(*line.share())
            client.delivery.commit_after(client.surfaces(client.draw()), 1, number, 5)
            client.close()
            await settle()
        assert client.delivery.images.statistics()["images"] == 0
