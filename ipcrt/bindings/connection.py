"""Connection: messages in and out of one channel on one port.

1. A packet is read when the port says so; another at once only where the sender's MORE flag
   promises it, or several came together the time before. In one turn a peer gets a fair share at
   most, of packets and of messages; what is left of a packet waits here for the next turn.
2. While reading is paused nothing is handled: not even what a packet still holds.
3. Messages are handled one after another. Where a handler serves the port again (in a plain
   thread), its own connection waits until it is done.
4. Whatever a peer sends that breaks the wire format or the contract ends this connection: it is
   logged once, every handle of the packet is closed, and nobody else notices.
5. A signal's handler may raise at any moment in the main thread. A reply that is being taken in
   then is not lost: it is taken in again first (`on_interrupted`).
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NoReturn

from ipcrt.bindings.intake import Ways, make_intake
from ipcrt.bindings.napping import Napping
from ipcrt.bindings.outbox import Outbox
from ipcrt.bindings.reading import Message, Messages, open_reader
from ipcrt.errors import (
    BadHandle,
    BadState,
    Canceled,
    IpcError,
    PeerClosed,
    RemoteProtocolError,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.signals import Signals
from ipcrt.wire.frames import Body
from ipcrt.wire.header import HEADER_BYTES, MORE
from ipcrt.wire.limits import MAX_MESSAGE_BYTES

_log: Final = logging.getLogger("ipcrt.bindings")
_PACKETS_PER_TURN: Final = 16
_MESSAGES_PER_TURN: Final = 64
_ROOM: Final = Signals.WRITABLE | Signals.PEER_CLOSED

OnMessage = Callable[[int, int, int, Body, Sequence[Handle]], None]
"""Takes txid, ordinal, flags, body and the message's handles, which it owns from then on."""


