"""BlockingChannel: a channel for a plain thread: reads, writes and calls that block.

It needs no port; one thread uses it at a time. Another may `interrupt` it.
Source: zx_channel_call; zx_channel_read; zx_channel_write.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final, Self

from ipcrt.errors import BadState, IpcError, ShouldWait
from ipcrt.objects._scm import ReceiveBuffer
from ipcrt.objects.channel import Channel, Message
from ipcrt.objects.handle import Handle, Moved
from ipcrt.port.blocking_waiter import BlockingWaiter
from ipcrt.port.calls import MAX_INBOX, Calls
from ipcrt.port.interrupter import Interrupter
from ipcrt.port.loop_here import refuse_on_loop
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one

_NEWS: Final = Signals.READABLE | Signals.PEER_CLOSED
_ROOM: Final = Signals.WRITABLE | Signals.PEER_CLOSED


class BlockingChannel:
    """A channel whose reads and writes block; owns the channel.

    All timeouts are in seconds; None: for ever; zero: look once. What blocks raises BadState where
    an event loop runs in this thread.
    """

    def __init__(self, channel: Channel) -> None:
        """Move `channel` here.

        Raises: BadHandle: it is closed.
        """
        self._channel = Channel(channel.take(), channel.rights)
        self._buffer = ReceiveBuffer()
        self._calls = Calls()
        self._interrupter = Interrupter()

    @property
    def channel(self) -> Channel:
        """The channel itself, still owned here."""
        return self._channel

    def read(self, timeout: float | None = None) -> Message:
        """Block for the oldest message; the caller owns its handles.

        Raises: PeerClosed: empty, peer gone. TimedOut. RemoteProtocolError. BadHandle. Canceled:
        interrupted.
        """
        until = _until(timeout)
        while True:
            try:
                return self.read_nowait()
            except ShouldWait:
                self.wait(_NEWS, _left(until))

    def read_nowait(self) -> Message:
        """Read the oldest message that is here and no late reply; see `Channel.read`."""
        return self._calls.next_message(self._read)

    def write(
        self,
        data: bytes | memoryview,
        handles: Iterable[Handle] = (),
        timeout: float | None = None,
    ) -> None:
        """Send one message, blocking while the peer's queue is full.

        The handles are moved at once and closed if the write fails, or ends in any other way.
        Raises: PeerClosed, TimedOut, OutOfRange, and what `Channel.write` raises; Canceled:
        interrupted.
        """
        until = _until(timeout)
        with Moved(handles) as moved:
            while True:
                try:
                    self._channel.write_moved(data, moved)
                except ShouldWait:
                    self.wait(_ROOM, _left(until))
                else:
                    return

    def call(
        self,
        data: bytes,
        handles: Iterable[Handle] = (),
        timeout: float | None = None,
    ) -> Message:
        """Send a message and block for the one with the same txid; the caller owns its handles.

        The first four bytes of `data` are replaced by a txid that no other call uses. Messages
        that are no replies are kept for `read`. `timeout` is for both ways together.
        Raises: PeerClosed, TimedOut, and what `write` raises; InvalidArgs: under four bytes;
        ShouldWait: 64 other messages are unread: read them; NoResources: too many earlier calls
        were given up. Source: zx_channel_call.
        """
        if timeout != 0:
            refuse_on_loop()
        until = _until(timeout)
        txid, request = self._calls.address(data)
        self._check_room()
        waiter: BlockingWaiter[None] = BlockingWaiter()
        call = self._calls.start(txid, waiter)
        sent = False
        try:
            with Moved(handles) as moved:
                while not (sent := self._channel.try_send(request, moved.fds)):
                    self.wait(_ROOM, _left(until))
            while not waiter.done():
                self._check_room()
                self._look(until)
            waiter.result()
            return call.take()
        finally:
            self._calls.end(call, sent=sent)

    def _look(self, until: float | None) -> None:
        try:
            self._calls.look(self._read)
        except ShouldWait:
            self.wait(_NEWS, _left(until))
        except IpcError as error:
            self._calls.fail(error)

    def _check_room(self) -> None:
        if self._calls.full:
            raise ShouldWait(f"{MAX_INBOX} messages are unread; read them first")

    def _read(self) -> Message:
        return self._channel.read(self._buffer)

    def wait(self, signals: Signals, timeout: float | None = None) -> Signals:
        """Block until one of `signals` is up; answer all that are. Raises: TimedOut, Canceled."""
        return wait_one(self._channel, signals, timeout, self._interrupter)

    def interrupt(self) -> bool:
        """End what another thread is blocked in here, with Canceled; False: in nothing.

        From any thread. The channel stays usable: the late reply of a call that was given up is
        closed when it comes.
        """
        return self._interrupter.interrupt()

    def into_channel(self) -> Channel:
        """Give the channel away.

        Raises: BadState: messages were read ahead by a call; `read` them first.
        """
        if self._calls.unread:
            raise BadState(f"{self._calls.unread} messages were read ahead; read them first")
        self._interrupter.close()
        return Channel(self._channel.take(), self._channel.rights)

    def close(self) -> None:
        """Close the channel and the messages that were read ahead; idempotent."""
        self._interrupter.close()
        self._channel.close()
        self._calls.close()

    def statistics(self) -> dict[str, int]:
        """Count calls given up whose replies are owed, and messages read ahead."""
        return {"calls_given_up": self._calls.given_up, "unread_messages": self._calls.unread}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _until(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())
