"""Tasks that are woken where their result is set."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
import uvloop

from ipcrt.port import prompt
from ipcrt.port.prompt import Waker, make_waker
from tests._speedups.twins import TWINS, growth_in_blocks, take

T = TypeVar("T")
NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody's")


@pytest.fixture(params=TWINS, autouse=True)
def twin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt, "_make_waker", take(request.param, "waker", prompt._waker))


class Scene:
    """Tasks that wait, and the loop that wakes them; what happens is told in order."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        waker = make_waker(self.loop)
        assert waker is not None
        self.waker: Waker = waker
        self.told: list[Any] = []

    def start(self, waiter: asyncio.Future[None], name: str = "task") -> asyncio.Task[None]:
        async def wait() -> None:
            NAME.set(name)
            try:
                await waiter
            except asyncio.CancelledError:
                self.told.append("cancelled")
                raise
            self.told.append((NAME.get(), asyncio.current_task() is task))

        task = self.loop.create_task(wait())
        return task

    async def called(self, action: Callable[[], T]) -> T:
        """Have the loop call `action`, as it calls readers; no task runs then."""
        done: asyncio.Future[T] = self.loop.create_future()

        def call() -> None:
            try:
                done.set_result(action())
            except BaseException as error:  # noqa: BLE001  (it is the test's)
                done.set_exception(error)

        self.loop.call_soon(call)
        return await done

    def wake(self, *waiters: asyncio.Future[None]) -> None:
        for waiter in waiters:
            self.waker[1](waiter)
            self.told.append("woken")


def played(runner: asyncio.Runner, play: Callable[[Scene], Coroutine[Any, Any, None]]) -> list[Any]:
    async def main() -> list[Any]:
        scene = Scene()
        await play(scene)
        return scene.told

    return runner.run(main())


def test_it_runs_where_it_is_woken_as_itself(runner: asyncio.Runner) -> None:
    async def play(scene: Scene) -> None:
        waiter, other = scene.waker[0](), scene.waker[0]()
        tasks = [scene.start(waiter, "one"), scene.start(other, "two")]
        await asyncio.sleep(0)
        await scene.called(lambda: scene.wake(waiter, other))
        assert NAME.get() == "nobody's"
        assert asyncio.current_task() is not None
        await asyncio.gather(*tasks)

    assert played(runner, play) == [("one", True), "woken", ("two", True), "woken"]


def test_inside_of_a_task_it_is_woken_later(runner: asyncio.Runner) -> None:
    async def play(scene: Scene) -> None:
        waiter = scene.waker[0]()
        task = scene.start(waiter)
        await asyncio.sleep(0)
        scene.wake(waiter)
        await task

    assert played(runner, play) == ["woken", ("task", True)]


def test_a_result_that_nobody_waits_for_yet(runner: asyncio.Runner) -> None:
    async def play(scene: Scene) -> None:
        waiter = scene.waker[0]()
        await scene.called(lambda: scene.wake(waiter))
        await scene.start(waiter)

    assert played(runner, play) == ["woken", ("task", True)]


def test_of_several_none_is_preferred(runner: asyncio.Runner) -> None:
    async def play(scene: Scene) -> None:
        waiter = scene.waker[0]()
        tasks = [scene.start(waiter), scene.start(waiter)]
        await asyncio.sleep(0)
        await scene.called(lambda: scene.wake(waiter))
        await asyncio.gather(*tasks)

    assert played(runner, play) == ["woken", ("task", True), ("task", True)]


def test_a_context_that_is_in_use(runner: asyncio.Runner) -> None:
    async def play(scene: Scene) -> None:
        waiter = scene.waker[0]()
        context = contextvars.copy_context()

        async def wait() -> None:
            await waiter
            scene.told.append("task")

        task = scene.loop.create_task(wait(), context=context)
        await asyncio.sleep(0)
        await scene.called(lambda: context.run(scene.wake, waiter))
        await task

    assert played(runner, play) == ["woken", "task"]


def test_who_is_cancelled_is_not_woken(runner: asyncio.Runner) -> None:
    async def play(scene: Scene) -> None:
        waiter = scene.waker[0]()
        task = scene.start(waiter)
        await asyncio.sleep(0)
        task.cancel()
        assert waiter.done()
        with pytest.raises(asyncio.InvalidStateError):
            await scene.called(lambda: scene.wake(waiter))
        with pytest.raises(asyncio.CancelledError):
            await task

    assert played(runner, play) == ["cancelled"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_comes_out(
    runner: asyncio.Runner, error: type[BaseException]
) -> None:
    async def play(scene: Scene) -> None:
        waiter = scene.waker[0]()

        async def fail() -> None:
            await waiter
            raise error

        task = scene.loop.create_task(fail())
        await asyncio.sleep(0)

        def wake() -> None:
            with pytest.raises(error):
                scene.wake(waiter)
            assert asyncio.current_task(scene.loop) is None

        await scene.called(wake)
        assert isinstance(task.exception(), error)

    assert played(runner, play) == []


def test_a_loop_with_futures_of_its_own(runner: asyncio.Runner) -> None:
    class Own(asyncio.Future[None]):
        pass

    async def main() -> None:
        loop = asyncio.get_running_loop()
        if isinstance(loop, uvloop.Loop):
            return
        loop.create_future = lambda: Own(loop=loop)  # type: ignore[method-assign]
        try:
            assert make_waker(loop) is None
        finally:
            del loop.create_future

    runner.run(main())


def test_a_python_that_does_not_tell_which_task_runs(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert make_waker(loop) is not None
        monkeypatch.delattr("_asyncio._current_tasks")
        assert make_waker(loop) is None

    runner.run(main())


def test_it_keeps_nothing(runner: asyncio.Runner) -> None:
    async def main() -> int:
        scene = Scene()
        create, wake = scene.waker

        async def wait() -> None:
            for _ in range(1000):
                here[0] = create()
                await here[0]

        def one() -> None:
            wake(here[0])

        here = [create()]
        task = scene.loop.create_task(wait())
        await asyncio.sleep(0)
        grown = await scene.called(lambda: growth_in_blocks(one, 200))
        task.cancel()
        return grown

    assert runner.run(main()) < 20
