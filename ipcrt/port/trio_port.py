"""The port on trio: one task waits on the port's epoll descriptor and for the next deadline."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, TypeVar, cast

import outcome
import trio

from ipcrt.port.aport import AsyncPort
from ipcrt.port.waiter import Waiter

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


class TrioPort(AsyncPort):
    """A port on the running trio loop; made by `open_trio_port`."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._alarm: trio.CancelScope | None = None
        super().__init__()

    def clock(self) -> float:
        return trio.current_time()

    def create_waiter(self) -> Waiter[T]:
        return TrioWaiter[T]()

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        self._nursery.start_soon(_logged, coroutine, name, name=name)

    async def run(self) -> None:
        """Serve the port until it is closed or cancelled."""
        while not self.closed:
            due = self.deadlines.due()
            with trio.CancelScope(deadline=math.inf if due is None else due) as self._alarm:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
            self._alarm = None
            self.dispatch()
            self.deadlines.run()

    def _deadline_moved(self, due: float) -> None:
        if self._alarm is not None:
            self._alarm.deadline = min(self._alarm.deadline, due)

    def close(self) -> None:
        if not self.closed:
            trio.lowlevel.notify_closing(self._epoll.fileno())
        super().close()

    async def aclose(self) -> None:
        self._nursery.cancel_scope.cancel()
        self.close()


@asynccontextmanager
async def open_trio_port() -> AsyncIterator[TrioPort]:
    """Make the port of the running trio loop; see `open_port`."""
    async with trio.open_nursery() as nursery:
        port = TrioPort(nursery)
        nursery.start_soon(port.run, name="ipcrt port")
        try:
            yield port
        finally:
            nursery.cancel_scope.cancel()
            port.close()


async def _logged(coroutine: Coroutine[Any, Any, None], name: str) -> None:
    """Run a coroutine; what it lets out is logged and ends only itself."""
    try:
        await coroutine
    except Exception:  # noqa: BLE001  (one coroutine must not end the others)
        _log.exception("%s failed", name)
