"""The port on trio: one system task waits on the port's epoll descriptor and for deadlines.

1. The system task serves the port until it closes, whatever is cancelled around it: a task that
   shields its last words from cancellation can still speak.
2. What the body of `open_trio_port` raises comes out as it is, not in an exception group.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final, Generic, TypeVar, cast

import outcome
import trio

from ipcrt.port.aport import AsyncPort

T = TypeVar("T")

_log: Final = logging.getLogger("ipcrt.port")


class TrioWaiter(Generic[T]):
    """One result that one trio task waits for."""

    __slots__ = ("_done", "_outcome", "_task")

    def __init__(self) -> None:
        self._done = False
        self._outcome: outcome.Maybe[T] | None = None
        self._task: trio.lowlevel.Task | None = None

    def set_result(self, result: T, /) -> None:
        self._settle(outcome.Value(result))

    def set_exception(self, exception: BaseException, /) -> None:
        self._settle(outcome.Error(exception))

    def _settle(self, result: outcome.Maybe[T]) -> None:
        self._done, self._outcome = True, result
        if self._task is not None:
            task, self._task = self._task, None
            trio.lowlevel.reschedule(task)

    def done(self) -> bool:
        return self._done

    def __await__(self) -> Generator[object, None, T]:
        if self._outcome is None:
            self._task = trio.lowlevel.current_task()
            rescheduled = trio.lowlevel.wait_task_rescheduled(self._abort)  # noqa: ASYNC105
            yield from rescheduled.__await__()
        return cast("outcome.Maybe[T]", self._outcome).unwrap()

    def _abort(self, raise_cancel: object) -> trio.lowlevel.Abort:
        del raise_cancel
        self._done, self._task = True, None
        return trio.lowlevel.Abort.SUCCEEDED


class _Spawned:
    """A coroutine that the port runs."""

    __slots__ = ("ended", "scope", "task")

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.ended = trio.Event()
        self.task: trio.lowlevel.Task | None = None


class TrioPort(AsyncPort):
    """A port on the running trio loop; made by `open_trio_port`."""

    strict: ClassVar[bool] = True

    def __init__(self, nursery: trio.Nursery) -> None:
        """Run what `spawn` is given in `nursery`. Raises: NoResources."""
        self.clock = trio.current_time
        self.create_waiter = TrioWaiter
        self._nursery = nursery
        self._tasks: set[_Spawned] = set()
        self._alarm = trio.CancelScope()
        super().__init__()
        trio.lowlevel.spawn_system_task(self._run, name="ipcrt port")

    async def checkpoint(self) -> None:
        await trio.lowlevel.checkpoint()

    # ---- the system task

    async def _run(self) -> None:
        while await self._wait_news():
            self.dispatch()
            self.deadlines.run()

    async def _wait_news(self) -> bool:
        """Wait for the poller or the next deadline; False once the port is closed."""
        if self.closed:
            return False
        due = self.deadlines.due()
        try:
            with trio.CancelScope(deadline=math.inf if due is None else due) as self._alarm:
                await trio.lowlevel.wait_readable(self._poller.fileno())
        except trio.ClosedResourceError:
            return False
        return not self.closed

    def _deadline_moved(self, due: float) -> None:
        self._alarm.deadline = min(self._alarm.deadline, due)

    # ---- tasks

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> Callable[[], object]:
        spawned = _Spawned()
        try:
            self._check()
            self._nursery.start_soon(self._run_spawned, spawned, coroutine, name, name=name)
        except BaseException:
            coroutine.close()
            raise
        self._tasks.add(spawned)
        return spawned.scope.cancel

    async def _run_spawned(
        self, spawned: _Spawned, coroutine: Coroutine[Any, Any, None], name: str
    ) -> None:
        spawned.task = trio.lowlevel.current_task()
        try:
            with spawned.scope:
                await coroutine
        except Exception:  # noqa: BLE001  (one coroutine must not end the others)
            _log.exception("%s failed", name)
        finally:
            self._tasks.discard(spawned)
            spawned.ended.set()

    async def aclose(self) -> None:
        try:
            while others := self.cancel_tasks():
                await others[0].ended.wait()
        finally:
            self.close()

    def cancel_tasks(self) -> list[_Spawned]:
        """Cancel what `spawn` started, but for whoever calls this; answer what it cancelled."""
        me = trio.lowlevel.current_task() if trio.lowlevel.in_trio_task() else object()
        others = [spawned for spawned in self._tasks if spawned.task is not me]
        for spawned in others:
            spawned.scope.cancel()
        return others

    def _stop_serving(self) -> None:
        super()._stop_serving()
        self.cancel_tasks()
        trio.lowlevel.notify_closing(self._poller.fileno())

    def statistics(self) -> dict[str, int]:
        return super().statistics() | {"tasks": len(self._tasks)}


@asynccontextmanager
async def open_trio_port() -> AsyncGenerator[TrioPort, None]:
    """Make the port of the running trio loop; see `open_port`."""
    failure: BaseException | None = None
    port: TrioPort | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                port = TrioPort(nursery)
                yield port
            except BaseException as error:  # noqa: BLE001  (rule 2: raised below)
                failure = error
            if port is not None:
                with trio.CancelScope(shield=True):  # all are cancelled, and may have last words
                    await port.aclose()
    finally:
        if port is not None:
            port.close()
    if failure is not None:
        raise failure
