"""BlockingWaiter: a result that a plain thread waits for.

Where the extension is in use, `new_waiter` makes its own kind (`ipcrt/_speedups/waiting.c`).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final, Generic, TypeVar

from ipcrt._speedups.chosen import choose
from ipcrt.errors import BadState

T = TypeVar("T")


class BlockingWaiter(Generic[T]):
    """A result that `BlockingPort.run_until` waits for."""

    # Of the class, so that making one calls nothing.
    _done = False
    _error: BaseException | None = None
    _result: Any = None

    def set_result(self, result: T, /) -> None:
        self._done, self._result = True, result

    def set_exception(self, exception: BaseException, /) -> None:
        self._done, self._error = True, exception

    def done(self) -> bool:
        return self._done

    def result(self) -> T:
        """Answer the result or raise the error; the waiter must be done."""
        if self._error is not None:
            raise self._error
        result: T = self._result
        return result

    def abandon(self) -> None:
        """Nobody waits any more."""
        self._done = True

    def __await__(self) -> Generator[object, None, T]:
        raise BadState("a plain thread cannot await; use run_until")


new_waiter: Final = choose("waiter", BlockingWaiter)
"""Makes a BlockingWaiter, or its C twin."""
