"""Reading: the messages of a packet at a time, out of one channel.

The usual packet is one message without handles. Where the extension is in use it does that alone,
and leaves every other packet to `take_apart`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from ipcrt._speedups.chosen import choose
from ipcrt.objects._scm import PacketSocket, ReceiveBuffer
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all, own
from ipcrt.objects.spill import is_record
from ipcrt.wire.frames import Body, Frame, split

Message: TypeAlias = tuple[int, int, int, Body, Sequence[Handle]]
"""txid, ordinal, flags byte, body, and handles, which whoever has the message owns."""

Messages: TypeAlias = Message | list[Message] | None
"""One message, several that shared a packet, or none: the queue is empty."""


class Reader:
    """Reads the messages of a channel, which it borrows."""

    __slots__ = ("_channel", "_max_bytes", "_receive")

    def __init__(
        self, channel: Channel, buffer: ReceiveBuffer, max_bytes: int, *, patient: bool = False
    ) -> None:
        """`max_bytes` bounds a message, header included. `patient`: see `Channel.receiver`."""
        self._channel = channel
        self._max_bytes = max_bytes
        self._receive = channel.receiver(buffer, max_bytes, patient=patient)

    def read(self, packet: tuple[bytes, Sequence[Handle]] | None = None) -> Messages:
        """Answer what is in the oldest packet, or in one that has come already.

        Raises: PeerClosed: empty, peer gone. RemoteProtocolError: a rule is broken; all handles of
        the packet are closed. AccessDenied: no READ right. BadHandle.
        """
        if packet is None:
            packet = self._receive()
            if packet is None:
                return None
        data, handles = packet
        try:
            frames = split(data, len(handles), self._max_bytes)
        except BaseException:
            close_all(handles)
            raise
        if len(frames) > 1:
            return _messages(frames, handles)
        txid, ordinal, flags, body, _, _ = frames[0]
        return txid, ordinal, flags, body, handles

    def take_apart(self, data: bytes, fds: list[int]) -> Messages:
        """Answer what is in a packet; the descriptors that it takes over leave `fds`.

        Of those that are left on error the caller disposes. Raises: as `read`. Where a signal's
        handler raises before any is taken over, the caller may try again.
        """
        if is_record(data, len(fds)):
            packet = self._channel.take_apart(data, fds, self._max_bytes)
            return self.read(packet)
        self._channel.check_taken(len(fds))
        frames = split(data, len(fds), self._max_bytes)
        if len(frames) > 1:
            return _messages(frames, own(fds))
        txid, ordinal, flags, body, _, _ = frames[0]
        return txid, ordinal, flags, body, own(fds)


def _messages(frames: Sequence[Frame], handles: Sequence[Handle]) -> list[Message]:
    return [
        (txid, ordinal, flags, body, handles[first : first + count])
        for txid, ordinal, flags, body, first, count in frames
    ]


def _read_of(reader: Reader, packets: PacketSocket, channel: Channel) -> Callable[[], Messages]:
    del packets, channel
    return reader.read


_choose_read: Final = choose("reader", _read_of)
_choose_patient_read: Final = choose("patient_reader", _read_of)


def open_reader(
    channel: Channel, buffer: ReceiveBuffer, max_bytes: int, *, patient: bool = False
) -> Callable[[], Messages]:
    """Answer what does as `Reader.read`, at the least cost; good until the channel closes.

    A patient one sleeps where the queue is empty, as `Channel.receiver` tells.
    Raises: BadHandle: it is closed already.
    """
    reader = Reader(channel, buffer, max_bytes, patient=patient)
    packets = channel.lend_packets()
    if packets is None:
        return reader.read
    choose_read = _choose_patient_read if patient else _choose_read
    return choose_read(reader, packets, channel)
