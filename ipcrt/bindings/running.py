"""Running: one `async def` handler beside the others, from its request to its answer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ipcrt.bindings.tables import Method
from ipcrt.port.aport import AsyncPort


class Running:
    """A handler's coroutine and the request that it was made from."""

    __slots__ = ("_begun", "_cancel", "_coroutine", "_on_end", "method", "request", "txid")

    def __init__(
        self,
        method: Method[Any, Any],
        txid: int,
        request: Any,
        coroutine: Coroutine[Any, Any, Any],
        on_end: Callable[[Running, Any, BaseException | None], None],
    ) -> None:
        """`on_end(self, value, error)` is called once; no Exception: it was cancelled."""
        self.method = method
        self.txid = txid
        self.request = request
        self._coroutine = coroutine
        self._on_end = on_end
        self._begun = False
        self._cancel: Callable[[], object] | None = None

    @property
    def is_call(self) -> bool:
        """True where somebody waits for an answer."""
        return self.method.is_call

    def start(self, port: AsyncPort) -> None:
        """Run beside the others. Raises: BadState: the port is closed; then it was cancelled."""
        try:
            self._cancel = port.spawn(self._run(), self.method.selector)
        except BaseException:
            self.cancel()
            raise

    async def _run(self) -> None:
        if self._begun:  # cancelled before it could begin
            return
        self._begun = True
        try:
            value = await self._coroutine
        except BaseException as error:
            self._on_end(self, None, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._on_end(self, value, None)

    def cancel(self) -> None:
        """End the handler at its next wait, or at once where it has not begun.

        A task that is cancelled before its first step never runs its coroutine, which would be
        told of as never awaited, and nobody would get an answer.
        """
        if self._begun:
            if self._cancel is not None:
                self._cancel()
            return
        self._begun = True
        self._coroutine.close()
        self._on_end(self, None, GeneratorExit())
