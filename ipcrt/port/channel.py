"""AsyncChannel: a channel whose reads and writes can be awaited, and calls made on it.

A message is never lost to a cancelled reader: waking tells a task that something is there, and
the task itself takes it out, without an await between. Replies are told apart by their first
four bytes, the txid, as zx_channel_call does; all other messages are left to `read`.
Source: zx_channel_call; zx_channel_read; zx_channel_write.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable
from typing import Final, Self

from ipcrt.errors import BadState, Canceled, InvalidArgs, IpcError, ShouldWait
from ipcrt.objects.channel import Channel, Message
from ipcrt.objects.handle import Handle, Moved
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt.port.waiter import Waiter

TXID_BYTES: Final = 4
_FIRST_TXID: Final = 1 << 31
"""Zircon's kernel makes txids with the top bit set, so that users may choose the others."""
_LAST_TXID: Final = (1 << 32) - 1
_MAX_INBOX: Final = 64
"""Messages read while looking for replies; more wait in the kernel until somebody reads."""


class _Call:
    """A call that waits for its reply, and owns the reply until the caller takes it."""

    __slots__ = ("answered", "reply", "waiter")

    def __init__(self, waiter: Waiter[None]) -> None:
        self.waiter = waiter
        self.reply: Message | None = None
        self.answered = False

    def answer(self, reply: Message) -> None:
        self.reply, self.answered = reply, True
        if not self.waiter.done():
            self.waiter.set_result(None)

    def fail(self, error: IpcError) -> None:
        self.answered = True
        if not self.waiter.done():
            self.waiter.set_exception(error)

    def take(self) -> Message:
        reply, self.reply = self.reply, None
        if reply is None:
            raise Canceled("the call ended without a reply")
        return reply


class AsyncChannel:
    """A channel on a port; owns the channel."""

    def __init__(self, channel: Channel, port: AsyncPort) -> None:
        """Move `channel` here.

        Raises: BadHandle: it is closed.
        """
        self._channel = Channel(channel.take(), channel.rights)
        self._port = port
        self._reading = False
        self._inbox: collections.deque[Message] = collections.deque()
        self._readers: collections.deque[Waiter[None]] = collections.deque()
        self._calls: dict[bytes, _Call] = {}
        self._abandoned: set[bytes] = set()
        self._txids = itertools.count(_FIRST_TXID)

    @property
    def channel(self) -> Channel:
        """The channel itself, still owned here."""
        return self._channel

    async def read(self, timeout: float | None = None) -> Message:
        """Await the oldest message; the caller owns its handles.

        Raises: PeerClosed: empty, peer gone. TimedOut. RemoteProtocolError. Canceled: closed
        meanwhile.
        """
        while True:
            try:
                return self.read_nowait()
            except ShouldWait:
                pass
            await self._wait_readable(timeout)

    def read_nowait(self) -> Message:
        """Read the oldest message that is here; see `Channel.read`."""
        if self._inbox:
            return self._inbox.popleft()
        return self._channel.read(self._port.receive_buffer)

    async def write(
        self,
        data: bytes | memoryview,
        handles: Iterable[Handle] = (),
        timeout: float | None = None,
    ) -> None:
        """Send one message, waiting while the peer's queue is full.

        The handles are moved at once and closed if the write fails, is cancelled or times out.
        Raises: PeerClosed, TimedOut, OutOfRange, and what `Channel.write` raises.
        """
        with Moved(handles) as moved:
            while True:
                try:
                    self._channel.write_moved(data, moved)
                except ShouldWait:
                    await self.wait(Signals.WRITABLE | Signals.PEER_CLOSED, timeout)
                else:
                    return

    async def call(
        self,
        data: bytes,
        handles: Iterable[Handle] = (),
        timeout: float | None = None,
    ) -> Message:
        """Send a message and await the one with the same txid; the caller owns its handles.

        The first four bytes of `data` are replaced by a txid that no other call uses.
        Raises: PeerClosed, TimedOut, InvalidArgs (under four bytes). Source: zx_channel_call.
        """
        if len(data) < TXID_BYTES:
            raise InvalidArgs(
                f"a call of {len(data)} bytes has no room for a {TXID_BYTES}-byte txid"
            )
        txid = self._new_txid()
        call = self._calls[txid] = _Call(self._port.create_waiter())
        sent = False
        try:
            await self.write(txid + data[TXID_BYTES:], handles, timeout)
            sent = True
            self._start_reading()
            await self._port.wait_result(call.waiter, timeout)
            return call.take()
        finally:
            del self._calls[txid]
            if call.reply is not None:
                call.reply.close()
            elif sent and not call.answered:
                self._abandoned.add(txid)

    async def wait(self, signals: Signals, timeout: float | None = None) -> Signals:
        """Await one of `signals`; answer all that are up. Raises: TimedOut, Canceled."""
        return await self._port.wait_one(self._channel, signals, timeout)

    def into_channel(self) -> Channel:
        """Give the channel away; reads and calls that wait here end with Canceled.

        Raises: BadState: messages were read ahead while a call waited; `read` them first.
        """
        if self._inbox:
            raise BadState(f"{len(self._inbox)} messages were read ahead; read them first")
        channel = Channel(self._channel.take(), self._channel.rights)
        self._end(Canceled("the channel was moved"))
        return channel

    def close(self) -> None:
        """Close the channel; reads and calls that wait end with Canceled. Idempotent."""
        self._channel.close()
        self._end(Canceled("the channel was closed"))
        while self._inbox:
            self._inbox.popleft().close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    # ---- reading

    async def _wait_readable(self, timeout: float | None) -> None:
        waiter: Waiter[None] = self._port.create_waiter()
        self._readers.append(waiter)
        self._start_reading()
        try:
            await self._port.wait_result(waiter, timeout)
        finally:
            if waiter in self._readers:
                self._readers.remove(waiter)

    def _start_reading(self) -> None:
        """Have the port call `_readable`; it stops by itself when nobody waits."""
        if not self._reading and len(self._inbox) < _MAX_INBOX:
            self._port.add_reader(self._channel, self._readable)
            self._reading = True

    def _stop_reading(self) -> None:
        self._port.remove_reader(self._channel)
        self._reading = False

    def _readable(self) -> None:
        """Something is there: find replies where calls wait, else wake one reader."""
        if self._calls:
            self._look_for_reply()
        if self._wake_reader() or (self._calls and len(self._inbox) < _MAX_INBOX):
            return
        self._stop_reading()

    def _look_for_reply(self) -> None:
        try:
            message = self._channel.read(self._port.receive_buffer)
        except ShouldWait:
            return
        except IpcError as error:
            for call in self._calls.values():
                call.fail(error)
            return
        txid = message.data[:TXID_BYTES]
        waiting = self._calls.get(txid)
        if waiting is not None and not waiting.answered:
            waiting.answer(message)
        elif txid in self._abandoned:
            self._abandoned.discard(txid)
            message.close()
        else:
            self._inbox.append(message)

    def _wake_reader(self) -> bool:
        while self._readers:
            waiter = self._readers.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return True
        return False

    def _end(self, error: IpcError) -> None:
        self._reading = False
        for call in self._calls.values():
            call.fail(error)
        while self._readers:
            waiter = self._readers.popleft()
            if not waiter.done():
                waiter.set_exception(error)

    def _new_txid(self) -> bytes:
        while True:
            number = next(self._txids)
            if number > _LAST_TXID:
                self._txids = itertools.count(_FIRST_TXID)
                continue
            txid = number.to_bytes(TXID_BYTES, "little")
            if txid not in self._calls and txid not in self._abandoned:
                return txid
