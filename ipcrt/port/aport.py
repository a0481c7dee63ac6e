"""The port of an event loop: what asyncio, uvloop and trio have in common.

`open_port` is the way in:

    async with open_port() as port:
        channel = AsyncChannel(end, port)
        await channel.read()

1. Whatever is awaited here ends when the port closes, with Canceled.
2. A task that is cancelled takes its waiters, keys and deadlines with it, and passes on what it
   was woken for.
"""

from __future__ import annotations

import collections
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Protocol, TypeVar

from ipcrt.errors import BadState, Canceled, InvalidArgs, NotSupported, TimedOut
from ipcrt.objects.handle import Handle
from ipcrt.port import busy_poll
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.signals import Signals, observe
from ipcrt.port.waiter import Waiter

T = TypeVar("T")


class Rest(Protocol):
    """What is left of a coroutine that waits for the first time; it goes on by itself."""

    def then(
        self, name: str, on_end: Callable[[Any, BaseException | None], None]
    ) -> Callable[[], object]:
        """Have `on_end(value, error)` told how it ends; answer what cancels it."""
        ...


class AsyncPort(Port):
    """A port whose waits are awaited. One for each event loop; made by `open_port`.

    All timeouts are in seconds; None: for ever; zero: look once.
    """

    strict: ClassVar[bool] = False
    """True where whatever is awaited must let others run, even when it need not wait."""

    late: bool = False
    """True where the loop may tell of news that a task has taken since the loop looked."""

    step: Callable[[Coroutine[Any, Any, Any]], Rest | None] | None = None
    """Runs a coroutine until its first wait, as `Stepper.step` does; None where none can."""

    def __init__(self) -> None:
        super().__init__()
        self._takers: collections.deque[Waiter[None]] = collections.deque()
        self._waiters: set[Waiter[Any]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> Callable[[], object]:
        """Run a coroutine beside the others; it ends at the latest with the port.

        Answers what cancels it; cancelling one that has ended does nothing. An exception that it
        lets out is logged, and ends only the coroutine. Raises: BadState: the port is closed.
        """
        raise NotImplementedError

    async def checkpoint(self) -> None:
        """Let others run."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Cancel the coroutines that were spawned, wait for them, then close."""
        raise NotImplementedError

    # ---- waits

    async def wait(self, timeout: float | None = None) -> Packet:
        """Sleep until a packet is there, and take it.

        Raises: TimedOut; Canceled: the port was closed meanwhile; BadState. Source: zx_port_wait.
        """
        self._check()
        until = self.until(timeout)
        if self.strict:
            await self.checkpoint()
        packet = self._router.take()
        while packet is None:
            await self._wait_packet(until)
            packet = self._router.take()
        return packet

    async def _wait_packet(self, until: float | None) -> None:
        waiter: Waiter[None] = self.create_waiter()
        self._takers.append(waiter)
        try:
            await self.wait_result(waiter, self.left(until))
        except BaseException:
            if waiter in self._takers:
                self._takers.remove(waiter)
            self._packet_queued()  # rule 2: it may have been woken for a packet
            raise

    async def wait_one(
        self, handle: Handle, signals: Signals, timeout: float | None = None
    ) -> Signals:
        """Await one of `signals` on `handle`; answer all that are up.

        Raises: TimedOut; Canceled: the handle or the port was closed meanwhile; and what
        `wait_async` raises. Source: zx_object_wait_one.
        """
        return (await self.wait_many([(handle, signals)], timeout))[0]

    async def wait_many(
        self, items: Sequence[tuple[Handle, Signals]], timeout: float | None = None
    ) -> list[Signals]:
        """Await one of the handles; answer what came up on each, nothing for the others.

        Raises: InvalidArgs: no handles; else as `wait_one`. Source: zx_object_wait_many.
        """
        if not items:
            raise InvalidArgs("wait_many needs at least one handle")
        self._check()
        if timeout is not None and timeout <= 0:
            await self.checkpoint()
            return _look_once(items, TimedOut(f"none of {len(items)} handles is signaled"))
        found = [Signals.NONE] * len(items)
        try:
            await self._wait_armed(items, found, timeout)
        except TimedOut as error:
            return _look_once(items, error)  # the news may be behind others in the poller
        if any(signals & Signals.HANDLE_CLOSED for signals in found):
            raise Canceled("a handle, or the port, was closed while it was waited for")
        return found

    async def _wait_armed(
        self, items: Sequence[tuple[Handle, Signals]], found: list[Signals], timeout: float | None
    ) -> None:
        waiter: Waiter[None] = self.create_waiter()
        first = self.new_key()
        keys = [first, *(self.new_key() for _ in items[1:])]

        def receive(packet: Packet) -> None:
            found[packet.key - first] = packet.signals
            if not waiter.done():
                waiter.set_result(None)

        try:
            for (handle, signals), key in zip(items, keys, strict=True):
                self.bind(key, receive)
                self.wait_async(handle, key, signals)
            await self.wait_result(waiter, timeout)
        finally:
            for (handle, _), key, signals in zip(items, keys, found, strict=True):
                self.unbind(key)
                if not signals and not handle.closed:
                    self.cancel(handle, key)

    async def wait_result(self, waiter: Waiter[T], timeout: float | None = None) -> T:
        """Await `waiter`; after `timeout` seconds it fails with TimedOut instead.

        Raises: Canceled: the port was closed meanwhile. BadState: another thread's.
        """
        self._check()
        self._waiters.add(waiter)
        if timeout is None:
            try:
                return await waiter
            finally:
                self._waiters.discard(waiter)

        def expire() -> None:
            if not waiter.done():
                waiter.set_exception(TimedOut(f"not done within {timeout} seconds"))

        token = self.deadlines.add(timeout, expire)
        try:
            return await waiter
        finally:
            self.deadlines.drop(token)
            self._waiters.discard(waiter)

    async def sleep(self, seconds: float) -> None:
        """Do nothing for at least `seconds`. Raises: Canceled: the port was closed meanwhile."""
        self._check()
        waiter: Waiter[None] = self.create_waiter()

        def wake() -> None:
            if not waiter.done():
                waiter.set_result(None)

        token = self.deadlines.add(seconds, wake)
        try:
            await self.wait_result(waiter)
        finally:
            self.deadlines.drop(token)

    # ---- deadlines of what waits several times

    def until(self, timeout: float | None) -> float | None:
        """Answer when `timeout` seconds from now are over, on `clock`; None for never."""
        return None if timeout is None else self.clock() + timeout

    def left(self, until: float | None) -> float | None:
        """Answer how many seconds are left until then; None for any number."""
        return None if until is None else max(0.0, until - self.clock())

    # ---- life

    def _packet_queued(self) -> None:
        """Wake one of those who wait in the port, if there is something for them."""
        while self._takers and self._router.queued:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                return

    def _stop_serving(self) -> None:
        super()._stop_serving()
        for waiter in list(self._waiters):  # rule 1
            if not waiter.done():
                waiter.set_exception(Canceled("the port was closed"))

    def statistics(self) -> dict[str, int]:
        """Count what the port holds, and the tasks' waits in it."""
        return super().statistics() | {"waiters": len(self._waiters)}


def _look_once(items: Sequence[tuple[Handle, Signals]], otherwise: TimedOut) -> list[Signals]:
    """Answer what is up on each handle, if that is enough; else raise."""
    found = [observe(handle, wanted) for handle, wanted in items]
    if any(up & wanted for up, (_, wanted) in zip(found, items, strict=True)):
        return found
    raise otherwise


@asynccontextmanager
async def open_port(busy_poll_us: int | None = None) -> AsyncGenerator[AsyncPort, None]:
    """Make the port of the event loop that runs here: asyncio, uvloop or trio.

    Leaving the context cancels what `spawn` started, waits for it, and closes the port.

    `busy_poll_us`: look for an expected message for so many microseconds before the loop sleeps;
    None: as IPCRT_BUSY_POLL_US says, else not at all. See `ipcrt.port.busy_poll`. On trio the
    variable is ignored: each of its turns has a task switch, which costs more than spinning saves.
    Raises: BadState: no event loop runs here; a plain thread makes a `BlockingPort`. InvalidArgs:
    not a number of microseconds. NotSupported: busy-poll is asked for on trio.
    """
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        from ipcrt.port.trio_port import open_trio_port

        if busy_poll_us and busy_poll.busy_poll_us(busy_poll_us):
            raise NotSupported("a port on trio does not busy-poll; leave busy_poll_us out")
        async with open_trio_port() as trio_port:
            yield trio_port
        return
    from ipcrt.port.asyncio_port import AsyncioPort

    try:
        port = AsyncioPort(busy_poll_us)
    except RuntimeError:
        raise BadState("no event loop runs here; a plain thread makes a BlockingPort") from None
    try:
        yield port
    finally:
        await port.aclose()
