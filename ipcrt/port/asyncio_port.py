"""The port on asyncio and uvloop.

The port's own epoll descriptor is one reader of the loop. A handle that is read all its life
(`add_reader`) is registered with the loop itself: a nested epoll costs 12 % of a call.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from ipcrt.port.aport import AsyncPort
from ipcrt.port.waiter import Waiter
from ipcrt.port.watch import HandleWatch

T = TypeVar("T")

_log: Final = logging.getLogger("ipcrt.port")


class AsyncioPort(AsyncPort):
    """A port on the running asyncio or uvloop loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        super().__init__()
        self._loop.add_reader(self._epoll.fileno(), self.dispatch)

    def clock(self) -> float:
        return self._loop.time()

    def create_waiter(self) -> Waiter[T]:
        waiter: asyncio.Future[T] = self._loop.create_future()
        return waiter

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        task = self._loop.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s failed", task.get_name(), exc_info=error)

    def start_reader(self, watch: HandleWatch) -> bool:
        self._loop.add_reader(watch.fd, self._read, watch)
        return True

    def stop_reader(self, watch: HandleWatch) -> None:
        self._loop.remove_reader(watch.fd)

    def _read(self, watch: HandleWatch) -> None:
        reader = watch.reader
        if reader is None:
            return
        try:
            reader()
        except Exception:  # noqa: BLE001  (one bad reader must not end the loop)
            _log.exception("the reader of %r failed", watch.handle)
            watch.set_reader(None)

    def _deadline_moved(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._run_deadlines)

    def _run_deadlines(self) -> None:
        self._timer = None
        self.deadlines.run()
        due = self.deadlines.due()
        if due is not None and self._timer is None:
            self._timer = self._loop.call_at(due, self._run_deadlines)

    def close(self) -> None:
        if self.closed:
            return
        self._loop.remove_reader(self._epoll.fileno())
        if self._timer is not None:
            self._timer.cancel()
        super().close()

    async def aclose(self) -> None:
        try:
            while self._tasks:
                for task in self._tasks:
                    task.cancel()
                await asyncio.wait(self._tasks)
        finally:
            self.close()
