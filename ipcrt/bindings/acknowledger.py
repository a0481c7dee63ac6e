"""Acknowledger: the receiver's half of acknowledgements by number; `Window` is the sender's.

    def on_input(self, event: InputEvent, seq: int) -> None:
        self.acknowledger.receive(seq)

    if acknowledger.due:
        await view.notify_events_handled(acknowledger.acknowledge())

1. Numbers rise; one may be missing, since a message may have found no room.
2. A number further than `size` beyond the last one acknowledged, or one that does not rise, is
   `Misuse`: it closes the peer that sent it.
3. Acknowledging at half the window keeps a sender from stopping, at one message for many.
Source: FIDL API Rubric, "Throttle events using acknowledgements", View2.
"""

from __future__ import annotations

from typing import Final

from ipcrt.bindings.misuse import Misuse


class Acknowledger:
    """The numbers that have come, and which of them were acknowledged."""

    __slots__ = ("_acknowledged", "_received", "size")

    def __init__(self, size: int) -> None:
        """`size` is part of the contract: the other side has the same."""
        self.size: Final = size
        self._received = 0
        self._acknowledged = 0

    def receive(self, seq: int) -> None:
        """Note a message's number. Raises: Misuse: rule 2."""
        first, last = self._received + 1, self._acknowledged + self.size
        if not first <= seq <= last:
            raise Misuse(f"message {seq}, expected {first} to {last}")
        self._received = seq

    @property
    def outstanding(self) -> int:
        """How many numbers have come that are not acknowledged."""
        return self._received - self._acknowledged

    @property
    def due(self) -> bool:
        """True once half of the window is taken up."""
        return self.outstanding * 2 >= self.size

    def acknowledge(self) -> int:
        """Answer the number that acknowledges all that came; the caller sends it.

        Where none came since the last time there is nothing to send: look at `outstanding`.
        """
        self._acknowledged = self._received
        return self._acknowledged
