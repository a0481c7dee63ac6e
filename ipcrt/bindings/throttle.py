"""Throttle: the sender's half of flow control by grants; `Allowance` is the receiver's.

    def client_came(self, binding: ServerBinding[Scanner]) -> None:
        self._throttle, self._events = Throttle(limit=64), ScannerEventSender(binding)

    def grant(self, count: int) -> None:
        self._throttle.grant(count)

    def client_gone(self, reason: IpcError) -> None:
        self._throttle.close(reason)

    async def _scan(self) -> None:                 # a task of the server's own
        await self._throttle.take_wait(self._port)
        await self._events.on_found_wait(...)

1. Each message takes one of what the peer has granted; where nothing is left, the sender waits.
2. Those who wait are served in their order. One that is cancelled passes on what it was given.
3. A bounded answer is one grant: the request grants its bound, and `finish` takes back the rest.
Source: FIDL API Rubric, "Throttle events using acknowledgements" and "Throttle push".
"""

from __future__ import annotations

import collections
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from ipcrt.bindings.errors import again
from ipcrt.bindings.misuse import Misuse
from ipcrt.errors import IpcError, ShouldWait, Status
from ipcrt.port.aport import AsyncPort
from ipcrt.port.waiter import Waiter


class Throttle:
    """What the peer has granted and nobody has taken. Used on one thread."""

    __slots__ = ("_closed", "_given", "_left", "_limit", "_line")

    def __init__(self, *, limit: int, granted: int = 0) -> None:
        """`limit`: how much the peer may have granted beyond what is taken."""
        self._limit: Final = limit
        self._left = granted
        self._line: collections.deque[Waiter[None]] = collections.deque()
        self._given: set[Waiter[None]] = set()
        self._closed: IpcError | None = None

    @property
    def left(self) -> int:
        """How many messages may be sent now."""
        return self._left

    def grant(self, count: int) -> None:
        """Allow `count` messages more. Raises: Misuse: none at all, or beyond the limit."""
        if count < 1:
            raise Misuse(f"a grant of {count}", Status.INVALID_ARGS)
        if self._left + count > self._limit:
            total = self._left + count
            raise Misuse(f"{total} granted and not used exceed {self._limit}", Status.OUT_OF_RANGE)
        self._add(count)

    def take(self) -> None:
        """Use one grant. Raises: ShouldWait: none is left. And what `close` was given."""
        if self._closed is not None:
            raise again(self._closed)
        if not self._left:  # and where something is left, nobody waits
            raise ShouldWait("the peer has granted no more")
        self._left -= 1

    async def take_wait(self, port: AsyncPort) -> None:
        """Use one grant, waiting for it.

        Raises: what `close` was given. Canceled: the port was closed meanwhile.
        """
        if port.strict:
            await port.checkpoint()
        try:
            self.take()
        except ShouldWait:
            await self._wait(port)

    async def _wait(self, port: AsyncPort) -> None:
        waiter: Waiter[None] = port.create_waiter()
        self._line.append(waiter)
        try:
            await port.wait_result(waiter)
        except BaseException:
            if waiter in self._given:  # rule 2
                self._add(1)
            raise
        finally:
            self._given.discard(waiter)
            if waiter in self._line:
                self._line.remove(waiter)

    @asynccontextmanager
    async def slot(self, port: AsyncPort) -> AsyncGenerator[None, None]:
        """Hold one grant while a call is in flight, and give it back.

        With `granted=N` it keeps N acknowledged calls in flight at most.
        """
        await self.take_wait(port)
        try:
            yield
        finally:
            self._add(1)

    def finish(self) -> None:
        """Give up what is left of a bounded answer (rule 3); who waits goes on waiting."""
        self._left = 0
        self._given.clear()

    def close(self, error: IpcError) -> None:
        """End all waits, and refuse later ones, with `error`: the peer is gone. Idempotent."""
        if self._closed is not None:
            return
        self._closed = error
        line, self._line = self._line, collections.deque()
        for waiter in line:
            if not waiter.done():
                waiter.set_exception(again(error))

    def statistics(self) -> dict[str, int]:
        """Count what is granted and those who wait."""
        return {"left": self._left, "waiting": len(self._line)}

    def _add(self, count: int) -> None:
        self._left += count
        while self._left and self._line:
            waiter = self._line.popleft()
            if not waiter.done():
                self._left -= 1
                self._given.add(waiter)
                waiter.set_result(None)
