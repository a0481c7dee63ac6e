"""CommandBuffer: many small commands, few messages.

    buffer = CommandBuffer(SINK_ENQUEUE, sink.enqueue)
    await buffer.add(PokeCommand(1, 2))
    result = await buffer.commit(sink.commit)

1. A message leaves before the next command would exceed its bytes, its handles or the vector's
   bound; and with `flush` or `commit`.
2. The buffer owns the handles of commands that have not left; `close` closes them.
3. Used by one task. A send that fails or is cancelled loses its commands: the server's state is
   unknown then, and the channel good for nothing but closing.
Source: FIDL API Rubric, "Command union" and "Feed-forward dataflow".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Self, TypeVar

from ipcrt.bindings.batch import Batch
from ipcrt.bindings.tables import OneWay, TwoWay

CommandT = TypeVar("CommandT")
ResultT = TypeVar("ResultT")

Sink = OneWay[Any] | TwoWay[Any, Any]


class _Buffer(Generic[CommandT]):
    """What both kinds of buffer share."""

    __slots__ = ("_batch", "_codec", "messages")

    def __init__(self, method: Sink) -> None:
        self._codec = method.request
        self._batch: Batch[CommandT] = Batch(method.request)
        self.messages: int = 0
        """How many messages have left."""

    def __len__(self) -> int:
        """Answer how many commands wait for the next message."""
        return len(self._batch)

    def close(self) -> None:
        """Drop the commands that have not left, and close their handles. Idempotent."""
        self._batch.discard()

    def _lost(self, commands: list[CommandT]) -> None:
        self._codec.discard(self._codec.type(commands))  # harmless for those that were moved

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class CommandBuffer(_Buffer[CommandT]):
    """Commands for an awaited proxy."""

    __slots__ = ("_send",)

    def __init__(self, method: Sink, send: Callable[[list[CommandT]], Awaitable[object]]) -> None:
        """`send` is the proxy's method for `method`. Raises: TypeError: see `Batch`."""
        super().__init__(method)
        self._send = send

    async def add(self, command: CommandT) -> None:
        """Take a command, and its handles; where it finds no room, the others leave first.

        Raises: as `Batch.add`, then it stays the caller's; what `send` raises, then it is lost.
        """
        while not self._batch.add(command):
            try:
                await self.flush()
            except BaseException:
                self._lost([command])
                raise

    async def flush(self) -> None:
        """Send what waits. Raises: what `send` raises."""
        commands = self._batch.take()
        if not commands:
            return
        try:
            await self._send(commands)
        except BaseException:
            self._lost(commands)
            raise
        self.messages += 1

    async def commit(self, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Send what waits, then call: the reply comes when all has been handled."""
        await self.flush()
        return await call()


class BlockingCommandBuffer(_Buffer[CommandT]):
    """Commands for a blocking proxy; see `CommandBuffer`."""

    __slots__ = ("_send",)

    def __init__(self, method: Sink, send: Callable[[list[CommandT]], object]) -> None:
        super().__init__(method)
        self._send = send

    def add(self, command: CommandT) -> None:
        while not self._batch.add(command):
            try:
                self.flush()
            except BaseException:
                self._lost([command])
                raise

    def flush(self) -> None:
        commands = self._batch.take()
        if not commands:
            return
        try:
            self._send(commands)
        except BaseException:
            self._lost(commands)
            raise
        self.messages += 1

    def commit(self, call: Callable[[], ResultT]) -> ResultT:
        self.flush()
        return call()
