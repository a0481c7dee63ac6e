"""Coroutines that run at once, and have a task of their own only where they wait."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from ipcrt.port import stepping
from ipcrt.port.stepping import Stepper
from tests._speedups.twins import TWINS, take

T = TypeVar("T")
End = tuple[Any, BaseException | None]

SHADE: contextvars.ContextVar[str] = contextvars.ContextVar("shade", default="none")


@pytest.fixture(params=TWINS, autouse=True)
def twin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    make_step = take(request.param, "stepping", stepping._stepping)
    monkeypatch.setattr(stepping, "make_step", make_step)


class Scene:
    """A stepper, and how what it stepped has ended."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.ends: list[End] = []
        self.loop = asyncio.get_running_loop()
        self.stepper = Stepper(self.loop, self.tasks.append)

    async def called(self, action: Callable[[], T]) -> T:
        """Have the loop call `action`, as it calls readers; no task runs then."""
        done: asyncio.Future[T] = self.loop.create_future()

        def call() -> None:
            try:
                done.set_result(action())
            except StopIteration as end:  # which a future cannot raise
                done.set_exception(RuntimeError(end))
            except BaseException as error:  # noqa: BLE001  (it is the test's)
                done.set_exception(error)

        self.loop.call_soon(call)
        return await done

    async def value_of(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Step what ends at once; answer its value."""

        def step() -> Any:
            with pytest.raises(StopIteration) as ended:
                self.stepper.step(coroutine)
            return ended.value.value

        return await self.called(step)

    async def start(
        self, coroutine: Coroutine[Any, Any, Any], *, cancel: bool = False
    ) -> Callable[[], object]:
        """Step what waits; answer what cancels it, or do so at once."""

        def step() -> Callable[[], object]:
            rest = self.stepper.step(coroutine)
            assert rest is not None
            stop = rest.then("the rest", lambda value, error: self.ends.append((value, error)))
            if cancel:
                stop()
            return stop

        return await self.called(step)

    async def end(self) -> End:
        await asyncio.wait(self.tasks, timeout=10)
        (end,) = self.ends
        return end


@asynccontextmanager
async def standing_by() -> AsyncGenerator[Scene, None]:
    scene = Scene()
    early = current()
    assert await scene.called(lambda: scene.stepper.step(early)) is None, "nobody stands by yet"
    early.close()
    await asyncio.sleep(0)
    yield scene
    if (spare := scene.stepper.close()) is not None:
        await asyncio.wait([spare])


async def current() -> asyncio.Task[Any] | None:
    return asyncio.current_task()


def test_what_does_not_wait_ends_at_once_and_the_task_stands_by(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with standing_by() as scene:
            first = await scene.value_of(current())
            assert first is await scene.value_of(current())
            assert isinstance(first, asyncio.Task)
            assert first is not asyncio.current_task()
            assert not scene.tasks

    runner.run(main())


@pytest.mark.parametrize("value", [None, (), (1, 2), ValueError("no"), StopIteration(3)])
def test_any_value_comes_out_as_it_is(runner: asyncio.Runner, value: object) -> None:
    async def answer() -> object:
        return value

    async def main() -> None:
        async with standing_by() as scene:
            assert await scene.value_of(answer()) is value

    runner.run(main())


def test_a_step_leaves_the_task_and_the_context_that_it_took(runner: asyncio.Runner) -> None:
    async def end(error: BaseException | None) -> None:
        if error is not None:
            raise error

    async def main() -> None:
        async with standing_by() as scene:
            errors = (None, ValueError(), KeyboardInterrupt(), asyncio.CancelledError())

            def step() -> None:
                here = contextvars.copy_context()
                for error in errors:
                    wanted = StopIteration if error is None else type(error)
                    with pytest.raises(wanted):
                        scene.stepper.step(end(error))
                    assert asyncio.current_task(scene.loop) is None
                    assert here == contextvars.copy_context()

            await scene.called(step)

    runner.run(main())


def test_a_stepper_that_is_closed_in_a_step_steps_no_more(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with standing_by() as scene:

            async def close(then: asyncio.Future[None] | None) -> str:
                scene.stepper.close()
                if then is not None:
                    await then
                return "done"

            assert await scene.value_of(close(None)) == "done"
            late = current()
            assert await scene.called(lambda: scene.stepper.step(late)) is None
            late.close()
            await asyncio.sleep(0)
            await scene.start(close(scene.loop.create_future()))
            _, error = await scene.end()
            assert isinstance(error, asyncio.CancelledError)

    runner.run(main())


def test_inside_of_a_task_nothing_is_stepped(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with standing_by() as scene:
            coroutine = current()
            assert scene.stepper.step(coroutine) is None
            coroutine.close()

    runner.run(main())


def test_what_waits_goes_on_in_the_same_task(runner: asyncio.Runner) -> None:
    async def wait(until: asyncio.Future[int]) -> list[Any]:
        before = asyncio.current_task()
        number = await until
        await asyncio.sleep(0)
        return [number, before is asyncio.current_task()]

    async def main() -> None:
        async with standing_by() as scene:
            until: asyncio.Future[int] = scene.loop.create_future()
            await scene.start(wait(until))
            await asyncio.sleep(0.01)
            assert not scene.ends
            until.set_result(5)
            assert await scene.end() == ([5, True], None)
            assert scene.tasks[0].get_name() == "the rest"

    runner.run(main())


def test_letting_others_run_is_a_wait(runner: asyncio.Runner) -> None:
    async def yield_twice() -> int:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return 7

    async def main() -> None:
        async with standing_by() as scene:
            await scene.start(yield_twice())
            assert await scene.end() == (7, None)

    runner.run(main())


def test_errors_come_out_where_they_are_raised(runner: asyncio.Runner) -> None:
    async def fail(until: asyncio.Future[None] | None) -> None:
        if until is not None:
            await until
        raise ValueError("no")

    async def main() -> None:
        async with standing_by() as scene:
            with pytest.raises(ValueError, match="no"):
                await scene.called(lambda: scene.stepper.step(fail(None)))
            until: asyncio.Future[None] = scene.loop.create_future()
            await scene.start(fail(until))
            until.set_result(None)
            value, error = await scene.end()
            assert value is None
            assert isinstance(error, ValueError)

    runner.run(main())


@pytest.mark.parametrize("soon", [True, False], ids=["before it goes on", "later"])
@pytest.mark.parametrize("wait", ["future", "yield"])
def test_it_is_cancelled_at_its_wait_and_has_last_words(
    runner: asyncio.Runner, wait: str, *, soon: bool
) -> None:
    said: list[str] = []

    async def hang(until: asyncio.Future[None]) -> None:
        try:
            await asyncio.sleep(0) if wait == "yield" else None
            await until
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            said.append("goodbye")
            raise

    async def main() -> None:
        async with standing_by() as scene:
            until: asyncio.Future[None] = scene.loop.create_future()
            stop = await scene.start(hang(until), cancel=soon)
            if not soon:
                await asyncio.sleep(0.01)
                stop()
            _, error = await scene.end()
            assert isinstance(error, asyncio.CancelledError)
            assert said == ["goodbye"]
            assert until.cancelled() is not (soon and wait == "yield")
            assert scene.tasks[0].cancelled()

    runner.run(main())


def test_a_timeout_that_begins_in_the_first_step_holds(runner: asyncio.Runner) -> None:
    async def limited(until: asyncio.Future[None]) -> str:
        try:
            async with asyncio.timeout(0.01):
                await until
        except TimeoutError:
            return "out of time"
        return "in time"

    async def main() -> None:
        async with standing_by() as scene:
            await scene.start(limited(scene.loop.create_future()))
            assert await scene.end() == ("out of time", None)

    runner.run(main())


def test_tasks_of_a_group_end_with_it(runner: asyncio.Runner) -> None:
    async def group() -> list[int]:
        async def work(number: int) -> int:
            await asyncio.sleep(0)
            return number

        async with asyncio.TaskGroup() as tasks:
            started = [tasks.create_task(work(number)) for number in range(3)]
        return [task.result() for task in started]

    async def main() -> None:
        async with standing_by() as scene:
            await scene.start(group())
            assert await scene.end() == ([0, 1, 2], None)

    runner.run(main())


def test_what_one_changes_in_its_context_no_other_sees(runner: asyncio.Runner) -> None:
    async def paint(shade: str) -> str:
        before = SHADE.get()
        SHADE.set(shade)
        return before

    async def main() -> None:
        SHADE.set("base")
        async with standing_by() as scene:
            first = await scene.value_of(current())
            assert await scene.value_of(paint("red")) == "base"
            assert SHADE.get() == "base"
            late = current()
            assert await scene.called(lambda: scene.stepper.step(late)) is None
            late.close()
            await asyncio.sleep(0)
            assert await scene.value_of(paint("blue")) == "base"
            assert first.cancelled()

    runner.run(main())


def test_a_task_that_was_cancelled_while_it_stood_by_is_replaced(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with standing_by() as scene:
            first = await scene.value_of(current())
            first.cancel()
            await asyncio.sleep(0.01)
            late = current()
            assert await scene.called(lambda: scene.stepper.step(late)) is None
            late.close()
            await asyncio.sleep(0)
            assert await scene.value_of(current()) is not first

    runner.run(main())
