"""Identifiers: numbers that a client gives to what its server keeps for it.

    image = identifiers.allocate()
    await canvas.upload_image(image, data)      # and on with it at once, nothing is waited for
    await canvas.paint_image(image, 10, 20)

Valid on one connection only. Zero is never one, and none says anything about addresses. `free`
before or after the message that discards the object: they arrive in order.
Source: FIDL API Rubric, "Client-assigned identifiers". The server's half is `IdentifierTable`.
"""

from __future__ import annotations

from typing import Final

from ipcrt.errors import NoResources, NotFound


class Identifiers:
    """The numbers in use on one connection."""

    __slots__ = ("_last", "_limit", "_most", "_used")

    def __init__(self, bits: int = 32, *, limit: int | None = None) -> None:
        """`limit`: how many the server keeps at once, where its contract says so."""
        self._most: Final = (1 << bits) - 1
        self._limit: Final = self._most if limit is None else min(limit, self._most)
        self._last = 0
        self._used: set[int] = set()

    def allocate(self) -> int:
        """Answer a number that is not in use; one that was freed comes again as late as possible.

        Raises: NoResources: as many as the limit allows are in use.
        """
        if len(self._used) >= self._limit:
            raise NoResources(f"{self._limit} identifiers are in use, the limit")
        while True:
            self._last = self._last + 1 if self._last < self._most else 1
            if self._last not in self._used:
                self._used.add(self._last)
                return self._last

    def free(self, identifier: int) -> None:
        """Give a number back. Raises: NotFound: it is not in use."""
        if identifier not in self._used:
            raise NotFound(f"identifier {identifier} is not in use")
        self._used.discard(identifier)

    def __len__(self) -> int:
        return len(self._used)
