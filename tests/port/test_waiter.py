"""Every backend's waiter is a place for one result."""

from __future__ import annotations

import pytest

from ipcrt.errors import BadState, TimedOut
from ipcrt.port.waiter import Waiter
from tests.port.scene import AsyncScene, Scene, story


@story
async def test_a_result_set_before_or_while_it_is_waited_for(scene: Scene) -> None:
    early: Waiter[int] = scene.port.create_waiter()
    assert not early.done()
    early.set_result(1)
    assert early.done()
    assert await scene.result(early) == 1
    late: Waiter[int] = scene.port.create_waiter()
    scene.later_here(lambda: late.set_result(2))
    assert await scene.result(late) == 2


@story
async def test_an_error_set_before_or_while_it_is_waited_for(scene: Scene) -> None:
    early: Waiter[int] = scene.port.create_waiter()
    early.set_exception(BadState("early"))
    with pytest.raises(BadState, match="early"):
        await scene.result(early)
    late: Waiter[int] = scene.port.create_waiter()
    scene.later_here(lambda: late.set_exception(BadState("late")))
    with pytest.raises(BadState, match="late"):
        await scene.result(late)


@story
async def test_a_waiter_that_times_out_is_done(scene: Scene) -> None:
    waiter: Waiter[int] = scene.port.create_waiter()
    with pytest.raises(TimedOut):
        await scene.result(waiter, 0.001)
    assert waiter.done()


@story
async def test_a_waiter_whose_task_is_cancelled_is_done(loop_scene: AsyncScene) -> None:
    waiter: Waiter[int] = loop_scene.port.create_waiter()
    started = loop_scene.start(loop_scene.port.wait_result(waiter))
    await loop_scene.settle()
    assert not waiter.done()
    await started.cancel()
    assert waiter.done()
