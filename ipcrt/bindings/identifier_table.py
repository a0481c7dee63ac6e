"""IdentifierTable: what a server keeps for one client, under numbers that the client chose.

    def upload_image(self, image_id: int, image: Image) -> None:
        self._images.add(image_id, image)

A client knows what it has allocated. So a number that is zero, taken or unknown, or one too many,
is `Misuse`: it closes the client, and no reply has to say so.
Source: FIDL API Rubric, "Client-assigned identifiers" and "Feed-forward dataflow".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from ipcrt.bindings.misuse import Misuse
from ipcrt.errors import Status

T = TypeVar("T")


class IdentifierTable(Generic[T]):
    """One client's objects by their numbers; a handle among them is the caller's to close."""

    __slots__ = ("_limit", "_name", "_objects")

    def __init__(self, name: str, *, limit: int) -> None:
        """`name` is what the objects are called; `limit` how many the contract allows at once."""
        self._name: Final = name
        self._limit: Final = limit
        self._objects: dict[int, T] = {}

    def check(self, identifier: int) -> None:
        """Refuse a number that `add` would refuse: before something is made for it.

        Raises: Misuse: zero, taken, or one too many.
        """
        if not identifier:
            raise Misuse(f"{self._name} 0 cannot be", Status.INVALID_ARGS)
        if identifier in self._objects:
            raise Misuse(f"{self._name} {identifier} is there already", Status.ALREADY_EXISTS)
        if len(self._objects) >= self._limit:
            raise Misuse(
                f"{self._name} {identifier} beside {self._limit}, the limit", Status.NO_RESOURCES
            )

    def add(self, identifier: int, value: T) -> None:
        """Keep `value` under a new number. Raises: Misuse: as `check`; the value stays."""
        self.check(identifier)
        self._objects[identifier] = value

    def get(self, identifier: int) -> T:
        """Answer what is kept. Raises: Misuse: unknown."""
        try:
            return self._objects[identifier]
        except KeyError:
            raise self._unknown(identifier) from None

    def replace(self, identifier: int, value: T) -> T:
        """Keep another value under a known number, and answer the old. Raises: Misuse: unknown."""
        old = self.get(identifier)
        self._objects[identifier] = value
        return old

    def remove(self, identifier: int) -> T:
        """Forget a number, and answer what was kept. Raises: Misuse: unknown."""
        try:
            return self._objects.pop(identifier)
        except KeyError:
            raise self._unknown(identifier) from None

    def clear(self) -> list[T]:
        """Forget all, and answer what was kept: the client has gone."""
        objects, self._objects = self._objects, {}
        return list(objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, identifier: int) -> bool:
        return identifier in self._objects

    def __iter__(self) -> Iterator[int]:
        """Go over the numbers in the order in which they came."""
        return iter(list(self._objects))

    def _unknown(self, identifier: int) -> Misuse:
        return Misuse(f"{self._name} {identifier} is not there", Status.NOT_FOUND)
