"""Transaction: changes that a client prepares on a channel of their own; all happen, or none.

    class BasketServer(BasketServerBase):
        def __init__(self, changes: AbstractContextManager[Changes]) -> None:
            self._transaction = Transaction(changes)

        def add(self, items: list[Item]) -> None:
            self._transaction.changes.add(items)

        def commit(self) -> None:
            self._transaction.commit()

        def client_gone(self, reason: IpcError) -> None:
            self._transaction.abort(reason)

1. The context manager is entered at the start. `commit` leaves it as the end of a `with` block
   does; `abort` as an exception does. It is left exactly once.
2. There is no message to abort with: the client closes its end, or dies.
3. Whatever comes after the commit is `Misuse`.
Source: FIDL API Rubric, "Paginating writes", tear-off protocols.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from ipcrt.bindings.misuse import Misuse

T = TypeVar("T")


class Transaction(Generic[T]):
    """One client's changes, from their begin to their commit or abort."""

    __slots__ = ("_changes", "_context", "_over")

    def __init__(self, context: AbstractContextManager[T, bool | None]) -> None:
        """Enter `context`, which answers what the changes are prepared in."""
        self._context = context
        self._changes = context.__enter__()
        self._over = False

    @property
    def over(self) -> bool:
        """True once it was committed or aborted."""
        return self._over

    @property
    def changes(self) -> T:
        """What `__enter__` answered. Raises: Misuse: rule 3."""
        self._check()
        return self._changes

    def commit(self) -> None:
        """Make the changes happen. Raises: Misuse: rule 3; what leaving the context raises."""
        self._check()
        self._over = True
        self._context.__exit__(None, None, None)

    def abort(self, reason: BaseException) -> None:
        """Drop the changes, unless they have happened. Raises: what leaving the context raises."""
        if not self._over:
            self._over = True
            self._context.__exit__(type(reason), reason, reason.__traceback__)

    def _check(self) -> None:
        if self._over:
            raise Misuse("the transaction is over")
