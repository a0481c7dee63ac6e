"""What the awaiting and the blocking end of a data channel share: all that never waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from ipcrt.errors import PeerClosed, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.port.port import Port
from ipcrt.resources.limits import MAX_STREAM_BYTES
from ipcrt.resources.link import Link, OnError, Received
from ipcrt.resources.messages import FRAMED_DATA, STREAM_DATA, FramedData, StreamData

Octets: TypeAlias = bytes | bytearray | memoryview


class SenderEnd:
    """The sending half of one end; owns the channel."""

    __slots__ = ("_link",)

    def __init__(self, channel: Channel, port: Port, on_error: OnError | None = None) -> None:
        self._link = Link(channel, port, on_error)

    @property
    def channel(self) -> Channel:
        """The channel itself, still owned here: for who splices by its descriptor."""
        return self._link.connection.channel

    @property
    def closed(self) -> bool:
        """True once either side has closed its direction, and this one has found out."""
        return self._link.closed

    @property
    def sent_bytes(self) -> int:
        """Bytes of data that this end has sent."""
        return self._link.sent_bytes

    # ---- now or not at all

    def try_send_frame(self, data: Octets) -> None:
        """Send one frame of at most 16 MiB, or nothing.

        Raises: ShouldWait: the peer's queue is full. PeerClosed. LocalProtocolError: too long.
        BadHandle: closed. AccessDenied. NoResources.
        """
        self._link.try_post(self._frame(data), size_of(data))

    def try_send_stream(self, data: Octets) -> int:
        """Send as many of the bytes as there is room for; answer how many, at least one.

        Raises: ShouldWait: there is room for none. Else as `try_send_frame`.
        """
        sent = 0
        for part in parts_of(data):
            try:
                self._link.try_post(self._stream(part), len(part))
            except (ShouldWait, PeerClosed):
                if sent:
                    return sent
                raise
            sent += len(part)
        return sent

    def try_send_error(self, status: int) -> None:
        """Tell the peer that what it sent has failed; raises as `try_send_frame`."""
        self._link.try_post(self._link.encode_error(status), 0)

    def _frame(self, data: Octets) -> bytes:
        return self._link.encode(FRAMED_DATA, FramedData(bytes(data)))

    def _stream(self, data: Octets) -> bytes:
        return self._link.encode(STREAM_DATA, StreamData(bytes(data)))

    # ---- the end

    def clone_sender(self) -> Channel:
        """Answer a clone of this end that may only be written to: what Pipe carries.

        Advisory: this library refuses to read from it, on both sides, but the kernel would not.
        Linux shuts down sockets, not descriptors: `shutdown(SHUT_RD)` would end the reading of
        this end as well. The peer learns of PEER_CLOSED when both are closed.
        Raises: BadHandle, NoResources. Source: Starina, Pipe.
        """
        return self._link.clone_sender()

    def into_channel(self) -> Channel:
        """Move the channel out, to another port or process, unread messages and all.

        Raises: BadState: messages were read ahead, or wait for room. Take them without waiting
        (nothing more is read ahead then), and try again. BadHandle: closed.
        """
        return self._link.release()

    def statistics(self) -> dict[str, int]:
        """See `Link.statistics`."""
        return self._link.statistics()

    def close(self) -> None:
        """Close this end: the peer reads what is queued, then the end. Idempotent.

        Who waits here is told Canceled. What was read ahead is dropped.
        """
        self._link.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.channel!r}>"


class ChannelEnd(SenderEnd):
    """Both halves of one end."""

    __slots__ = ()

    def on_error(self, told: OnError | None) -> None:
        """Have errors of what was sent told to `told`, a plain `def`, on the port's thread.

        From now on messages are read ahead for that, a bounded number: an error that is behind
        more data than that is told when the data is taken.
        """
        self._link.set_on_error(told)

    def try_recv(self) -> Received:
        """Take the oldest message that is here.

        Raises: ShouldWait: nothing is here. Else as `recv`.
        """
        message = self._link.take_or_look()
        if message is None:
            raise ShouldWait("no data is queued")
        return message


def size_of(data: Octets) -> int:
    """Answer how many bytes `data` has, whatever its items are."""
    return memoryview(data).nbytes


def parts_of(data: Octets) -> Iterator[memoryview]:
    """Cut a stream's bytes into as many as a packet holds."""
    view = memoryview(data).cast("B")
    for start in range(0, len(view), MAX_STREAM_BYTES):
        yield view[start : start + MAX_STREAM_BYTES]