class Connection(Napping):
    """A channel that speaks the wire format; owns the channel."""

    __slots__ = (
        "_continuing",
        "_handle_more",
        "_held",
        "_in_bursts",
        "_key",
        "_max_body_bytes",
        "_name",
        "_on_closed",
        "_on_drained",
        "_on_peer_gone",
        "_reading",
        "_watching_peer",
        "error",
        "on_interrupted",
        "on_message",
        "received",
    )

    def __init__(
        self,
        name: object,
        channel: Channel,
        port: Port,
        on_message: OnMessage,
        on_closed: Callable[[IpcError], None],
        *,
        on_drained: Callable[[], None] | None = None,
        on_peer_gone: Callable[[], None] | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        """Move `channel` here; nothing is read before `resume`. `str(name)` is for the log.

        `on_closed` is called once, when the connection ends for any reason but `close`;
        `on_drained` when the last message that waited for room has left, or never will;
        `on_peer_gone` when the peer hangs up while reading is paused.
        """
        self._name = name
        self._channel = Channel(channel.take(), channel.rights)
        self._channel.spill_memory = port.spill_memory
        self._port = port
        self._read = open_reader(self._channel, port.receive_buffer, max_message_bytes)
        self._sleep = None
        self._take, self.nap, self._handle_more = make_intake(
            Ways(self._readable, self._nap, self._handle_some),
            self,
            self._read,
            max_message_bytes - HEADER_BYTES,
        )
        self.on_message = on_message
        self.on_interrupted: Callable[..., bool] | None = None
        """As `on_message`, where that was interrupted; False: such a message is not taken again."""
        self._on_closed = on_closed
        self._on_drained = on_drained
        self._on_peer_gone = on_peer_gone
        self._max_message_bytes = max_message_bytes
        self._max_body_bytes = max_message_bytes - HEADER_BYTES
        self.error: IpcError | None = None
        """Why the connection ended; None while it is open."""
        self.received = 0
        """How many messages have been read."""
        self._key = 0
        self._pending = []
        self._reading = False  # what the owner wants
        self._armed = False  # what the port has been told
        self._busy = False
        self._continuing = False
        self._held = False
        self._in_bursts = False  # several messages came in one turn lately
        self._watching_peer = False
        self.outbox = Outbox(self._channel, self._wait_for_room, self.fail, port.soon)
        if (expect := port.expect) is not None:
            self.outbox.on_alone = functools.partial(expect, self)

    @property
    def channel(self) -> Channel:
        """The channel, owned here."""
        return self._channel

    @property
    def busy(self) -> bool:
        """True while a message is handled."""
        return self._busy

    @property
    def unhandled(self) -> int:
        """How many messages have been read and are not handled yet."""
        return len(self._pending)

    def traffic(self) -> dict[str, int]:
        """Count messages that came and went, those not handled yet, and bytes that find no room."""
        return {
            "received": self.received,
            "sent": self.outbox.sent,
            "unhandled": len(self._pending),
            "backlog_bytes": self.outbox.backlog_bytes,
        }

    # ---- reading

    def resume(self) -> None:
        """Read from now on."""
        if not self._reading and self.error is None:
            self._reading = True
            if not self._busy:
                self._arm()

    def pause(self) -> None:
        """Stop reading: the peer's messages stay in the kernel's bounded queue."""
        if self._reading:
            self._reading = False
            if not self._busy:
                self._arm()

    def postpone(
        self, txid: int, ordinal: int, flags: int, body: Body, handles: Sequence[Handle]
    ) -> None:
        """Take a message back, and handle it and those behind it only after `go_on`."""
        self._pending.append((txid, ordinal, flags, body, handles))
        self._held = True

    def go_on(self) -> None:
        """Handle what was postponed, in the port's next turn."""
        self._held = False
        if not self._busy:
            self._arm()

    def _readable(self, found: Messages = None) -> None:
        """Handle what has been found, if anything, and what is to be read behind it."""
        if self._busy or self._pending:  # rule 3, or what is left of a packet comes first
            if found is not None:  # while it was slept for, a signal's handler has read, too
                several = found if isinstance(found, list) else [found]
                self._pending[:0] = several[::-1]
                self.received += len(several)
            self._disarm()
            return
        self._busy = True
        held = self._in_bursts and self.outbox.hold()
        try:
            self._read_packets(found)
        except Exception as error:  # noqa: BLE001  (a defect here must not hang the peer)
            self._give_up(error)
        finally:
            if held:
                self.outbox.release()
            self._busy = False
            if self._armed is not self._reading or self._pending:
                self._arm()

    def _continue(self) -> None:
        """Handle more of the packet that was not done in its turn."""
        self._continuing = False
        if self._busy or self._held:
            return
        self._busy = True
        try:
            self._handle_pending()
        except Exception as error:  # noqa: BLE001  (as in `_readable`)
            self._give_up(error)
        finally:
            self._busy = False
            self._arm()

    def _read_packets(self, found: Messages) -> None:
        """Read and handle packets for one turn (rule 1)."""
        enough = self.received + _MESSAGES_PER_TURN
        for count in range(_PACKETS_PER_TURN):
            if found is None:
                found = self._read()
            if found is None:
                self._in_bursts = count > 1
                return
            if isinstance(found, tuple):
                self.received += 1
                txid, ordinal, flags, body, handles = found
                if len(body) > self._max_body_bytes:
                    self._refuse_size(body, handles)
                try:
                    self.on_message(txid, ordinal, flags, body, handles)
                except BaseException as error:
                    self._take_in_again(error, found)
                    raise
                if not (flags & MORE or self._in_bursts):
                    return
            else:
                self._in_bursts = True
                self.received += len(found)
                found.reverse()
                self._pending.extend(found)
                self._handle_pending()
            if not self._reading or self._pending or self.received >= enough:
                return
            found = None

    def _handle_pending(self) -> None:
        held = self.outbox.hold()
        try:
            self._handle_more()
        finally:
            if held:
                self.outbox.release()

    def _handle_some(self) -> None:
        """Handle pending messages for one turn."""
        for _ in range(_MESSAGES_PER_TURN):
            if not self._pending or not self._reading or self._held:
                return
            message = self._pending[-1]
            del self._pending[-1]
            txid, ordinal, flags, body, handles = message
            if len(body) > self._max_body_bytes:
                self._refuse_size(body, handles)
            try:
                self.on_message(txid, ordinal, flags, body, handles)
            except BaseException as error:
                self._take_in_again(error, message)
                raise

    def _take_in_again(self, error: BaseException, message: Message) -> bool:
        """Answer whether a signal's handler has raised `error`; `message` is taken in (rule 5)."""
        return (
            self.on_interrupted is not None
            and not isinstance(error, IpcError)
            and threading.current_thread() is threading.main_thread()
            and self.on_interrupted(*message)
        )

    def catch_up(self) -> None:
        """Handle what has been read, for who is called while it is handled."""
        try:
            while self._busy and self._pending and self._reading and not self._held:
                self._handle_more()
        except Exception as error:  # noqa: BLE001  (as in `_readable`)
            self._give_up(error)

    def _refuse_size(self, body: Body, handles: Sequence[Handle]) -> NoReturn:
        close_all(handles)
        size = len(body) + HEADER_BYTES
        raise RemoteProtocolError(f"message of {size} bytes exceeds {self._max_message_bytes}")

    # ---- the port

    def _arm(self) -> None:
        """Have the port call here when there is something that may be done, and only then."""
        if self.error is not None:
            return
        if not self._reading:
            self._disarm()
        elif self._pending:
            if not self._continuing and not self._held:
                self._port.queue(Packet(self._bound_key()))
                self._continuing = True
        elif not self._armed:
            self._port.add_reader(self._channel, self._take, self._cut_off, safe=True, direct=self)
            self._armed = True

    def _disarm(self) -> None:
        """Have the port tell nothing but that the peer, or the port itself, is gone."""
        if self._armed:
            self._armed = False
            self._port.remove_reader(self._channel)
        if not self._watching_peer:
            self._port.wait_async(self._channel, self._bound_key(), Signals.PEER_GONE)
            self._watching_peer = True

    def _wait_for_room(self) -> None:
        self._port.wait_async(self._channel, self._bound_key(), _ROOM)

    def _bound_key(self) -> int:
        if self._key == 0:
            self._key = self._port.new_key()
            self._port.bind(self._key, self._notice)
        return self._key

    def _notice(self, packet: Packet) -> None:
        """Take what the port has to tell, besides that there is something to read."""
        signals = packet.signals
        if self.error is not None:
            return
        if not signals:
            self._continue()
        elif signals & Signals.HANDLE_CLOSED:
            self._cut_off()
        else:
            self._flush()
            if signals & Signals.PEER_GONE:
                self._peer_gone()

    def _flush(self) -> None:
        self.outbox.flush()
        if not self.outbox.clogged and self._on_drained is not None:
            self._on_drained()

    def _peer_gone(self) -> None:
        self._watching_peer = False
        if not self._reading and self._on_peer_gone is not None:
            self._on_peer_gone()

    def _cut_off(self) -> None:
        """The channel was closed or moved away under our hands, or the port was closed."""
        self.fail(Canceled(f"{self._name}: the channel or its port was closed"))

    # ---- the end

    def fail(self, error: IpcError) -> None:
        """End the connection because of `error`; tells `on_closed`, once."""
        if self.error is None:
            self._end(error)
            self._on_closed(error)

    def refuse(self, error: IpcError) -> None:
        """End the connection because of what the peer sent, and log it (rule 4)."""
        if self.error is None:
            _log.warning("%s: closing %r: %s", self._name, self._channel, error)
            self.fail(error)

    def _give_up(self, error: Exception) -> None:
        if isinstance(error, PeerClosed):
            self.fail(error)
        elif isinstance(error, IpcError):
            self.refuse(error)
        else:
            _log.error("%s: closing %r", self._name, self._channel, exc_info=error)
            self.fail(IpcError(f"our own mistake: {error!r}"))

    def close(self, error: IpcError, pending: IpcError | None = None) -> None:
        """Close the channel; what waited for room is dropped. Idempotent.

        `error` is for whoever comes later, `pending` for the senders of what was dropped.
        """
        if self.error is None:
            self._end(error, pending)

    def release(self, what: str, counts: Mapping[str, int]) -> Channel:
        """Give the channel away, unread messages and all; `what` is for errors.

        Raises: BadState: one of `counts`, or of the messages that were read and not handled, is
        not zero: whoever has the channel next could not make sense of the rest. BadHandle: the
        channel is closed.
        """
        if self.error is not None:
            raise BadHandle(str(self.error))
        self.outbox.release()
        left = {**counts, "backlog": len(self.outbox), "unhandled": self.unhandled}
        busy = ", ".join(f"{name} {count}" for name, count in left.items() if count)
        if busy:
            raise BadState(f"{what}: cannot move the channel: {busy}")
        if self._sleep is not None:
            self._channel.be_patient(False)
        self.error = BadHandle(f"{what}: the channel was moved out")
        channel = Channel(self._channel.take(), self._channel.rights)
        self._end(self.error)
        return channel

    def _end(self, error: IpcError, pending: IpcError | None = None) -> None:
        self.error = error
        self._reading = self._armed = False
        for *_, handles in self._pending:
            close_all(handles)
        self._pending.clear()
        self.outbox.release()
        self._channel.close()
        if self._key:
            self._port.unbind(self._key)
        self.outbox.drop(pending or error)
