"""Link: one end of a data channel, whoever waits for it.

It never waits itself; the async and the blocking channel differ only in how they do.

1. Nothing is read before somebody wants it: a channel that is only written to, or moved on, keeps
   what is queued. From then on a little is read ahead (LOOK_AHEAD), and no more while nobody takes
   it: a peer that floods stalls itself.
2. Errors of what was sent come in their place among the data. They go to `on_error`; without one,
   to those who iterate over the errors; and without those to who receives, who raises it.
3. Messages leave in their order and one a packet: what was sent is in the kernel's queue, and
   survives this end. What is tried on a full queue is not sent, and nothing else is lost.
4. A message that breaks the contract ends this channel, once what came before it is taken.
5. A peer that ends its own direction alone can still be sent to: that it wants no answer is not
   said. Where sending finds it gone, what it had sent is read first, as far as rule 1 lets it: so
   that those who listen for errors learn why.
"""

from __future__ import annotations

import collections
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from ipcrt.bindings.call import Sending
from ipcrt.bindings.errors import again
from ipcrt.bindings.tables import Method
from ipcrt.errors import (
    BadHandle,
    Canceled,
    IpcError,
    LocalProtocolError,
    PeerClosed,
    RemoteProtocolError,
    error_for,
)
from ipcrt.objects._fd import duplicate_fd
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.rights import Rights
from ipcrt.port.port import Port
from ipcrt.port.waiter import Waiter
from ipcrt.resources.codes import error_of
from ipcrt.resources.half_open import HalfOpen
from ipcrt.resources.limits import MAX_FRAME_BYTES
from ipcrt.resources.messages import ERROR, Data, Error, FramedData, StreamData
from ipcrt.resources.waiters import Waiters
from ipcrt.wire.epitaph import decode_epitaph
from ipcrt.wire.frames import Body, encode
from ipcrt.wire.header import EPITAPH_ORDINAL, HEADER_BYTES, NO_TXID

_log: Final = logging.getLogger("ipcrt.resources")
_NAME: Final = Data.TABLE.name
_MAX_MESSAGE_BYTES: Final = HEADER_BYTES + MAX_FRAME_BYTES + 6

LOOK_AHEAD: Final = 16
"""Messages, and as many errors, that may be read before somebody takes them."""
LOOK_AHEAD_BYTES: Final = 1 << 20
"""Bytes of data that may be read before somebody takes them; the last message may exceed it."""

SENDER_RIGHTS: Final = Rights.WRITE | Rights.WAIT | Rights.TRANSFER
"""What the clone that Pipe carries may be used for."""

Received: TypeAlias = FramedData | StreamData
OnError: TypeAlias = Callable[[IpcError], object]


