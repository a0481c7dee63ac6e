"""Executor: coroutines from any thread, threads with loops of their own, blocking calls."""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from ipcrt.errors import BadState, Canceled, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking_channel import BlockingChannel
from ipcrt.port.channel import AsyncChannel
from ipcrt.port.executor import Executor, open_executor
from ipcrt.port.loops import Backend
from tests.port.scene import HANG, AsyncScene, story

BACKENDS: tuple[Backend, ...] = ("asyncio", "uvloop", "trio")


async def in_thread(executor: Executor, action: Callable[[], Any]) -> Any:
    """Do something in another thread, while the loop goes on."""
    return await executor.call_blocking(action)


async def double(number: int, executor: Executor) -> int:
    await executor.port.sleep(0)
    return 2 * number


async def forever(executor: Executor, ends: list[str]) -> None:
    try:
        await executor.port.sleep(3600)
    finally:
        ends.append("ended")


@story
async def test_another_thread_spawns_and_waits(loop_scene: AsyncScene) -> None:
    async with open_executor(loop_scene.port) as executor:
        here = threading.get_ident()
        ran_on: list[int] = []

        async def work() -> int:
            ran_on.append(threading.get_ident())
            return await double(21, executor)

        answer = await in_thread(executor, lambda: executor.spawn(work()).result(HANG))
        assert answer == 42
        assert ran_on == [here]


@story
async def test_the_loops_own_tasks_spawn_and_wait(loop_scene: AsyncScene) -> None:
    async with open_executor(loop_scene.port) as executor:
        spawned = executor.spawn(double(4, executor), "eight")
        assert not spawned.done()
        assert "eight" in repr(spawned)
        assert await spawned.wait(loop_scene.port) == 8
        assert spawned.done()
        assert spawned.result() == 8
        assert executor.statistics() == {"spawned": 0, "threads": 0}


@story
async def test_an_error_comes_out_where_it_is_asked_for(loop_scene: AsyncScene) -> None:
    async def fail() -> None:
        raise ValueError("as asked")

    async with open_executor(loop_scene.port) as executor:
        with pytest.raises(ValueError, match="as asked"):
            await executor.spawn(fail()).wait(loop_scene.port)
        with pytest.raises(ValueError, match="as asked"):
            await in_thread(executor, lambda: executor.spawn(fail()).result(HANG))


