"""Doorbells: event pairs through which a section's writer tells event loops of each value.

1. The writer keeps one end, a reader the other. A reader that is gone is dropped at the next ring;
   a writer that is gone is a PEER_CLOSED to its readers.
2. A reader that does not look costs one failed send a value, and a queue of bounded length.
"""

from __future__ import annotations

from typing import Final

from ipcrt.errors import NoResources, PeerClosed
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.handle import close_all

MAX_BELLS: Final = 256
"""Of one section; each costs a descriptor and, while a value is published, a system call."""


class Doorbells:
    """The writer's ends of one section. Not safe to use from two threads at once."""

    __slots__ = ("_bells",)

    def __init__(self) -> None:
        self._bells: list[EventPair] = []

    def __len__(self) -> int:
        return len(self._bells)

    def add(self) -> EventPair:
        """Answer the end for one more reader; the caller owns it.

        Raises: NoResources: no descriptors are free, or 256 readers have one.
        """
        if len(self._bells) >= MAX_BELLS:
            raise NoResources(f"a section has no more than {MAX_BELLS} doorbells")
        ours, theirs = EventPair.create()
        self._bells.append(ours)
        return theirs

    def ring(self) -> None:
        """Signal all readers, and forget those that are gone (rule 1)."""
        gone: list[EventPair] = []
        for bell in self._bells:
            try:
                bell.signal_peer()
            except PeerClosed:
                gone.append(bell)
        for bell in gone:
            self._bells.remove(bell)
        close_all(gone)

    def close(self) -> None:
        """Close all; their readers are told."""
        bells, self._bells = self._bells, []
        close_all(bells)
