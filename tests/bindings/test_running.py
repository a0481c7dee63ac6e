from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import anyio
import pytest

from ipcrt.bindings.running import Running
from ipcrt.errors import BadState
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.waiter import Waiter
from tests.bindings.calc import Pair
from tests.bindings.hand import ADD, SAY
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

End = tuple[Any, BaseException | None]


def _ignore(*_: object) -> None:
    """Take what nobody needs."""


class Scene:
    """One handler, and how it ended."""

    def __init__(self) -> None:
        self.begun = False
        self.ends: list[End] = []

    async def handler(self, result: Awaitable[int]) -> int:
        self.begun = True
        return await result

    def running(self, result: Awaitable[int]) -> Running:
        return Running(ADD, 7, Pair(1, 2), self.handler(result), self.end)

    def end(self, running: Running, value: Any, error: BaseException | None) -> None:
        assert running.txid == 7
        self.ends.append((value, error))

    async def ended(self) -> End:
        await wait_until_async(lambda: self.ends)
        await anyio.sleep(0.01)  # a second end would come now
        (end,) = self.ends
        return end


def waiter_of(port: AsyncPort) -> Waiter[int]:
    waiter: Waiter[int] = port.create_waiter()
    return waiter


async def test_it_ends_with_what_the_handler_returns() -> None:
    async with open_port() as port:
        scene, waiter = Scene(), waiter_of(port)
        scene.running(waiter).start(port)
        await wait_until_async(lambda: scene.begun)
        assert scene.ends == []
        waiter.set_result(5)
        assert await scene.ended() == (5, None)


async def test_it_ends_with_what_the_handler_raises() -> None:
    async with open_port() as port:
        scene, waiter, reason = Scene(), waiter_of(port), KeyError("oops")
        scene.running(waiter).start(port)
        await wait_until_async(lambda: scene.begun)
        waiter.set_exception(reason)
        assert await scene.ended() == (None, reason)


async def test_cancelled_at_a_wait_it_ends_with_no_exception_of_the_handler() -> None:
    async with open_port() as port:
        scene, waiter = Scene(), waiter_of(port)
        running = scene.running(waiter)
        running.start(port)
        await wait_until_async(lambda: scene.begun)
        running.cancel()
        value, error = await scene.ended()
        assert value is None
        assert error is not None
        assert not isinstance(error, Exception)


async def test_cancelled_before_it_began_it_ends_at_once_and_never_begins() -> None:
    async with open_port() as port:
        scene = Scene()
        running = scene.running(waiter_of(port))
        running.start(port)
        running.cancel()
        assert len(scene.ends) == 1
        running.cancel()
        value, error = await scene.ended()
        assert value is None
        assert isinstance(error, GeneratorExit)
        assert not scene.begun


async def test_a_closed_port_starts_nothing_and_forgets_no_coroutine() -> None:
    async with open_port() as port:
        running_scene = Scene()
        running = running_scene.running(waiter_of(port))
    with pytest.raises(BadState):
        running.start(port)
    _, error = await running_scene.ended()
    assert isinstance(error, GeneratorExit)


async def test_only_a_two_way_method_is_a_call() -> None:
    async def nothing() -> None: ...

    for method, is_call in ((ADD, True), (SAY, False)):
        running = Running(method, 0, None, nothing(), _ignore)
        assert running.is_call is is_call
        running.cancel()


async def test_each_begins_after_the_one_before_it() -> None:
    async with open_port() as port:
        begun: list[int] = []
        ended: list[Running] = []

        async def handler(number: int) -> None:
            begun.append(number)

        def end(running: Running, value: Any, error: BaseException | None) -> None:
            assert (value, error) == (None, None)
            ended.append(running)

        for _ in range(20):
            last: Running | None = None
            row: list[Running] = []
            for number in range(4):
                last = Running(ADD, 7, Pair(1, 2), handler(number), end, before=last)
                row.append(last)
            for running in reversed(row):
                running.start(port)
            await wait_until_async(lambda: len(ended) == 4)
            assert begun == [0, 1, 2, 3]
            begun.clear()
            ended.clear()


async def test_one_that_is_cancelled_early_keeps_its_place_in_the_order() -> None:
    async with open_port() as port:
        scenes = [Scene() for _ in range(3)]
        waiters = [waiter_of(port) for _ in range(3)]
        row: list[Running] = []
        for scene, waiter in zip(scenes, waiters, strict=True):
            before = row[-1] if row else None
            handler = scene.handler(waiter)
            row.append(Running(ADD, 7, Pair(1, 2), handler, scene.end, before=before))
        row[2].start(port)
        row[1].start(port)
        await anyio.sleep(0.01)
        row[1].cancel()
        (_, error) = await scenes[1].ended()
        assert not isinstance(error, Exception)
        assert not any(scene.begun for scene in scenes)
        row[0].start(port)
        await wait_until_async(lambda: scenes[2].begun)
        assert [scene.begun for scene in scenes] == [True, False, True]
        for waiter in waiters:
            waiter.set_result(5)
        assert await scenes[0].ended() == (5, None)
        assert await scenes[2].ended() == (5, None)


async def test_one_that_waits_for_its_turn_ends_with_the_port() -> None:
    first, second = Scene(), Scene()
    async with open_port() as port:
        waiter = waiter_of(port)
        never = first.running(waiter)
        running = Running(ADD, 7, Pair(1, 2), second.handler(waiter), second.end, before=never)
        running.start(port)
        await anyio.sleep(0.01)
    (_, error) = await second.ended()
    assert not isinstance(error, Exception)
    assert not second.begun
    never.cancel()
    assert len(first.ends) == 1