@story
async def test_an_error_that_nobody_asks_for_is_logged(
    loop_scene: AsyncScene, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise ValueError("unheard")

    async with open_executor(loop_scene.port) as executor:
        executor.spawn(fail(), "the silent one")
        await loop_scene.port.sleep(0.001)
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == [
        "the silent one failed, and nobody asked"
    ]
    caplog.clear()


@pytest.mark.parametrize("where", ["here", "elsewhere"])
@story
async def test_abort_ends_what_waits(loop_scene: AsyncScene, where: str) -> None:
    async with open_executor(loop_scene.port) as executor:
        ends: list[str] = []
        spawned = executor.spawn(forever(executor, ends))
        await loop_scene.port.sleep(0.001)
        if where == "here":
            spawned.abort()
        else:
            await in_thread(executor, spawned.abort)
        with pytest.raises(Canceled):
            await spawned.wait(loop_scene.port)
        assert ends == ["ended"]
        spawned.abort()  # nothing happens


@story
async def test_what_is_aborted_before_it_runs_never_runs(loop_scene: AsyncScene) -> None:
    async with open_executor(loop_scene.port) as executor:
        ends: list[str] = []
        spawned = executor.spawn(forever(executor, ends))
        spawned.abort()
        with pytest.raises(Canceled):
            await spawned.wait(loop_scene.port)
        assert not ends


@story
async def test_whoever_gives_up_waiting_leaves_the_work_alone(loop_scene: AsyncScene) -> None:
    async with open_executor(loop_scene.port) as executor:
        ends: list[str] = []
        spawned = executor.spawn(forever(executor, ends))
        waiting = loop_scene.start(spawned.wait(loop_scene.port))
        await loop_scene.port.sleep(0.001)
        await waiting.cancel()
        assert not spawned.done()
        with pytest.raises(TimedOut):
            await in_thread(executor, lambda: spawned.result(0.001))
        assert not spawned.done()
    with pytest.raises(Canceled):
        spawned.result()


@story
async def test_waiting_for_oneself_is_refused_at_once(loop_scene: AsyncScene) -> None:
    async with open_executor(loop_scene.port) as executor:
        spawned = executor.spawn(double(1, executor))
        with pytest.raises(BadState, match="await wait"):
            spawned.result(HANG)
        assert await spawned.wait(loop_scene.port) == 2


@story
async def test_closing_ends_all_and_refuses_more(loop_scene: AsyncScene) -> None:
    ends: list[str] = []
    async with open_executor(loop_scene.port) as executor:
        spawned = [executor.spawn(forever(executor, ends)) for _ in range(3)]
        await loop_scene.port.sleep(0.001)
        spawned.append(executor.spawn_thread(functools.partial(forever, ends=ends)))
    assert all(one.done() for one in spawned)
    for one in spawned:
        with pytest.raises(Canceled):
            one.result()
    assert ends.count("ended") >= 3
    with pytest.raises(BadState, match="closed"):
        executor.spawn(double(1, executor))
    with pytest.raises(BadState, match="closed"):
        executor.spawn_thread(functools.partial(double, 1))
    with pytest.raises(BadState, match="closed"):
        await executor.call_blocking(time.time)


@story
async def test_threads_that_spawn_while_it_closes_are_answered(loop_scene: AsyncScene) -> None:
    answers: list[object] = []

    def hammer(executor: Executor) -> None:
        while True:
            try:
                spawned = executor.spawn(forever(executor, []))
            except BadState as error:
                answers.append(error)
                return
            try:
                spawned.result(HANG)
            except Canceled as error:
                answers.append(error)

    async with open_executor(loop_scene.port) as executor:
        threads = [threading.Thread(target=hammer, args=(executor,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        await loop_scene.port.sleep(0.01)
    for thread in threads:
        thread.join(HANG)
        assert not thread.is_alive()
    assert len([one for one in answers if isinstance(one, BadState)]) == 4


@pytest.mark.parametrize("backend", BACKENDS)
@story
async def test_a_thread_has_a_loop_of_its_own(loop_scene: AsyncScene, backend: Backend) -> None:
    gate = threading.Event()

    async def main(own: Executor, seen: list[str]) -> int:
        seen.append(threading.current_thread().name)
        trio = sys.modules.get("trio")
        in_trio = trio is not None and trio.lowlevel.in_trio_task()
        seen.append("trio" if in_trio else type(asyncio.get_running_loop()).__module__)
        assert gate.wait(HANG), "it may block: the loop is its own"
        return await double(3, own)

    async with open_executor(loop_scene.port) as executor:
        seen: list[str] = []
        spawned = executor.spawn_thread(
            functools.partial(main, seen=seen), name="its own", backend=backend
        )
        await loop_scene.port.sleep(0.001)
        assert not spawned.done()
        gate.set()
        assert await spawned.wait(loop_scene.port) == 6
        assert seen[0] == "its own"
        assert backend in seen[1]


@story
async def test_a_thread_without_its_loop_ends_with_the_reason(
    loop_scene: AsyncScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    async with open_executor(loop_scene.port) as executor:
        spawned = executor.spawn_thread(functools.partial(double, 1), backend="uvloop")
        with pytest.raises(ModuleNotFoundError):
            await spawned.wait(loop_scene.port)


@story
async def test_aborting_a_thread_ends_its_loop(loop_scene: AsyncScene) -> None:
    async with open_executor(loop_scene.port) as executor:
        ends: list[str] = []
        at_once = executor.spawn_thread(functools.partial(forever, ends=ends))
        at_once.abort()
        later = executor.spawn_thread(functools.partial(forever, ends=ends))
        await loop_scene.port.sleep(0.05)
        later.abort()
        for spawned in (at_once, later):
            with pytest.raises(Canceled):
                await spawned.wait(loop_scene.port)


@story
async def test_a_channel_moves_to_a_thread_and_back(loop_scene: AsyncScene) -> None:
    """What was sent before the move is read after it."""

    async def main(own: Executor, end: Channel) -> Channel:
        async with AsyncChannel(end, own.port) as channel:
            request = await channel.read()
            await channel.write(b"to " + request.data)
            return channel.into_channel()

    near, far = Channel.create()
    async with (
        open_executor(loop_scene.port) as executor,
        AsyncChannel(near, loop_scene.port) as channel,
    ):
        await channel.write(b"the framebuffer")
        spawned = executor.spawn_thread(functools.partial(main, end=far))
        assert (await channel.read()).data == b"to the framebuffer"
        await channel.write(b"more")
        with BlockingChannel(await spawned.wait(loop_scene.port)) as back:
            assert (await executor.call_blocking(back.read, HANG)).data == b"more"


@story
async def test_a_blocking_call_holds_nobody_up(loop_scene: AsyncScene) -> None:
    async with open_executor(loop_scene.port) as executor:
        gate = threading.Event()
        waiting = loop_scene.start(executor.call_blocking(gate.wait, HANG))
        for _ in range(3):
            await loop_scene.port.sleep(0.001)
        assert not waiting.ended
        gate.set()
        assert await waiting.join() is True

        def fail() -> None:
            raise ValueError("as asked")

        with pytest.raises(ValueError, match="as asked"):
            await executor.call_blocking(fail)


@story
async def test_a_cancelled_blocking_call_is_waited_for(loop_scene: AsyncScene) -> None:
    async with open_executor(loop_scene.port) as executor:
        gate = threading.Event()
        ended: list[bool] = []

        def block() -> None:
            ended.append(gate.wait(HANG))

        waiting = loop_scene.start(executor.call_blocking(block))
        await loop_scene.port.sleep(0.01)
        threading.Timer(0.02, gate.set).start()
        await waiting.cancel()
        assert ended == [True]
        assert executor.statistics()["spawned"] == 0


@story
async def test_an_executor_without_a_port_makes_one(loop_scene: AsyncScene) -> None:
    async with open_executor() as executor:
        assert executor.port is not loop_scene.port
        assert await executor.spawn(double(5, executor)).wait(loop_scene.port) == 10
    assert executor.port.closed


def test_no_loop_no_executor() -> None:
    async def main() -> None:
        async with open_executor():
            pass

    coroutine = main()
    with pytest.raises(BadState, match="no event loop"):
        coroutine.send(None)
