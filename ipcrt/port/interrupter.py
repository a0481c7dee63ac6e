"""Interrupter: ends waits that need no port.

    interrupter = Interrupter()
    wait_one(event, Signals.SIGNALED, interrupter=interrupter)    # in one thread
    interrupter.interrupt()                                       # in another

Source: eventfd(2).
"""

from __future__ import annotations

from typing import Self

from ipcrt.port.interrupts import Waits
from ipcrt.port.mailbox import Mailbox


class Interrupter:
    """Ends the waits that are given it; owns an eventfd once there was one."""

    __slots__ = ("_bell", "waits")

    def __init__(self) -> None:
        self._bell: Mailbox | None = None
        self.waits = Waits(self._ring)

    def interrupt(self) -> bool:
        """End the innermost of its waits with Canceled; False: none goes on. From any thread."""
        return self.waits.interrupt()

    def fileno(self) -> int:
        """Lend what becomes readable when a wait is interrupted. Raises: NoResources."""
        if self._bell is None:
            self._bell = Mailbox()
        return self._bell.fileno()

    def hush(self) -> None:
        """Have it readable no more."""
        if self._bell is not None:
            self._bell.begin()

    def _ring(self) -> None:
        if self._bell is not None:
            self._bell.ring()

    def close(self) -> None:
        """Give the eventfd back; idempotent."""
        bell, self._bell = self._bell, None
        if bell is not None:
            bell.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
