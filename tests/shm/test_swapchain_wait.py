from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest

from ipcrt.errors import BadState, OutOfRange, TimedOut
from ipcrt.objects.handle import close_all
from ipcrt.port.aport import open_port
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.swapchain import Swapchain
from ipcrt.shm.swapchain_info import SwapchainInfo
from ipcrt.shm.swapchain_wait import acquire_image, wait_image
from tests.support.waiting import wait_until_async

INFO = SwapchainInfo(16, 16, ImageFormat.RGBA8_UNORM)
HANG = 20.0

pytestmark = pytest.mark.anyio


@pytest.fixture
def chain() -> Iterator[Swapchain]:
    """Both images in use: 0 was shown and is read by a frame, 1 is the newest."""
    made = Swapchain.allocate(INFO, 2)
    close_all(made.take_images())
    made.acquire()
    made.wait(0)
    made.release(0)
    made.name(0)
    made.latch(0)
    made.acquire()
    made.wait(1)
    made.release(1)
    yield made
    made.destroy()
    while made._images[0].readers:
        made.unlatch(0)
    if made._images[0].named:
        made.unname(0)
    assert not made.mapped
    assert not made._changed


async def test_an_image_is_acquired_once_it_is_free(chain: Swapchain) -> None:
    async with open_port() as port, anyio.create_task_group() as tasks:
        got: list[int] = []

        async def acquire() -> None:
            got.append(await acquire_image(port, chain, HANG))

        tasks.start_soon(acquire)
        await wait_until_async(lambda: bool(chain._changed))
        assert not got
        chain.unname(0)
        await wait_until_async(lambda: bool(got))
        assert got == [0]


async def test_an_image_is_waited_for_until_no_frame_reads_it(chain: Swapchain) -> None:
    async with open_port() as port, anyio.create_task_group() as tasks:
        done: list[str] = []
        chain.latch(0)
        chain.unname(0)
        index = chain.acquire()

        async def wait() -> None:
            await wait_image(port, chain, index, HANG)
            done.append("waited")

        tasks.start_soon(wait)
        for _ in range(2):
            assert not done
            await wait_until_async(lambda: bool(chain._changed))
            chain.unlatch(0)
        await wait_until_async(lambda: bool(done))
        chain.release(index)


async def test_the_end_is_told(chain: Swapchain) -> None:
    async with open_port() as port, anyio.create_task_group() as tasks:
        ended: list[str] = []

        async def acquire() -> None:
            with pytest.raises(BadState, match="destroyed"):
                await acquire_image(port, chain)
            ended.append("told")

        tasks.start_soon(acquire)
        await wait_until_async(lambda: bool(chain._changed))
        chain.destroy()
        await wait_until_async(lambda: bool(ended))


async def test_a_wait_has_a_timeout_and_leaves_nothing(chain: Swapchain) -> None:
    async with open_port() as port:
        for timeout in (0, 0.01):
            with pytest.raises(TimedOut):
                await acquire_image(port, chain, timeout)
        assert not chain._changed
        chain.unname(0)
        index = await acquire_image(port, chain, 0)
        with pytest.raises(TimedOut):
            await wait_image(port, chain, index, 0.01)
        with pytest.raises(OutOfRange):
            await wait_image(port, chain, 2)


async def test_a_cancelled_wait_changes_nothing(chain: Swapchain) -> None:
    async with open_port() as port:
        states = chain.states
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(acquire_image, port, chain)
            await wait_until_async(lambda: bool(chain._changed))
            tasks.cancel_scope.cancel()
        assert chain.states == states
        assert not chain._changed
        assert port.statistics()["waiters"] == 0
