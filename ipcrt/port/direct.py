"""Direct: a reader that can wait for its own handle, and reads in the same system call.

A port that has nothing else to serve waits in it, and saves itself the poller.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class DirectReader(Protocol):
    """What a port may wait in. Used on the port's thread only."""

    received: int
    """Counts what has been read."""

    def nap(self) -> bool:
        """Sleep until something comes, and handle it; False: nothing came within PATIENCE_S.

        What a signal's handler raises comes out.
        """
        ...

    def spin(self, until: float) -> bool:
        """Look again and again, until then on the monotonic clock; else as `nap`."""
        ...


class Nappers(NamedTuple):
    """Whom a port may wait in, as long as nothing changes about what it watches."""

    always: DirectReader | None
    """Whoever is waited for."""
    awaited: frozenset[DirectReader]
    """Where just their message is waited for."""
    alone: bool
    """Nothing else is watched."""
