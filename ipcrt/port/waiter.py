"""Waiter: one result that one task or thread waits for.

asyncio's and uvloop's own Future is one; trio and plain threads get theirs from their port.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Waiter(Protocol[T]):
    """A place for one result. Set it from the port's own thread only."""

    def set_result(self, result: T, /) -> None:
        """Wake the waiter with a value; it must not be done."""

    def set_exception(self, exception: BaseException, /) -> None:
        """Wake the waiter with an error; it must not be done."""

    def done(self) -> bool:
        """True once it has a result or an error, or its task has stopped waiting."""
        ...

    def __await__(self) -> Generator[object, None, T]: ...
