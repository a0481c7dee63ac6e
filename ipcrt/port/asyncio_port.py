"""The port on asyncio and uvloop.

The port's own epoll descriptor is one reader of the loop. A handle that is read all its life
(`add_reader`) is registered with the loop itself: a nested epoll costs 12 % of a call.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from ipcrt.errors import NotSupported, from_oserror
from ipcrt.port import busy_poll
from ipcrt.port.aport import AsyncPort
from ipcrt.port.prompt import make_waker
from ipcrt.port.stepping import Stepper
from ipcrt.port.watch import HandleWatch

_log: Final = logging.getLogger("ipcrt.port")


class AsyncioPort(AsyncPort):
    """A port on the running asyncio or uvloop loop."""

    def __init__(self, busy_poll_us: int | None = None) -> None:
        """See `open_port`. Raises: RuntimeError: no loop runs here. NoResources, InvalidArgs."""
        spin_us = busy_poll.busy_poll_us(busy_poll_us)
        self._loop = asyncio.get_running_loop()
        self.clock = time.monotonic
        self.soon = self._loop.call_soon
        self.create_waiter = self._loop.create_future
        self.waker = make_waker(self._loop)
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stepper = Stepper(self._loop, self._adopt)
        self.step = self._stepper.step
        # asyncio's own loop lines readers up behind the tasks that are ready; uvloop calls them.
        self.late = isinstance(self._loop, asyncio.BaseEventLoop)
        self._spinner: busy_poll.LoopSpinner | None = None
        if spin_us:
            self._backoff = busy_poll.Backoff()
            self._spinner = busy_poll.LoopSpinner(spin_us, self._loop.call_soon, self._backoff)
            self.expect = self._spinner.expect
        super().__init__()
        self._loop.add_reader(self._poller.fileno(), self.dispatch)

    async def checkpoint(self) -> None:
        await asyncio.sleep(0)

    # ---- readers

    def start_reader(self, watch: HandleWatch, reader: Callable[[], object]) -> bool:
        try:
            self._loop.add_reader(watch.fd, reader)
        except PermissionError:
            raise NotSupported("files and VMOs have no signals to wait for") from None
        except OSError as error:
            raise from_oserror(error, "wait for a handle") from error
        return True

    def stop_reader(self, watch: HandleWatch) -> None:
        self._loop.remove_reader(watch.fd)  # a closed loop bears it, too

    # ---- deadlines

    def _deadline_moved(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Whole milliseconds, rounded up: uvloop rounds to the nearest, and would come too early.
        delay_ms = math.ceil((due - time.monotonic()) * 1000)
        self._timer = self._loop.call_later(max(0, delay_ms) / 1000, self._run_deadlines)

    def _run_deadlines(self) -> None:
        self._timer = None
        self.deadlines.run()
        due = self.deadlines.due()
        if due is not None and not self.closed:
            self._deadline_moved(due)

    # ---- tasks

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> Callable[[], object]:
        try:
            self._check()
        except BaseException:
            coroutine.close()
            raise
        task = self._loop.create_task(coroutine, name=name)
        self._adopt(task)
        return task.cancel

    def _adopt(self, task: asyncio.Task[None]) -> None:
        """Have the port wait for a task's end, and log what it lets out."""
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s failed", task.get_name(), exc_info=error)

    async def aclose(self) -> None:
        try:
            if (spare := self._stepper.close()) is not None:
                await asyncio.wait([spare])
            while others := self._tasks - {asyncio.current_task()}:
                for task in others:
                    task.cancel()
                await asyncio.wait(others)
        finally:
            self.close()

    def _stop_serving(self) -> None:
        super()._stop_serving()
        if self._spinner is not None:
            self._spinner.stop()
        self._stepper.close()
        for task in self._tasks - {asyncio.current_task(self._loop)}:
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._poller.fileno())

    def statistics(self) -> dict[str, int]:
        return super().statistics() | {"tasks": len(self._tasks)}
