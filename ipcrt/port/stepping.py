"""Stepping: run a coroutine at once, and give it a task only where it waits.

A task for each coroutine costs more than most of them do. Here one spare task stands by, asleep. A
coroutine takes its first step where it is started, under the spare task's name and context, so that
`current_task`, timeouts and task groups are what they would be. If it ends in that step, the task
stays spare; if it waits, the task is its own from then on, and another stands by for the next.

1. A coroutine sees the context that the stepper was made in, and what it changes there nobody else
   sees: a context that was changed is not used again.
2. Cancelling reaches what the coroutine waits for, as `Task.cancel` does, from its first wait on.
Source: asyncio, "Extending", `_enter_task` and `_leave_task`; Task.cancel.
"""

from __future__ import annotations

import asyncio
import contextvars
import types
from asyncio.tasks import _enter_task, _leave_task  # pyright: ignore[reportPrivateUsage]
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final

from ipcrt._speedups.chosen import choose

OnEnd = Callable[[Any, BaseException | None], None]
Switch = Callable[[asyncio.AbstractEventLoop, "asyncio.Task[None]"], None]


class Rest:
    """A coroutine that waits for the first time; it goes on as the task's own."""

    __slots__ = ("_coroutine", "_on_end", "_task", "_yielded")

    def __init__(
        self, task: asyncio.Task[None], coroutine: Coroutine[Any, Any, Any], yielded: Any
    ) -> None:
        self._task = task
        self._coroutine = coroutine
        self._yielded = yielded
        self._on_end: OnEnd | None = None

    def then(self, name: str, on_end: OnEnd) -> Callable[[], object]:
        """Have `on_end(value, error)` told how it ends; answer what cancels it."""
        self._task.set_name(name)
        self._on_end = on_end
        return self._task.cancel

    async def run(self, *, cancelled: bool) -> None:
        """Go on until the end, in the task; `cancelled`: the task was, since the first wait."""
        on_end = self._on_end
        assert on_end is not None
        try:
            value = await _drive(self._coroutine, self._yielded, cancelled)
        except BaseException as error:
            on_end(None, error)
            if not isinstance(error, Exception):
                raise
        else:
            on_end(value, None)


@types.coroutine
def _drive(
    coroutine: Coroutine[Any, Any, Any], yielded: Any, cancelled: bool
) -> Generator[Any, Any, Any]:
    """Do what `await coroutine` does, for one that has yielded already."""
    try:
        if cancelled and not (yielded is not None and yielded.cancel()):
            yielded = coroutine.throw(asyncio.CancelledError())
        elif yielded is None:  # it let others run, and they have run
            yielded = coroutine.send(None)
        while True:
            try:
                value = yield yielded
            except BaseException as error:  # noqa: BLE001  (it is the coroutine's to handle)
                yielded = coroutine.throw(error)
            else:
                yielded = coroutine.send(value)
    except StopIteration as end:
        return end.value


class _Spare:
    """A task that stands by."""

    __slots__ = ("_job", "_rest", "base", "context", "ready", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.base: Final = contextvars.copy_context()
        self.context: Final = self.base.copy()
        """The task's; equal to `base` for as long as no coroutine has changed it."""
        self.ready = False
        """True while it sleeps; before, a task that is cancelled would end without a step."""
        self._job: Final[asyncio.Future[None]] = loop.create_future()
        self._rest: Rest | None = None
        self.task: Final = loop.create_task(self._stand_by(), context=self.context)

    def wake(self, rest: Rest) -> None:
        """Go on with `rest`."""
        self._rest = rest
        if not self._job.done():
            self._job.set_result(None)

    async def _stand_by(self) -> None:
        self.ready = True
        cancelled = False
        try:
            await self._job
        except asyncio.CancelledError:
            self.ready = False
            if self._rest is None:
                raise
            cancelled = True
        assert self._rest is not None
        await self._rest.run(cancelled=cancelled)


Step = Callable[[Coroutine[Any, Any, Any]], Rest | None]


def _stepping(
    step: Step,
    stepper: object,
    spare: type[_Spare],
    loop: asyncio.AbstractEventLoop,
    enter_and_leave: tuple[Switch, Switch],
) -> Step:
    del stepper, spare, loop, enter_and_leave
    return step


make_step: Final = choose("stepping", _stepping)
"""Answers a stepper's way to step: `ipcrt/_speedups/stepping.c` where that is in use."""


class Stepper:
    """Steps coroutines on one event loop."""

    __slots__ = ("_adopt", "_loop", "_spare", "step")

    step: Step
    """Run a coroutine until it waits for the first time; answer what is left of it.

    None: not now, it has to be started in another way: nobody stands by yet, or a task runs
    already, as it does unless the loop calls here. Raises: StopIteration, with the coroutine's
    value: it has ended; and whatever it raises.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, adopt: Callable[[asyncio.Task[None]], None]
    ) -> None:
        """`adopt(task)` is told of each task that has something to do from now on."""
        self._loop = loop
        self._adopt = adopt
        self._spare: _Spare | None = None
        enter_and_leave = (_enter_task, _leave_task)
        self.step = make_step(self._step, self, _Spare, loop, enter_and_leave)

    def _step(self, coroutine: Coroutine[Any, Any, Any]) -> Rest | None:
        spare = self._spare
        if spare is None or not spare.ready:
            self._provide()
            return None
        try:
            _enter_task(self._loop, spare.task)
        except RuntimeError:
            return None
        try:
            yielded = spare.context.run(coroutine.send, None)
        except BaseException:
            if spare.context != spare.base:  # rule 1; where nothing was changed, this costs nothing
                self.close()
            raise
        finally:
            _leave_task(self._loop, spare.task)
        return self._waits(spare, coroutine, yielded)

    def _waits(self, spare: _Spare, coroutine: Coroutine[Any, Any, Any], yielded: Any) -> Rest:
        """Have the task go on with a coroutine that has yielded, and another stand by."""
        rest = Rest(spare.task, coroutine, yielded)
        spare.wake(rest)
        self._adopt(spare.task)
        self._spare = None
        self._provide()
        return rest

    def _provide(self) -> None:
        """Have a task stand by from the next turn on."""
        if self._spare is None or self._spare.task.done():
            self._spare = _Spare(self._loop)

    def close(self) -> asyncio.Task[None] | None:
        """Dismiss the task that stands by, and answer it."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        spare.task.cancel()
        return spare.task
