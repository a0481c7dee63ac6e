"""Allowance: the receiver's half of flow control by grants; `Throttle` is the sender's.

    class Listener:
        def __init__(self) -> None:
            self.allowance = Allowance()

        def on_found(self, name: str) -> None:
            self.allowance.receive()

    await scanner.grant(listener.allowance.grant(8))

1. What is granted is noted before it is told, so a peer that obeys is never found guilty.
2. A message beyond it is `Misuse`, which closes the peer that sent it, and no other.
Source: FIDL API Rubric, "Throttled event pattern": clients close a server that sends more.
"""

from __future__ import annotations

from ipcrt.bindings.misuse import Misuse
from ipcrt.errors import InvalidArgs


class Allowance:
    """How many messages the peer may still send."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = 0

    @property
    def left(self) -> int:
        """How many more the peer may send."""
        return self._left

    def grant(self, count: int) -> int:
        """Note a grant that is about to be sent, and answer it. Raises: InvalidArgs: below 1."""
        if count < 1:
            raise InvalidArgs(f"a grant of {count}")
        self._left += count
        return count

    def receive(self) -> None:
        """Note a message. Raises: Misuse: more than was granted."""
        if not self._left:
            raise Misuse("a message beyond what was granted")
        self._left -= 1

    def finish(self) -> None:
        """The peer has said that its answer is done: nothing more may come of it."""
        self._left = 0
