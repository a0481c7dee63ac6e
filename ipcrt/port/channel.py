"""AsyncChannel: a channel whose reads and writes can be awaited, and calls made on it.

1. A message is never lost to a cancelled reader: waking tells a task that something is there, and
   the task itself takes it out, without an await between.
2. Whoever is woken and does not take what it was woken for wakes the next.
3. A task that reads or writes without ever having to wait lets others run now and then.
Source: zx_channel_call; zx_channel_read; zx_channel_write.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Final, Self

from ipcrt.errors import BadState, Canceled, IpcError, ShouldWait
from ipcrt.objects.channel import Channel, Message
from ipcrt.objects.handle import Handle, Moved
from ipcrt.port.aport import AsyncPort
from ipcrt.port.calls import Calls
from ipcrt.port.signals import Signals, observe
from ipcrt.port.waiter import Waiter

_NEWS: Final = int(Signals.READABLE | Signals.PEER_CLOSED)
_FAIR_SHARE: Final = 64
"""Messages that a task may read or write in a row before others get a turn."""


class AsyncChannel:
    """A channel on a port; owns the channel.

    All timeouts are in seconds; None: for ever.
    """

    def __init__(self, channel: Channel, port: AsyncPort) -> None:
        """Move `channel` here.

        Raises: BadHandle: it is closed.
        """
        self._channel = Channel(channel.take(), channel.rights)
        self._port = port
        self._reading = False
        self._readers: collections.deque[Waiter[None]] = collections.deque()
        self._told = False
        self._calls = Calls()
        self._streak = 0
        self._share = 0 if port.strict else _FAIR_SHARE

    @property
    def channel(self) -> Channel:
        """The channel itself, still owned here."""
        return self._channel

    async def read(self, timeout: float | None = None) -> Message:
        """Await the oldest message; the caller owns its handles.

        Raises: PeerClosed: empty, peer gone. TimedOut. RemoteProtocolError. Canceled: closed or
        moved meanwhile. BadHandle: before.
        """
        until = None if timeout is None else self._port.until(timeout)
        self._streak += 1
        if self._streak > self._share:
            await self._let_others_run()
        while True:
            try:
                return self.read_nowait()
            except ShouldWait:
                pass
            await self._wait_readable(until)

    def read_nowait(self) -> Message:
        """Read the oldest message that is here and no reply to a call; see `Channel.read`."""
        message = self._calls.next_message(self._read)
        if self._calls.waiting:
            self._start_reading()  # it stops while too much is read ahead
        return message

    async def write(
        self,
        data: bytes | memoryview,
        handles: Iterable[Handle] = (),
        timeout: float | None = None,
    ) -> None:
        """Send one message, waiting while the peer's queue is full.

        The handles are moved at once and closed if the write fails, is cancelled or times out.
        Raises: PeerClosed, TimedOut, OutOfRange, and what `Channel.write` raises. Canceled: closed
        or moved meanwhile.
        """
        with Moved(handles) as moved:
            until = None if timeout is None else self._port.until(timeout)
            self._streak += 1
            if self._streak > self._share:
                await self._let_others_run()
            while True:
                try:
                    self._channel.write_moved(data, moved)
                except ShouldWait:
                    self._streak = 0
                    left = self._port.left(until)
                    await self.wait(Signals.WRITABLE | Signals.PEER_CLOSED, left)
                else:
                    return

    async def call(
        self,
        data: bytes,
        handles: Iterable[Handle] = (),
        timeout: float | None = None,
    ) -> Message:
        """Send a message and await the one with the same txid; the caller owns its handles.

        The first four bytes of `data` are replaced by a txid that no other call uses. While 64
        messages that are no replies wait to be read, replies wait behind them. `timeout` is for
        both ways together.
        Raises: PeerClosed, TimedOut, and what `write` raises; InvalidArgs: under four bytes;
        NoResources: too many earlier calls were given up. Source: zx_channel_call.
        """
        until = self._port.until(timeout)
        txid, request = self._calls.address(data)
        await self.write(request, handles, timeout)
        call = self._calls.start(txid, self._port.create_waiter())
        try:
            self._start_reading()
            await self._port.wait_result(call.waiter, self._port.left(until))
            return call.take()
        finally:
            self._calls.end(call)

    async def wait(self, signals: Signals, timeout: float | None = None) -> Signals:
        """Await one of `signals`; answer all that are up. Raises: TimedOut, Canceled."""
        return await self._port.wait_one(self._channel, signals, timeout)

    def into_channel(self) -> Channel:
        """Give the channel away; reads and calls that wait here end with Canceled.

        Raises: BadState: messages were read ahead while a call waited; `read` them first.
        """
        if self._calls.unread:
            raise BadState(f"{self._calls.unread} messages were read ahead; read them first")
        return Channel(self._channel.take(), self._channel.rights)

    def close(self) -> None:
        """Close the channel; reads and calls that wait end with Canceled. Idempotent."""
        self._channel.close()
        self._calls.close()

    def statistics(self) -> dict[str, int]:
        """Count tasks that read, calls in flight or given up, and messages read ahead."""
        return {
            "readers": len(self._readers),
            "calls": self._calls.waiting,
            "calls_given_up": self._calls.given_up,
            "unread_messages": self._calls.unread,
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    # ---- reading

    def _read(self) -> Message:
        return self._channel.read(self._port.receive_buffer)

    async def _let_others_run(self) -> None:
        """Give way, before anything is taken: a task may be cancelled here (rules 1 and 3)."""
        self._streak = 0
        await self._port.checkpoint()

    async def _wait_readable(self, until: float | None) -> None:
        self._streak = 0
        waiter: Waiter[None] = self._port.create_waiter()
        self._readers.append(waiter)
        try:
            self._start_reading()
            await self._port.wait_result(waiter, self._port.left(until))
        except BaseException:
            if waiter not in self._readers:
                self._wake_reader()  # rule 2
            else:
                self._readers.remove(waiter)
            raise

    def _start_reading(self) -> None:
        """Have the port call `_readable`; it stops by itself when nobody waits."""
        if not self._reading:
            self._port.add_reader(self._channel, self._readable, self._ended)
            self._reading = True

    def _stop_reading(self) -> None:
        self._port.remove_reader(self._channel)
        self._reading = False

    def _readable(self) -> None:
        """Something is there: find replies where calls wait, else wake one reader."""
        if self._calls.waiting:
            self._look_for_reply()
        elif not self._readers:
            self._stop_reading()
        elif self._told and self._port.late and not int(observe(self._channel)) & _NEWS:
            self._told = False  # the loop was late: the reader has taken it meanwhile
        else:
            self._wake_reader()

    def _look_for_reply(self) -> None:
        if self._calls.full:
            self._stop_reading()
            return
        try:
            self._calls.look(self._read)
        except ShouldWait:
            return
        except IpcError as error:
            self._calls.fail(error)
        else:
            if self._calls.unread:
                self._wake_reader()

    def _wake_reader(self) -> None:
        while self._readers:
            waiter = self._readers.popleft()
            if not waiter.done():
                waiter.set_result(None)
                self._told = True
                return

    def _ended(self) -> None:
        """Reading ended: the channel was closed or moved, or the port was closed."""
        self._reading = False
        error = Canceled("the channel, or its port, was closed, or the channel was moved")
        self._calls.fail(error)
        while self._readers:
            waiter = self._readers.popleft()
            if not waiter.done():
                waiter.set_exception(Canceled(str(error)))
