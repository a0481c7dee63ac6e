from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.shm.shared_state import SharedState
from ipcrt.shm.swapchain_layers import Frame
from ipcrt_services.monado.devices import HEAD, simulated
from ipcrt_services.monado.layout import COMPOSITOR, LAYOUT
from ipcrt_services.monado.presenter import Presenter
from ipcrt_services.monado.settings import EYE_DISTANCE_M, Settings
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

SETTINGS = Settings(16, 16, 1000, 1)


@asynccontextmanager
async def presenting() -> AsyncGenerator[tuple[AsyncPort, SharedState, Presenter, list[int]], None]:
    """A compositor that nobody shows anything."""
    latched: list[int] = []

    def latch() -> list[Frame]:
        latched.append(1)
        return []

    with SharedState.create(LAYOUT) as state:
        async with open_port() as port:
            presenter = Presenter(port, SETTINGS, simulated()[HEAD], state, latch)
            try:
                with anyio.fail_after(10):
                    yield port, state, presenter, latched
            finally:
                presenter.close()


async def test_eyes_are_apart_and_look_where_the_head_looks() -> None:
    async with presenting() as (_, _, presenter, _):
        left, right = presenter.eyes(10**9)
        head = simulated()[HEAD].relation(10**9).pose
        assert left.pose.orientation == right.pose.orientation == head.orientation
        a, b = left.pose.position, right.pose.position
        assert math.dist((a.x, a.y, a.z), (b.x, b.y, b.z)) == pytest.approx(EYE_DISTANCE_M)
        assert a.x < head.position.x < b.x


async def test_where_nobody_shows_anything_one_picture_is_made() -> None:
    async with presenting() as (port, state, presenter, latched):
        stop = port.spawn(presenter.run(), "presenter")
        await wait_until_async(lambda: len(latched) > 5)
        stop()
        assert presenter.statistics()["frames"] == state.statistics()[COMPOSITOR.name] == 1


async def test_a_picture_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def compose(*_: object) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise ZeroDivisionError

    monkeypatch.setattr("ipcrt_services.monado.presenter.compose", compose)
    async with presenting() as (port, _, presenter, _):
        stop = port.spawn(presenter.run(), "presenter")
        await wait_until_async(lambda: presenter.statistics()["frames"] == 1)
        stop()
        assert presenter.statistics()["failed"] == 2
