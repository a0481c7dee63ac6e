"""Waiting for a swapchain on an event loop: what raises ShouldWait, awaited.

    index = await acquire_image(port, chain, timeout)
    await wait_image(port, chain, index, timeout)

Both end with BadState when the swapchain is destroyed meanwhile. Cancelling one changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ipcrt.errors import ShouldWait
from ipcrt.port.aport import AsyncPort
from ipcrt.port.waiter import Waiter
from ipcrt.shm.swapchain import Swapchain

T = TypeVar("T")


async def acquire_image(port: AsyncPort, chain: Swapchain, timeout: float | None = None) -> int:
    """As `Swapchain.acquire`, once an image is free; `timeout` in seconds.

    Raises: TimedOut, Canceled: the port was closed; BadState.
    """
    return await _retry(port, chain, chain.acquire, timeout)


async def wait_image(
    port: AsyncPort, chain: Swapchain, index: int, timeout: float | None = None
) -> None:
    """As `Swapchain.wait`, once no frame reads the image; `timeout` in seconds.

    Raises: TimedOut, Canceled: the port was closed; BadState, OutOfRange.
    """
    await _retry(port, chain, lambda: chain.wait(index), timeout)


async def _retry(
    port: AsyncPort, chain: Swapchain, step: Callable[[], T], timeout: float | None
) -> T:
    until = port.until(timeout)
    while True:
        try:
            return step()
        except ShouldWait:
            pass
        waiter: Waiter[None] = port.create_waiter()

        def wake(waiter: Waiter[None] = waiter) -> None:
            if not waiter.done():
                waiter.set_result(None)

        chain.on_change(wake)
        try:
            await port.wait_result(waiter, port.left(until))
        finally:
            chain.forget(wake)
