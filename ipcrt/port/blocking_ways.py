"""The ways through a blocking port: how a plain thread waits for one result, and for anything.

Where the extension is in use, a thread that may nap does so in `ipcrt/_speedups/waiting.c`; every
other wait, and all without it, goes through the port.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, TypeVar

from ipcrt._speedups.chosen import choose
from ipcrt.port.direct import DirectReader
from ipcrt.port.fork import FORKS
from ipcrt.port.interrupts import SCOPE, interrupted
from ipcrt.port.loop_here import loop_runs_here
from ipcrt.port.mailbox import Mailbox
from ipcrt.port.waiter import Waiter

T = TypeVar("T")


class Finish(Protocol):
    """As `BlockingPort._finish`."""

    def __call__(
        self, waiter: Waiter[T], timeout: float | None = None, reader: DirectReader | None = None
    ) -> T: ...


class Dispatch(Protocol):
    """As `Port.dispatch`."""

    def __call__(self, timeout: float = 0) -> None: ...


class Ways(NamedTuple):
    """In the order that waiting.c knows."""

    finish: Finish
    dispatch: Dispatch


class Surroundings(NamedTuple):
    """What a wait depends on besides its port, in the order that waiting.c knows."""

    going: dict[object, None]
    mailbox: Mailbox
    forks: object = FORKS
    scope: object = SCOPE
    interrupted: Callable[[], Exception] = interrupted
    loop_runs_here: Callable[[], bool] = loop_runs_here


def _ways(ways: Ways, port: object, around: Surroundings) -> Ways | tuple[Finish, Dispatch]:
    del port, around
    return ways


make_ways: Final = choose("ways", _ways)
"""Answers the ways through a port: by waiting.c where they are usual, or those it is given."""
