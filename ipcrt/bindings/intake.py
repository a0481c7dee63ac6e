"""Intake: the ways of a packet from a connection's socket to who takes its messages.

Where the extension is in use, a packet that is one message goes by `ipcrt/_speedups/intake.c`; all
others, and all without it, go through the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from ipcrt._speedups.chosen import choose
from ipcrt.bindings.reading import Messages


class Readable(Protocol):
    """As `Connection._readable`."""

    def __call__(self, found: Messages = None, /) -> None: ...


class Nap(Protocol):
    """As `Connection._nap`."""

    def __call__(self) -> bool: ...


class Ways(NamedTuple):
    """The ways into a connection, in the order that intake.c knows."""

    readable: Readable
    nap: Nap
    handle_some: Callable[[], None]


def _intake(
    ways: Ways, connection: object, read: Callable[[], Messages], max_body_bytes: int
) -> Ways | tuple[Readable, Nap, Callable[[], None]]:
    del connection, read, max_body_bytes
    return ways


make_intake: Final = choose("intake", _intake)
"""Answers the ways into a connection: by what `read` reads in C, or those that it is given."""