class Link:
    """The messages of one data channel, both ways. Used on its port's thread only."""

    __slots__ = (
        "_closed_here",
        "_create_waiter",
        "_errors",
        "_hearers",
        "_inbox",
        "_inbox_bytes",
        "_moving",
        "_on_error",
        "_waiters",
        "_wanted",
        "connection",
        "outbox",
        "sent_bytes",
    )

    def __init__(self, channel: Channel, port: Port, on_error: OnError | None) -> None:
        """Move `channel` here. Raises: BadHandle."""
        self._create_waiter = port.create_waiter
        self._inbox: collections.deque[Received | IpcError] = collections.deque()
        self._inbox_bytes = 0
        self._errors: collections.deque[IpcError] = collections.deque()
        self._hearers = 0  # those who iterate over the errors
        self._on_error = on_error
        self._moving = False
        self._closed_here = False
        self._wanted = on_error is not None
        self._waiters = Waiters(port.create_waiter)
        self.sent_bytes = 0
        """Bytes of data that have left."""
        self.connection: Final = HalfOpen(
            _NAME,
            channel,
            port,
            self._message,
            self._closed,
            on_ended=self._waiters.wake,
            max_message_bytes=_MAX_MESSAGE_BYTES,
        )
        self.outbox: Final = self.connection.outbox
        try:
            self.connection.resume()  # so that the port closes what is still open when it closes
            self._regulate()
        except BaseException:
            self.close()
            raise

    # ---- what comes in

    def _message(
        self, txid: int, ordinal: int, flags: int, body: Body, handles: Sequence[Handle]
    ) -> None:
        del flags
        kind = Data.TABLE.by_ordinal.get(ordinal)
        if kind is None or txid != NO_TXID:
            close_all(handles)
            if ordinal == EPITAPH_ORDINAL and txid == NO_TXID:
                status = decode_epitaph(body)
                self.connection.fail(error_for(status, f"{_NAME}: closed with {status}"))
                return
            raise RemoteProtocolError(f"{_NAME}: ordinal {ordinal:#x} with txid {txid}")
        message = kind.request.decode(body, handles)
        if isinstance(message, Error):
            if not message.error:
                raise RemoteProtocolError(f"{_NAME}: an error that says OK")
            self._hear(error_of(message.error, "the peer failed"))
        else:
            self._inbox.append(message)
            self._inbox_bytes += len(message.data)
        self._waiters.wake()
        self._regulate()

    def _hear(self, error: IpcError) -> None:
        """Tell an error that came to who wants it (rule 2)."""
        if self._on_error is not None:
            try:
                self._on_error(error)
            except Exception:  # noqa: BLE001  (a listener's mistake must not end the channel)
                _log.exception("%s: on_error failed", _NAME)
        elif self._hearers:
            self._errors.append(error)
        else:
            self._inbox.append(error)

    def set_on_error(self, on_error: OnError | None) -> None:
        """Tell errors that come from now on to `on_error`; reads ahead for them."""
        self._on_error = on_error
        self.want()

    def begin_hearing(self) -> None:
        """Somebody iterates over the errors from now on; those that wait are theirs."""
        self._hearers += 1
        self._errors.extend(item for item in self._inbox if isinstance(item, IpcError))
        kept = [item for item in self._inbox if not isinstance(item, IpcError)]
        self._inbox = collections.deque(kept)
        self.want()

    def end_hearing(self) -> None:
        """Somebody has stopped iterating over the errors."""
        self._hearers -= 1
        if not self._hearers:
            if not self._closed_here:
                self._inbox.extend(self._errors)
            self._errors.clear()

    def want(self) -> None:
        """Read from now on (rule 1)."""
        self._wanted = True
        self._moving = False
        self._regulate()

    def _regulate(self) -> None:
        room = (
            len(self._inbox) < LOOK_AHEAD
            and self._inbox_bytes < LOOK_AHEAD_BYTES
            and len(self._errors) < LOOK_AHEAD
        )
        if room and self._wanted and not self._moving:
            self.connection.resume()
        else:
            self.connection.pause()

    def take(self) -> Received | None:
        """Take the oldest message, or None: none has been read.

        Raises: an error that nobody else heard; why the channel has ended.
        """
        if self._inbox:
            item = self._inbox.popleft()
            if not isinstance(item, IpcError):
                self._inbox_bytes -= len(item.data)
            self._regulate()
            if isinstance(item, IpcError):
                raise item
            return item
        self._check_reading()
        return None

    def take_or_look(self) -> Received | None:
        """Do as `take`, after a look into the kernel's queue where nothing has been read."""
        if not self._inbox:
            self._look()
        return self.take()

    def take_error(self) -> IpcError | None:
        """Take the oldest error, or None. Raises: why the channel has ended."""
        if self._errors:
            error = self._errors.popleft()
            self._regulate()
            return error
        self._check_reading()
        return None

    def _look(self) -> bool:
        """Read what is queued, without waiting; False: there is nothing, or no room for it."""
        if self._moving or self.connection.error is not None:
            return False
        self.want()
        self.outbox.release()  # else `spin` would rather not
        return self.connection.spin(0.0)

    def _hear_why(self) -> None:
        """The peer has gone: tell the errors that it has sent (rule 5)."""
        if self.connection.channel.rights & Rights.READ:
            while self._look():
                pass

    def _check_reading(self) -> None:
        """Raises: why there is no more to read."""
        error = self.connection.error or self.connection.ended
        if error is not None:
            raise again(error)

    @property
    def closed(self) -> bool:
        """True once either side has closed its direction, and this one has found out."""
        return self.connection.error is not None or self.connection.ended is not None

    # ---- waiting for news

    def wait(self) -> Waiter[None]:
        """Answer what is done when there is news: a message, an error, the end."""
        return self._waiters.add()

    def forget(self, waiter: Waiter[None]) -> None:
        """Nobody waits for it any more."""
        self._waiters.forget(waiter)

    # ---- what goes out

    def encode(self, kind: Method[Any, None], payload: object) -> bytes:
        """Answer the whole message. Raises: LocalProtocolError; why the channel has ended."""
        self._check_sending()
        body, _ = kind.request.encode(payload)
        return encode(NO_TXID, kind.ordinal, kind.flags, body)

    def encode_error(self, status: int) -> bytes:
        """Answer an Error. Raises: LocalProtocolError: zero, which is no error."""
        if not status:
            raise LocalProtocolError("an error that says OK")
        return self.encode(ERROR, Error(int(status)))

    def try_post(self, data: bytes, size: int) -> None:
        """Send a message with `size` bytes of data now, or not at all.

        Raises: ShouldWait: the peer's queue is full. AccessDenied, NoResources. Why the channel has
        ended, also where that was since `encode`.
        """
        self._check_sending()
        self.outbox.release()  # rule 3
        try:
            self.outbox.post_now(data)
        except PeerClosed:
            self._hear_why()
            raise
        self.sent_bytes += size

    def post(self, data: bytes, size: int) -> Sending | None:
        """Send a message, or line it up and answer what to wait for; raises as `try_post`."""
        self._check_sending()
        self.outbox.release()  # rule 3
        try:
            outgoing = self.outbox.post(data, None, in_company=False)
        except PeerClosed:
            self._hear_why()
            raise
        if outgoing is None:
            self.sent_bytes += size
            return None
        sending = Sending(outgoing, self._create_waiter())

        def done(error: IpcError | None) -> None:
            if error is None:
                self.sent_bytes += size
            elif isinstance(error, PeerClosed):
                self._hear_why()
            sending.settle(error)

        outgoing.done = done
        return sending

    def withdraw(self, sending: Sending) -> None:
        """Take back a message that nobody waits for any more, if it has not left."""
        if sending.outgoing is not None:
            self.outbox.withdraw(sending.outgoing)

    # ---- moving and the end

    def clone_sender(self) -> Channel:
        """Answer a second descriptor of this end that is only to be written to."""
        return Channel(duplicate_fd(self.connection.channel.fileno()), SENDER_RIGHTS)

    def release(self) -> Channel:
        """Move the channel out, unread messages and all.

        Raises: BadState: messages were read ahead, or wait for room. Nothing more is read ahead
        until somebody waits again, so taking what is here helps. BadHandle.
        """
        self._moving = True
        self._regulate()
        ahead = len(self._inbox) + len(self._errors)
        channel = self.connection.release(_NAME, {"read ahead": ahead})
        self._waiters.wake(Canceled("the channel was moved"))
        return channel

    def _check_sending(self) -> None:
        """Raises: BadHandle: closed here, whoever was first. Why the channel has ended."""
        if self._closed_here:
            raise BadHandle(f"{_NAME}: closed")
        if self.connection.error is not None:
            raise again(self.connection.error)

    def statistics(self) -> dict[str, int]:
        """Count messages and errors read ahead, messages that wait for room, and who waits."""
        return {
            "read_ahead": len(self._inbox),
            "errors": len(self._errors),
            "backlog": len(self.outbox),
            "waiters": len(self._waiters),
        }

    def close(self) -> None:
        """Close the channel; who waits is told Canceled. Idempotent.

        Who iterates over the errors is told those that have come.
        """
        self._closed_here = True
        if self.connection.error is None:
            canceled = Canceled(f"{_NAME}: closed while it was waited for")
            self.connection.close(BadHandle(f"{_NAME}: closed"), canceled)
            self._waiters.wake(canceled)
        self._inbox.clear()

    def _closed(self, error: IpcError) -> None:
        del error  # whoever is woken finds it
        self._waiters.wake()
