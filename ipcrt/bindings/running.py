"""Handlers that run beside the others, from their requests to their answers.

Where the port can step a coroutine, an `async def` handler begins where its message is read, as a
`def` one does, and only one that comes to a wait goes on beside the others (`Waiting`). Elsewhere
each has a task from the beginning (`Running`).

Handlers begin in the order of their messages, whatever order the loop starts its tasks in (trio
tosses a coin): each one lets the next begin.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import Any, TypeGuard

from ipcrt.bindings.tables import Method
from ipcrt.port.aport import AsyncPort, Rest
from ipcrt.port.waiter import Waiter


class Waiting:
    """A handler that began where its message was read, and has come to a wait."""

    __slots__ = ("_cancel", "_on_end", "method", "request", "txid")

    def __init__(
        self,
        method: Method[Any, Any],
        txid: int,
        request: Any,
        rest: Rest,
        on_end: Callable[[Waiting, Any, BaseException | None], None],
    ) -> None:
        """`on_end(self, value, error)` is called once; no Exception: it was cancelled."""
        self.method = method
        self.txid = txid
        self.request = request
        self._on_end = on_end
        self._cancel = rest.then(method.selector, self._ended)

    @property
    def is_call(self) -> bool:
        """True where somebody waits for an answer."""
        return self.method.is_call

    def _ended(self, value: Any, error: BaseException | None) -> None:
        self._on_end(self, value, error)

    def cancel(self) -> None:
        """End the handler at its wait."""
        self._cancel()


class Running:
    """A handler's coroutine and the request that it was made from."""

    __slots__ = (
        "_before",
        "_cancel",
        "_coroutine",
        "_on_end",
        "_over",
        "begun",
        "follower",
        "method",
        "request",
        "txid",
    )

    def __init__(
        self,
        method: Method[Any, Any],
        txid: int,
        request: Any,
        coroutine: Coroutine[Any, Any, Any],
        on_end: Callable[[Running, Any, BaseException | None], None],
        *,
        before: Running | None = None,
    ) -> None:
        """Begin after `before`, the handler of an earlier message.

        `on_end(self, value, error)` is called once; no Exception: it was cancelled.
        """
        self.method = method
        self.txid = txid
        self.request = request
        self._coroutine = coroutine
        self._on_end = on_end
        self._before = before
        self._over = False
        self.begun: bool = False
        """True from its first step on, or its turn to take one where it was cancelled before."""
        self.follower: Callable[[], None] | None = None
        """Called once it has begun, for whoever may begin next: not at once, but soon."""
        self._cancel: Callable[[], object] | None = None

    @property
    def is_call(self) -> bool:
        """True where somebody waits for an answer."""
        return self.method.is_call

    def start(self, port: AsyncPort) -> None:
        """Run beside the others. Raises: BadState: the port is closed; then it was cancelled."""
        try:
            self._cancel = port.spawn(self._run(port), self.method.selector)
        except BaseException:
            self.cancel()
            self._begin()
            raise

    async def _run(self, port: AsyncPort) -> None:
        before, self._before = self._before, None
        if before is not None and not before.begun:
            await self._follow(before, port)
        self._begin()
        if self._over:  # cancelled before it could begin
            return
        try:
            value = await self._coroutine
        except BaseException as error:
            self._on_end(self, None, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._on_end(self, value, None)

    async def _follow(self, before: Running, port: AsyncPort) -> None:
        """Wait until an earlier handler has begun."""
        waiter: Waiter[None] = port.create_waiter()

        def follow() -> None:
            if not waiter.done():
                waiter.set_result(None)

        before.follower = follow
        try:
            await waiter
        except BaseException:
            self.cancel()
            self._begin()
            raise

    def _begin(self) -> None:
        self.begun = True
        if self.follower is not None:
            self.follower()

    def cancel(self) -> None:
        """End the handler at its next wait, or at once where it has not begun.

        A task that is cancelled before its first step never runs its coroutine, which would be
        told of as never awaited, and nobody would get an answer.
        """
        if self.begun:
            if self._cancel is not None:
                self._cancel()
        elif not self._over:
            self._over = True
            self._coroutine.close()
            self._on_end(self, None, GeneratorExit())


def is_coroutine(value: object) -> TypeGuard[CoroutineType[Any, Any, Any]]:
    """True for what an `async def` handler answers."""
    return type(value) is CoroutineType
