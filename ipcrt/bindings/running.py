"""Running: one `async def` handler beside the others, from its request to its answer.

Handlers begin in the order of their messages, whatever order the loop starts its tasks in (trio
tosses a coin): each one lets the next begin.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ipcrt.bindings.tables import Method
from ipcrt.port.aport import AsyncPort
from ipcrt.port.waiter import Waiter


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
