"""HalfOpen: a connection that goes on being written to when its peer has ended its own direction.

1. The end of what the peer sends is told by `on_ended`, once, where the peer can still read
   (shutdown(2)); nothing is read from then on. Where it cannot, the connection ends as ever.
2. When the peer has gone altogether behind that, the connection ends.
3. To the port such a channel is closed, as there is nothing more to read. So room in the peer's
   queue is waited for by a duplicate of the descriptor, as what it is to the kernel: a socket.
Source: unix(7), shutdown(2); EPOLLRDHUP in epoll_ctl(2).
"""

from __future__ import annotations

from collections.abc import Callable

from ipcrt.bindings.connection import Connection, OnMessage
from ipcrt.errors import IpcError, PeerClosed
from ipcrt.objects._fd import duplicate_fd
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.signals import Signals, observe


class HalfOpen(Connection):
    """Owns the channel, and its duplicate once there is one."""

    __slots__ = ("_as_socket", "_half_closed", "_on_ended", "ended")

    def __init__(
        self,
        name: object,
        channel: Channel,
        port: Port,
        on_message: OnMessage,
        on_closed: Callable[[IpcError], None],
        *,
        on_ended: Callable[[], None],
        max_message_bytes: int,
    ) -> None:
        """Move `channel` here; as `Connection`."""
        self._on_ended = on_ended
        self._as_socket: Handle | None = None
        self._half_closed = False
        self.ended: PeerClosed | None = None
        """What reading fails with behind the peer's end; None while more may come."""
        super().__init__(
            name,
            channel,
            port,
            on_message,
            on_closed,
            on_peer_gone=self._gone_behind_its_end,
            max_message_bytes=max_message_bytes,
        )

    def resume(self) -> None:
        """Read from now on, unless the peer has ended."""
        if self.ended is None:
            super().resume()

    def _give_up(self, error: Exception) -> None:
        if not isinstance(error, PeerClosed) or self.error is not None or self._is_gone():
            super()._give_up(error)
            return
        self.ended = error
        self.pause()  # which has the port tell when the peer is gone
        self._on_ended()

    def _is_gone(self) -> bool:
        return Signals.PEER_GONE in observe(self._channel, Signals.PEER_GONE)

    def _gone_behind_its_end(self) -> None:
        if self.ended is not None:
            self.fail(self.ended)

    def _notice(self, packet: Packet) -> None:
        if packet.signals & Signals.PEER_CLOSED and self.error is None:
            self._half_closed = not self._is_gone()
        super()._notice(packet)

    def _wait_for_room(self) -> None:
        if not self._half_closed:
            super()._wait_for_room()
            return
        if self._as_socket is None:
            self._as_socket = Handle(duplicate_fd(self._channel.fileno()))
        self._port.wait_async(self._as_socket, self._bound_key(), Signals.WRITABLE)

    def _end(self, error: IpcError, pending: IpcError | None = None) -> None:
        self.error = error  # so that what the handle's end tells is no news
        if self._as_socket is not None:
            self._as_socket.close()
        super()._end(error, pending)
