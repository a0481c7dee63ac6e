"""Poller: the port's epoll instance; owns its descriptor.

Source: epoll_create1(2), epoll_ctl(2), epoll_wait(2).
"""

from __future__ import annotations

import select
from typing import Final

from ipcrt.errors import NotSupported, from_oserror

OUTSIDE: Final = -1
"""The mask of a descriptor that is not in the poller; zero still reports a hang-up."""

_EVENTS_PER_TURN: Final = 64
_LONGEST_SLEEP_S: Final = 86400.0
"""The kernel counts milliseconds in an int; whoever sleeps longer wakes once a day."""


class Poller:
    """Tells which of many descriptors are ready."""

    __slots__ = ("_epoll",)

    def __init__(self) -> None:
        """Raises: NoResources."""
        try:
            self._epoll = select.epoll()
        except OSError as error:
            raise from_oserror(error, "create a port") from error

    def fileno(self) -> int:
        """Lend the epoll descriptor's number: readable while `poll` has something to tell."""
        return self._epoll.fileno()

    def arm(self, fd: int, before: int, events: int) -> None:
        """Change the mask of `fd` from `before` to `events`; OUTSIDE: not in the poller.

        Leaving never fails: the number may be gone already.
        Raises: NotSupported: a file or a VMO, which has no signals. NoResources.
        """
        try:
            if events == OUTSIDE:
                self._leave(fd)
            elif before == OUTSIDE:
                self._enter(fd, events)
            else:
                self._epoll.modify(fd, events)
        except PermissionError:
            raise NotSupported("files and VMOs have no signals to wait for") from None
        except OSError as error:
            raise from_oserror(error, "wait for a handle") from error

    def _enter(self, fd: int, events: int) -> None:
        try:
            self._epoll.register(fd, events)
        except FileExistsError:  # closed behind our back, while a duplicate keeps it alive
            self._epoll.modify(fd, events)

    def _leave(self, fd: int) -> None:
        try:
            self._epoll.unregister(fd)
        except OSError:
            return

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        """Sleep up to `timeout` seconds (negative: for ever); answer descriptors and events."""
        return self._epoll.poll(min(timeout, _LONGEST_SLEEP_S), _EVENTS_PER_TURN)

    def close(self) -> None:
        """Give the descriptor back; idempotent."""
        self._epoll.close()
