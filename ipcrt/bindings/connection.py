"""Connection: messages in and out of one channel on one port.

1. A packet is read when the port says so; another at once only where the sender's MORE flag
   promises it, and never more than a fair share a turn.
2. A message that does not fit the peer's queue waits here, in order. What may wait is bounded by
   whoever posts: a caller waits for its own message, a server stops reading (see `server`).
3. Whatever a peer sends that breaks the wire format or the contract ends this connection: it is
   logged, every handle of the message is closed, and nobody else notices.
"""

from __future__ import annotations

import collections
import logging
from collections.abc import Callable
from typing import Final

from ipcrt.errors import IpcError, PeerClosed, ProtocolError, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, Moved, close_all
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.signals import Signals
from ipcrt.port.waiter import Waiter
from ipcrt.wire.frames import split
from ipcrt.wire.header import MORE
from ipcrt.wire.limits import MAX_MESSAGE_BYTES

_log: Final = logging.getLogger("ipcrt.bindings")
_PACKETS_PER_TURN: Final = 16

OnMessage = Callable[[int, int, int, memoryview, list[Handle]], None]
"""Takes txid, ordinal, flags, body and the message's handles, which it owns from then on."""


class Outgoing:
    """A message that waits for room in the peer's queue; owns its handles."""

    __slots__ = ("data", "moved", "waiter")

    def __init__(self, data: bytes, moved: Moved) -> None:
        self.data = data
        self.moved = moved
        self.waiter: Waiter[None] | None = None


