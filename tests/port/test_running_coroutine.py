"""RunningCoroutine: however it ends, its coroutine is closed and `spawned` is told."""

from __future__ import annotations

import inspect

import pytest

from ipcrt.errors import Canceled
from ipcrt.port.aport import open_port
from ipcrt.port.running_coroutine import RunningCoroutine
from ipcrt.port.spawned import Spawned
from tests.port.scene import AsyncScene, story


def make(scene: AsyncScene) -> tuple[RunningCoroutine[int], Spawned[int]]:
    async def work() -> int:
        await scene.port.sleep(0.001)
        return 5

    spawned: Spawned[int] = Spawned("work", None, lambda: None)
    coroutine = work()
    spawned.when_done(lambda: closed.append(inspect.getcoroutinestate(coroutine)))
    closed: list[str] = []
    return RunningCoroutine(coroutine, spawned), spawned


@story
async def test_it_runs_and_tells(loop_scene: AsyncScene) -> None:
    running, spawned = make(loop_scene)
    running.start(loop_scene.port)
    assert await spawned.wait(loop_scene.port) == 5


@story
async def test_an_abort_before_the_start_before_a_step_and_in_a_wait(
    loop_scene: AsyncScene,
) -> None:
    for steps in (None, 0, 1):
        running, spawned = make(loop_scene)
        if steps is not None:
            running.start(loop_scene.port)
        for _ in range(steps or 0):
            await loop_scene.port.checkpoint()
        running.abort()
        if steps is None:
            running.start(loop_scene.port)
        with pytest.raises(Canceled, match="aborted"):
            await spawned.wait(loop_scene.port)


@story
async def test_a_closed_port_is_the_reason(loop_scene: AsyncScene) -> None:
    async with open_port() as port:
        pass
    running, spawned = make(loop_scene)
    running.start(port)
    with pytest.raises(Canceled, match="not started: the port is closed"):
        spawned.result()
