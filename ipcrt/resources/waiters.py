"""Waiters: who waits for the same news, and is woken together."""

from __future__ import annotations

from collections.abc import Callable

from ipcrt.bindings.errors import again
from ipcrt.errors import IpcError
from ipcrt.port.waiter import Waiter


class Waiters:
    """Those who wait; whoever is woken is one of them no more."""

    __slots__ = ("_create", "_waiting")

    def __init__(self, create: Callable[[], Waiter[None]]) -> None:
        """`create` makes what a task or thread of the port can wait for."""
        self._create = create
        self._waiting: list[Waiter[None]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self) -> Waiter[None]:
        """Answer what is done when there is news."""
        waiter = self._create()
        self._waiting.append(waiter)
        return waiter

    def forget(self, waiter: Waiter[None]) -> None:
        """Nobody waits for it any more."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def wake(self, error: IpcError | None = None) -> None:
        """Wake all, with an error of their own each if there is one."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(again(error))
