"""Owning: a session that owns what its handler has opened, also where it is never begun.

Between the handler's answer and the session's first step the client may go, or the port close: then
nobody calls the session. It gives back what it owns when it is dropped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ipcrt.resources.data import DataChannel


class Owning:
    """Serves one data channel with `serve`, and calls `close` once, whatever happens."""

    __slots__ = ("_close", "_serve")

    def __init__(
        self, serve: Callable[[DataChannel], Awaitable[object]], close: Callable[[], object]
    ) -> None:
        self._serve = serve
        self._close: Callable[[], object] | None = close

    async def __call__(self, data: DataChannel) -> None:
        try:
            await self._serve(data)
        finally:
            self._give_back()

    def _give_back(self) -> None:
        close, self._close = self._close, None
        if close is not None:
            close()

    def __del__(self) -> None:
        self._give_back()
