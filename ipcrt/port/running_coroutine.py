"""A coroutine that an executor runs on its loop, until it ends or is aborted.

Used on the loop's own thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from ipcrt.errors import Canceled
from ipcrt.port.aport import AsyncPort
from ipcrt.port.spawned import Spawned

T = TypeVar("T")


class RunningCoroutine(Generic[T]):
    """Drives one coroutine, and tells `spawned` how it ended."""

    __slots__ = ("_aborted", "_cancel", "_coroutine", "_running", "_spawned")

    def __init__(self, coroutine: Coroutine[Any, Any, T], spawned: Spawned[T]) -> None:
        self._coroutine = coroutine
        self._spawned = spawned
        self._cancel: Callable[[], object] | None = None
        self._running = False
        self._aborted = False

    def start(self, port: AsyncPort) -> None:
        """Have the loop run it; where the port is closed, it ends with Canceled."""
        if self._aborted:
            self.drop()
            return
        try:
            self._cancel = port.spawn(self._drive(), self._spawned.name)
        except Exception as error:  # noqa: BLE001  (it is whoever waits that wants to know)
            self.drop(error)

    def abort(self) -> None:
        """Cancel it: at its next wait, or before its first step."""
        self._aborted = True
        # A task that is cancelled before its first step would never run, and never tell.
        if self._running and self._cancel is not None:
            self._cancel()

    def drop(self, reason: Exception | None = None) -> None:
        """End it unrun, with Canceled."""
        self._coroutine.close()
        why = "aborted before it ran" if reason is None else f"not started: {reason}"
        self._spawned.fail(Canceled(f"{self._spawned.name!r} was {why}"))

    async def _drive(self) -> None:
        self._running = True
        if self._aborted:
            self.drop()
            return
        try:
            value = await self._coroutine
        except Exception as error:  # noqa: BLE001  (it is whoever waits that wants to know)
            self._spawned.fail(error)
        except BaseException:
            self._spawned.fail(Canceled(f"{self._spawned.name!r} was aborted"))
            raise
        else:
            self._spawned.succeed(value)
