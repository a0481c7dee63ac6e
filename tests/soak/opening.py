"""How actors find whom they need, and what they are told where that one is gone."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from ipcrt.errors import NotFound, PeerClosed, Unavailable
from ipcrt.locator.connect import BlockingProxyT, connect_blocking
from ipcrt.port.blocking import BlockingPort

GONE = (PeerClosed, Unavailable, NotFound)
"""What one is told when somebody was killed: it is gone, or not there yet."""

PATIENCE_S = 20.0
"""How long an actor waits for what never takes long, before it says so."""

BREATH_S = 0.005
"""How long those rest after each step who would leave no time to others."""


@contextmanager
def opened(proxy: type[BlockingProxyT]) -> Generator[BlockingProxyT, None, None]:
    """Open a protocol; the locator is left at once."""
    with BlockingPort() as port:
        with connect_blocking(port=port) as locator:
            found = locator.open(proxy)
        with found:
            yield found
