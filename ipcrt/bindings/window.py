"""Window: the sender's half of acknowledgements by number; `Acknowledger` is the receiver's.

    seq = await self._window.next_wait(port)
    await self._events.on_input_wait(event, seq)

    def notify_events_handled(self, last_seq: int) -> None:
        self._window.acknowledge(last_seq)

1. Each message has a number, from 1 on, across all kinds of messages that share the window.
2. At most `size` numbers are given out beyond the last one acknowledged; both sides know how many.
3. One acknowledgement covers all numbers up to its own. One for a number that was not sent, or
   was acknowledged before, is `Misuse`.
Source: FIDL API Rubric, "Throttle events using acknowledgements", View2.
"""

from __future__ import annotations

from typing import Final

from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.throttle import Throttle
from ipcrt.errors import IpcError
from ipcrt.port.aport import AsyncPort


class Window:
    """The numbers that are sent and not acknowledged. Used on one thread."""

    __slots__ = ("_acknowledged", "_room", "_sent", "size")

    def __init__(self, size: int) -> None:
        """`size` is part of the contract: the other side has the same."""
        self.size: Final = size
        self._room = Throttle(limit=size, granted=size)
        self._sent = 0
        self._acknowledged = 0

    @property
    def outstanding(self) -> int:
        """How many numbers are not acknowledged."""
        return self._sent - self._acknowledged

    def next(self) -> int:
        """Answer the next message's number. Raises: ShouldWait: the window is full."""
        self._room.take()
        return self._count()

    async def next_wait(self, port: AsyncPort) -> int:
        """Answer the next message's number, waiting while the window is full.

        Raises: what `close` was given. Canceled: the port was closed meanwhile.
        """
        await self._room.take_wait(port)
        return self._count()

    def _count(self) -> int:
        self._sent += 1
        return self._sent

    def acknowledge(self, last_seq: int) -> None:
        """The peer has handled all up to `last_seq`. Raises: Misuse: rule 3."""
        if not self._acknowledged < last_seq <= self._sent:
            raise Misuse(
                f"{last_seq} acknowledged, not one of {self._acknowledged + 1} to {self._sent}"
            )
        count, self._acknowledged = last_seq - self._acknowledged, last_seq
        self._room.grant(count)

    def close(self, error: IpcError) -> None:
        """End all waits, and refuse later ones, with `error`: the peer is gone. Idempotent."""
        self._room.close(error)

    def statistics(self) -> dict[str, int]:
        """Count what is not acknowledged, and those who wait for room."""
        return {"outstanding": self.outstanding, "waiting": self._room.statistics()["waiting"]}
