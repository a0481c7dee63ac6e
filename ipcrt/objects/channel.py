"""Channel: a bounded, bidirectional queue of messages: bytes and handles.

One AF_UNIX SOCK_SEQPACKET socket an end: messages keep their borders and their order,
never block, and move with the end when it moves to another process.
Source: zx_channel_create, _write, _read; Starina's channel; unix(7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final, NoReturn, Self

from ipcrt._speedups.chosen import choose
from ipcrt.errors import InvalidArgs, NotSupported, OutOfRange, RemoteProtocolError, ShouldWait
from ipcrt.objects import _scm, spill
from ipcrt.objects import rights as _rights
from ipcrt.objects._fd import close_fds
from ipcrt.objects._socket_handle import make_pair
from ipcrt.objects.handle import Handle, Moved, close_all, own
from ipcrt.objects.kind import ObjType
from ipcrt.objects.pieces import pieced, put_together
from ipcrt.objects.rights import Rights
from ipcrt.objects.spill_memory import SpillMemory

_PLAIN: Final = spill.RECORD_BYTES
"""Anything longer cannot be taken for a spill record."""

PATIENCE_S: Final = 0.01
"""How long a patient receiver sleeps, in seconds."""

_READ: Final = int(Rights.READ)
_WRITE: Final = int(Rights.WRITE)


class Message:
    """One message as it was read; whoever holds it owns its handles."""

    __slots__ = ("data", "handles")

    def __init__(self, data: bytes, handles: list[Handle]) -> None:
        self.data = data
        self.handles = handles

    def close(self) -> None:
        """Close the handles that were not moved out."""
        close_all(self.handles)


def _sender(
    packets: _scm.PacketSocket, try_send: Callable[[bytes], bool]
) -> Callable[[bytes], bool]:
    """Answer what sends data by `packets` where that is surely enough, else by `try_send`."""
    send = packets.try_send

    def send_plain(data: bytes) -> bool:
        if _PLAIN < len(data) <= _scm.MAX_PACKET_BYTES:
            try:
                return send(data)
            except OutOfRange:  # the pair's maker gave it a small SO_SNDBUF
                pass
        return try_send(data)

    return send_plain


_make_sender: Final = choose("sender", _sender)


class Channel(Handle):
    """One end of a channel."""

    TYPE: ClassVar[ObjType] = ObjType.CHANNEL
    DEFAULT_RIGHTS: ClassVar[Rights] = (
        (_rights.BASIC & ~Rights.DUPLICATE) | _rights.IO | Rights.SIGNAL | Rights.SIGNAL_PEER
    )

    __slots__ = ("_packets", "spill_memory")

    def __init__(self, fd: int, rights: Rights | None = None) -> None:
        """Take ownership of `fd`, a SEQPACKET socket."""
        self._packets: _scm.PacketSocket | None = None
        self.spill_memory: SpillMemory | None = None
        """What long messages travel through, where somebody keeps it for this and others."""
        super().__init__(fd, rights)

    def _forget(self) -> None:
        if self._packets is not None:
            self._packets.detach()
            self._packets = None
        if self.spill_memory is not None:
            self.spill_memory.forget(id(self))
        super()._forget()

    def _open(self) -> _scm.PacketSocket:
        """Make what lends us its calls, where `_packets` is None still."""
        self._packets = _scm.lend_packets(self.fileno())
        return self._packets

    @classmethod
    def create(cls) -> tuple[Self, Self]:
        """Make a channel: its two ends, each owned by the caller.

        Raises: NoResources: no descriptors are free.
        """
        first, second = make_pair(ObjType.CHANNEL)
        return cls(first), cls(second)

    def write(self, data: bytes | memoryview, handles: Iterable[Handle] = ()) -> None:
        """Send one message; its handles are moved, whether or not it works.

        Data over 65536 bytes travels in a memfd and arrives as one message all the same.
        Raises: ShouldWait: the peer's queue is full. PeerClosed. OutOfRange: more than 64
        handles. InvalidArgs: no data. AccessDenied: a handle without TRANSFER, or no WRITE.
        NotSupported: this very handle among `handles`. NoResources. Errors about the handles
        themselves leave them with the caller.
        """
        several = () if handles == () else list(handles)
        if not several:
            self.send(data, ())
            return
        if self in several:
            raise NotSupported("a channel cannot carry its own end")
        with Moved(several) as moved:
            self.write_moved(data, moved)

    def write_moved(self, data: bytes | memoryview, moved: Moved) -> None:
        """Send one message whose handles the caller has moved, and still owns when this fails.

        For those who wait and try again; raises what `write` raises.
        """
        self.send(data, moved.fds)
        moved.close()

    def send(self, data: bytes | memoryview, fds: Sequence[int] = ()) -> None:
        """Send one message with descriptors that stay the caller's; else as `write`."""
        if not self.try_send(data, fds):
            raise ShouldWait("the peer's queue is full")

    def try_send(self, data: bytes | memoryview, fds: Sequence[int] = ()) -> bool:
        """Do as `send`, but answer False where the peer's queue is full."""
        if not self._bits & _WRITE:
            self.require(Rights.WRITE, "write")
        if type(data) is not bytes or not data or len(fds) > _scm.MAX_HANDLES:
            data = _check(data, fds)
        usual = not fds and _PLAIN < len(data) <= _scm.MAX_PACKET_BYTES
        if not usual and (
            (len(data) > _scm.MAX_PACKET_BYTES or data[0] == spill.FIRST_BYTE)
            and spill.must_spill(data)
        ):
            return self._try_send_spilled(data, fds)
        try:
            [sent] = map((self._packets or self._open()).try_send, (data,), (fds,))
            return sent  # and who asks is told, whatever a signal's handler raises: as in `own`
        except OutOfRange:  # the pair's maker gave it a small SO_SNDBUF
            return self._try_send_spilled(data, fds)

    def _try_send_spilled(self, data: bytes | memoryview, fds: Sequence[int]) -> bool:
        if len(data) > spill.MAX_MESSAGE_BYTES:
            raise OutOfRange(
                f"message of {len(data)} bytes exceeds {spill.MAX_MESSAGE_BYTES}; pass a Vmo"
            )
        try:
            return self._try_send_record(data, fds)
        except OutOfRange:  # a small SO_SNDBUF has no room for what is no piece
            if pieced(data) is None:
                raise
            return self._try_send_record(put_together(data), fds)

    def _try_send_record(self, data: bytes | memoryview, fds: Sequence[int]) -> bool:
        with spill.store(data, self.spill_memory, id(self), len(fds)) as spilled:
            packets = self._packets or self._open()
            return packets.try_send(spilled.record, [*fds, *spilled.fds])

    def read(
        self,
        buffer: _scm.ReceiveBuffer | None = None,
        max_bytes: int = spill.MAX_MESSAGE_BYTES,
    ) -> Message:
        """Read the oldest message; the caller owns its handles.

        `buffer` saves an allocation where one thread reads often. `max_bytes` bounds a message
        that the peer spilled; smaller ones are bounded by the packet.
        Raises: ShouldWait: empty, peer open. PeerClosed: empty, peer gone.
        RemoteProtocolError: truncated, too many handles, bad spill; nothing of it is left open.
        """
        message = self.try_receive(buffer, max_bytes)
        if message is None:
            raise ShouldWait("no message is queued")
        data, handles = message
        return Message(bytes(put_together(data)), handles)

    def try_receive(
        self, buffer: _scm.ReceiveBuffer | None, max_bytes: int
    ) -> tuple[bytes, list[Handle]] | None:
        """Do as `read`, for those who take the message apart at once; it may be `Pieced`.

        None: no message is queued.
        """
        if not self._bits & _READ:
            self.require(Rights.READ, "read")
        receive = (self._packets or self._open()).try_receive
        [packet] = map(receive, (buffer,))  # see `handle.own`
        if packet is None:
            return None
        data, fds = packet
        try:
            return self.take_apart(data, fds, max_bytes)
        except BaseException:
            close_fds(fds)
            raise

    def take_apart(self, data: bytes, fds: list[int], max_bytes: int) -> tuple[bytes, list[Handle]]:
        """Make the message out of a packet; the descriptors that it takes over leave `fds`.

        On error those that are left there are still the caller's.
        """
        handles: list[Handle] = []
        if fds or len(data) == spill.RECORD_BYTES:
            if data[0] == spill.FIRST_BYTE and spill.is_record(data, len(fds)):
                data = _unspill(data, fds, max_bytes, self.spill_memory)
            if self._held_back or len(fds) > _scm.MAX_HANDLES:
                self.check_taken(len(fds))
            handles = own(fds)
        elif self._held_back:
            self._note_read()
        return data, handles

    def check_taken(self, count: int) -> None:
        """Note that a packet with so many handles was read. Raises: RemoteProtocolError: too many.

        For whoever calls `handle.own`.
        """
        if self._held_back:
            self._note_read()
        if count > _scm.MAX_HANDLES:
            raise RemoteProtocolError(f"{count} handles exceed {_scm.MAX_HANDLES} a message")

    # ---- for who sends and receives many

    def sender(self) -> Callable[[bytes], bool]:
        """Answer what does as `try_send` with data alone, at less cost; good until this closes.

        Raises: BadHandle.
        """
        if not self._bits & _WRITE:
            return self.try_send
        return _make_sender(self._packets or self._open(), self.try_send)

    def lend_packets(self) -> _scm.PacketSocket | None:
        """Answer what sends and receives for this; None where it has not the rights for both.

        Whoever receives with it calls `take_apart` for what is not plain. Raises: BadHandle.
        """
        if not (self._bits & _READ and self._bits & _WRITE):
            return None
        return self._packets or self._open()

    def receiver(
        self, buffer: _scm.ReceiveBuffer, max_bytes: int, *, patient: bool = False
    ) -> Callable[[], tuple[bytes, Sequence[Handle]] | None]:
        """Answer what does as `try_receive`, at less cost; good until this closes.

        A patient one sleeps for a message, for PATIENCE_S at most, after `be_patient`.
        Raises: BadHandle.
        """
        if not self._bits & _READ:
            return lambda: self.try_receive(buffer, max_bytes)
        packets = self._packets or self._open()
        receive = _scm.told(packets.wait_receive if patient else packets.try_receive)
        take_apart = self.take_apart

        def receive_packet() -> tuple[bytes, Sequence[Handle]] | None:
            packet = receive(buffer)
            if packet is None:
                return None
            data, fds = packet
            if fds or len(data) <= _PLAIN:
                try:
                    return take_apart(data, fds, max_bytes)
                except BaseException:
                    close_fds(fds)
                    raise
            if self._held_back:
                self._note_read()
            return data, ()

        return receive_packet

    def be_patient(self, patient: bool = True) -> None:
        """Bound how long a receive may sleep to PATIENCE_S, or not any more.

        The bound belongs to the socket; see `_scm.set_patience`. Raises: BadHandle.
        """
        _scm.set_patience(self.fileno(), PATIENCE_S if patient else 0.0)

    def duplicate(self, rights: Rights = Rights.SAME_RIGHTS) -> NoReturn:
        """Refuse: as in Zircon, an end of a channel has one owner."""
        del rights
        raise NotSupported("a channel cannot be duplicated; move it")


def _check(data: bytes | memoryview, fds: Sequence[int]) -> bytes | memoryview:
    """Answer `data` in bytes, whatever its items are; refuse what no message may be."""
    if len(fds) > _scm.MAX_HANDLES:
        raise OutOfRange(f"{len(fds)} handles exceed {_scm.MAX_HANDLES} a message")
    if not isinstance(data, bytes):
        data = memoryview(data).cast("B")
    if not data:
        raise InvalidArgs("a message without bytes would read as end of file")
    return data


def _unspill(record: bytes, fds: list[int], max_bytes: int, memory: SpillMemory | None) -> bytes:
    """Answer a spill record's data, whose own descriptors leave `fds` and are closed."""
    own = spill.own_fds(record, len(fds))
    data = spill.load(record, fds[-own], max_bytes, memory)
    close_fds(fds[-own:])
    del fds[-own:]
    return data
