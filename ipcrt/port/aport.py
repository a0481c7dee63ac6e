"""The port of an event loop: what asyncio, uvloop and trio have in common.

`open_port` is the way in:

    async with open_port() as port:
        channel = AsyncChannel(end, port)
        await channel.read()
"""

from __future__ import annotations

import collections
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from ipcrt.errors import BadState, Canceled, TimedOut
from ipcrt.objects.handle import Handle
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.signals import Signals
from ipcrt.port.waiter import Waiter
from ipcrt.port.watch import Wait

T = TypeVar("T")


class AsyncPort(Port):
    """A port whose waits are awaited. One for each event loop; made by `open_port`."""

    def __init__(self) -> None:
        super().__init__()
        self._takers: collections.deque[Waiter[None]] = collections.deque()

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        """Run a coroutine beside the others; it ends at the latest with the port.

        An exception that it lets out is logged, and ends only the coroutine.
        """
        raise NotImplementedError

    async def wait(self, timeout: float | None = None) -> Packet:
        """Sleep until a packet is there, and take it. `timeout` in seconds, None: for ever.

        Raises: TimedOut, BadState. Source: zx_port_wait.
        """
        self._check()
        while (packet := self._take_packet()) is None:
            waiter: Waiter[None] = self.create_waiter()
            self._takers.append(waiter)
            try:
                await self.wait_result(waiter, timeout)
            finally:
                if waiter in self._takers:
                    self._takers.remove(waiter)
        return packet

    async def wait_one(
        self, handle: Handle, signals: Signals, timeout: float | None = None
    ) -> Signals:
        """Await one of `signals` on `handle`; answer all that are up.

        Raises: TimedOut; Canceled: the handle was closed or moved meanwhile; BadHandle.
        Source: zx_object_wait_one.
        """
        return (await self.wait_many([(handle, signals)], timeout))[0]

    async def wait_many(
        self, items: list[tuple[Handle, Signals]], timeout: float | None = None
    ) -> list[Signals]:
        """Await one of the handles; answer what came up on each, nothing for the others.

        Raises: as `wait_one`. Source: zx_object_wait_many.
        """
        waiter: Waiter[None] = self.create_waiter()
        found = [Signals.NONE] * len(items)
        keys = [self.new_key() for _ in items]

        def receive(packet: Packet) -> None:
            found[packet.key - keys[0]] = packet.signals
            if not waiter.done():
                waiter.set_result(None)

        armed: list[tuple[Handle, int]] = []
        try:
            for (handle, signals), key in zip(items, keys, strict=True):
                self.bind(key, receive)
                self.wait_async(handle, key, signals)
                armed.append((handle, key))
            await self.wait_result(waiter, timeout)
        finally:
            for key in keys:
                self.unbind(key)
            for handle, key in armed:
                if not handle.closed:
                    self.cancel(handle, key)
        if any(signals & Signals.HANDLE_CLOSED for signals in found):
            raise Canceled("a handle was closed or moved while it was waited for")
        return found

    async def wait_result(self, waiter: Waiter[T], timeout: float | None = None) -> T:
        """Await `waiter`; after `timeout` seconds it fails with TimedOut instead."""
        if timeout is None:
            return await waiter

        def expire() -> None:
            if not waiter.done():
                waiter.set_exception(TimedOut(f"not done within {timeout} seconds"))

        token = self.deadlines.add(timeout, expire)
        try:
            return await waiter
        finally:
            self.deadlines.drop(token)

    def deliver(self, packet: Packet, wait: Wait | None = None) -> bool:
        queued = super().deliver(packet, wait)
        while queued and self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                break
        return queued

    async def aclose(self) -> None:
        """End the coroutines that were spawned, wait for them, then close."""
        raise NotImplementedError


@asynccontextmanager
async def open_port() -> AsyncIterator[AsyncPort]:
    """Make the port of the event loop that runs here: asyncio, uvloop or trio.

    Leaving the context cancels what `spawn` started, waits for it, and closes the port.
    Raises: BadState: no event loop runs here; a plain thread makes a `BlockingPort`.
    """
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        from ipcrt.port.trio_port import open_trio_port

        async with open_trio_port() as port:
            yield port
        return
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:  # noqa: SLF001
        raise BadState("no event loop runs here; a plain thread makes a BlockingPort")
    from ipcrt.port.asyncio_port import AsyncioPort

    asyncio_port = AsyncioPort()
    try:
        yield asyncio_port
    finally:
        await asyncio_port.aclose()