class Connection:
    """A channel that speaks the wire format; owns the channel."""

    __slots__ = (
        "_backlog",
        "_channel",
        "_error",
        "_key",
        "_max_message_bytes",
        "_on_closed",
        "_on_drained",
        "_on_message",
        "_port",
        "_reading",
    )

    def __init__(
        self,
        channel: Channel,
        port: Port,
        on_message: OnMessage,
        on_closed: Callable[[IpcError], None],
        *,
        on_drained: Callable[[], None] | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        """Move `channel` here; nothing is read before `resume`.

        `on_closed` is called once, when the connection ends for any reason but `close`;
        `on_drained` whenever the last message that waited for room has left.
        """
        self._channel = Channel(channel.take(), channel.rights)
        self._port = port
        self._on_message = on_message
        self._on_closed = on_closed
        self._on_drained = on_drained
        self._max_message_bytes = max_message_bytes
        self._backlog: collections.deque[Outgoing] = collections.deque()
        self._key = 0
        self._reading = False
        self._error: IpcError | None = None

    @property
    def port(self) -> Port:
        """The port that the connection lives on."""
        return self._port

    @property
    def channel(self) -> Channel:
        """The channel, owned here."""
        return self._channel

    @property
    def error(self) -> IpcError | None:
        """Why the connection ended; None while it is open."""
        return self._error

    @property
    def backlog(self) -> int:
        """How many messages wait for room in the peer's queue."""
        return len(self._backlog)

    # ---- writing

    def post(
        self, data: bytes, moved: Moved, waiter: Waiter[None] | None = None
    ) -> Outgoing | None:
        """Send a message now, or as soon as there is room; it owns the moved handles.

        Answers what waits, or None when it is sent. A waiter is told when it leaves, or why it
        never will. Raises: PeerClosed and whatever else ended the connection; OutOfRange.
        """
        outgoing = Outgoing(data, moved)
        if self._error is not None:
            moved.close()
            raise self._error
        if not self._backlog and self._try_send(outgoing):
            return None
        self._backlog.append(outgoing)
        if len(self._backlog) == 1:
            self._wait_writable()
        return outgoing

    def post_now(self, data: bytes, moved: Moved) -> None:
        """Send a message now or not at all; its handles are closed where it fails.

        Raises: ShouldWait: no room. Else as `post`.
        """
        with moved:
            if self._error is not None:
                raise self._error
            if self._backlog:
                raise ShouldWait(f"{len(self._backlog)} messages wait for room already")
            self._channel.write_moved(data, moved)

    def withdraw(self, outgoing: Outgoing) -> bool:
        """Take back a message that waits; False when it is sent. Its handles are closed."""
        try:
            self._backlog.remove(outgoing)
        except ValueError:
            return False
        outgoing.moved.close()
        return True

    def _try_send(self, outgoing: Outgoing) -> bool:
        try:
            self._channel.write_moved(outgoing.data, outgoing.moved)
        except ShouldWait:
            return False
        except BaseException:
            outgoing.moved.close()
            raise
        return True

    def _wait_writable(self) -> None:
        if self._key == 0:
            self._key = self._port.new_key()
            self._port.bind(self._key, self._flush)
        self._port.wait_async(self._channel, self._key, Signals.WRITABLE | Signals.PEER_CLOSED)

    def _flush(self, packet: Packet) -> None:
        """There is room: send what waits, in order."""
        if packet.signals & Signals.HANDLE_CLOSED:
            return
        try:
            while self._backlog:
                if not self._try_send(self._backlog[0]):
                    self._wait_writable()
                    return
                waiter = self._backlog.popleft().waiter
                if waiter is not None and not waiter.done():
                    waiter.set_result(None)
            if self._on_drained is not None:
                self._on_drained()
        except PeerClosed as error:
            self._drop_backlog(error)
            if not self._reading:  # else the reader finds the end, behind an epitaph perhaps
                self.fail(error)
        except IpcError as error:
            self.fail(error)

    def _drop_backlog(self, error: IpcError) -> None:
        while self._backlog:
            outgoing = self._backlog.popleft()
            outgoing.moved.close()
            if outgoing.waiter is not None and not outgoing.waiter.done():
                outgoing.waiter.set_exception(error)

    # ---- reading

    def resume(self) -> None:
        """Read from now on."""
        if not self._reading and self._error is None:
            self._reading = True
            self._port.add_reader(self._channel, self._readable)

    def pause(self) -> None:
        """Stop reading: the peer's messages stay in the kernel's bounded queue."""
        if self._reading:
            self._reading = False
            self._port.remove_reader(self._channel)

    def _readable(self) -> None:
        try:
            for _ in range(_PACKETS_PER_TURN):
                if not self._read_packet() or not self._reading:
                    return
        except ShouldWait:
            return
        except PeerClosed as error:
            self.fail(error)
        except IpcError as error:
            if isinstance(error, ProtocolError):
                _log.warning("closing %r: %s", self._channel, error)
            self.fail(error)
        except Exception as error:  # noqa: BLE001  (a defect here must not hang the peer)
            _log.exception("closing %r", self._channel)
            self.fail(IpcError(f"our own mistake: {error!r}"))

    def _read_packet(self) -> bool:
        """Read one packet and hand its messages on; True when another should follow."""
        message = self._channel.read(self._port.receive_buffer, self._max_message_bytes)
        handles = message.handles
        try:
            frames = split(memoryview(message.data), len(handles), self._max_message_bytes)
        except BaseException:
            close_all(handles)
            raise
        flags = 0
        for txid, ordinal, flags, body, first, count in frames:
            if self._error is not None:  # an earlier message of the packet ended it all
                close_all(handles[first : first + count])
                continue
            try:
                self._on_message(txid, ordinal, flags, body, handles[first : first + count])
            except BaseException:
                close_all(handles[first + count :])
                raise
        return bool(flags & MORE)

    # ---- the end

    def fail(self, error: IpcError) -> None:
        """End the connection because of `error`; tells `on_closed`, once."""
        if self._error is None:
            self._end(error)
            self._on_closed(error)

    def close(self, error: IpcError | None = None) -> None:
        """Close the channel. What waited for room is dropped, its waiters told. Idempotent."""
        if self._error is None:
            self._end(error or PeerClosed("closed on this side"))

    def release(self) -> Channel:
        """Give the channel away, unread messages and all; what waited for room is dropped."""
        self.pause()
        channel = Channel(self._channel.take(), self._channel.rights)
        self.close()
        return channel

    def _end(self, error: IpcError) -> None:
        self._error = error
        self._reading = False
        self._channel.close()
        if self._key:
            self._port.unbind(self._key)
        self._drop_backlog(error)
