"""Watching: the client's half of a hanging get; `HangingGet` is the server's.

    with Watching(port, lambda: lamp.watch_colour(timeout=None)) as colours:
        async for response in colours:
            ...

1. One watch is at the server at any time, and none before somebody wants to know. So whoever gives
   up waiting (a deadline, a cancellation) gives up nothing: the watch stays, and its answer is the
   next one's. A client that watched again itself would be closed for it.
2. What the watch raises is raised by `next`, once; the one after it watches anew.
3. Used by one task. Closing it gives the watch up; then the channel should be closed, too.
Source: FIDL API Rubric, "Delay responses using hanging gets".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Generic, Self, TypeVar

from ipcrt.errors import BadState, Canceled, IpcError
from ipcrt.port.aport import AsyncPort
from ipcrt.port.waiter import Waiter

T = TypeVar("T")


class Watching(Generic[T]):
    """The answers to one watch after another."""

    __slots__ = ("_call", "_cancel", "_closed", "_error", "_port", "_values", "_waiter")

    def __init__(self, port: AsyncPort, call: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """`call` begins a watch; it should have no deadline of its own."""
        self._port = port
        self._call = call
        self._cancel: Callable[[], object] | None = None
        self._values: list[T] = []  # one at most, that nobody has taken
        self._error: Exception | None = None
        self._waiter: Waiter[None] | None = None
        self._closed = False

    async def next(self, timeout: float | None = None) -> T:
        """Await the next answer; `timeout` in seconds ends the wait, not the watch.

        Raises: TimedOut. What the watch raises. Canceled: this or the port was closed. BadState:
        another task waits.
        """
        if self._waiter is not None:
            raise BadState("another task waits for the same watch")
        if self._port.strict:
            await self._port.checkpoint()
        if self._closed:
            raise Canceled("the watch was given up")
        if not self._answered:
            if self._cancel is None:
                self._cancel = self._port.spawn(self._watch(), "watch")
            await self._wait(timeout)
        error, self._error = self._error, None
        if error is not None:
            raise error
        return self._values.pop()

    async def _wait(self, timeout: float | None) -> None:
        waiter: Waiter[None] = self._port.create_waiter()
        self._waiter = waiter
        try:
            await self._port.wait_result(waiter, timeout)
        finally:
            self._waiter = None

    async def _watch(self) -> None:
        try:
            self._values.append(await self._call())
        except Exception as error:  # noqa: BLE001  (it is `next`'s to raise)
            self._error = error
        self._cancel = None
        self._wake(None)

    @property
    def _answered(self) -> bool:
        return bool(self._values) or self._error is not None

    def _wake(self, error: IpcError | None) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)

    def close(self) -> None:
        """Give the watch up; who waits is told Canceled. Idempotent."""
        self._closed = True
        if self._cancel is not None:
            self._cancel()
        self._wake(Canceled("the watch was given up"))

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        return await self.next()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
