"""Accepting for plain threads: the names of `accepting`, with calls that block.

    with BlockingAccepting(client.open_handle("tcp-listen://127.0.0.1:8080"), port) as accepting:
        with accepting.accept() as data:
            ...

All timeouts are in seconds; None: for ever.
"""

from __future__ import annotations

import time
from typing import Self

from ipcrt.objects.handle import Handle
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.arrivals import Arrivals
from ipcrt.resources.blocking_data import BlockingDataChannel


class BlockingAccepting:
    """As `Accepting`; used on its port's thread."""

    __slots__ = ("_arrivals", "_port")

    def __init__(self, listener: Handle, port: BlockingPort) -> None:
        """As `Accepting`."""
        self._arrivals = Arrivals(listener, port)
        self._port = port

    def accept(self, *, timeout: float | None = None) -> BlockingDataChannel:
        """As `Accepting.accept`; Canceled, too, where another thread interrupts the port."""
        self._port.check_blocking(timeout)
        until = None if timeout is None else time.monotonic() + timeout
        while (channel := self._arrivals.take()) is None:
            left = None if until is None else max(0.0, until - time.monotonic())
            waiter = self._arrivals.wait()
            try:
                self._port.run_until(waiter, left, self._arrivals.connection)
            finally:
                self._arrivals.forget(waiter)
        return BlockingDataChannel(channel, self._port)

    def statistics(self) -> dict[str, int]:
        """See `Arrivals.statistics`."""
        return self._arrivals.statistics()

    def close(self) -> None:
        """As `Accepting.close`."""
        self._arrivals.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
