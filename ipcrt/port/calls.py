"""Calls: which messages of a channel are replies, to which call, and what the others were.

1. A reply is told by its first four bytes, the txid, as zx_channel_call does it. All other
   messages are left to whoever reads, in order.
2. A txid is in use until its reply has come, even when its caller has given up: the late reply is
   recognised, and closed with its handles. How many calls may be given up is bounded.
3. Messages read while looking for replies are bounded, too; more wait in the kernel.
Source: zx_channel_call.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable
from typing import Final

from ipcrt.errors import Canceled, InvalidArgs, IpcError, NoResources, error_for
from ipcrt.objects.channel import Message
from ipcrt.port.waiter import Waiter

TXID_BYTES: Final = 4
MAX_INBOX: Final = 64
"""Messages that may be read ahead (rule 3)."""
MAX_GIVEN_UP: Final = 4096
"""Calls whose replies are still owed, though nobody waits for them (rule 2)."""

_FIRST_TXID: Final = 1 << 31
"""Zircon's kernel makes txids with the top bit set, so that users may choose the others."""
_LAST_TXID: Final = (1 << 32) - 1


class Call:
    """A call that waits for its reply, and owns the reply until the caller takes it."""

    __slots__ = ("reply", "txid", "waiter")

    def __init__(self, txid: bytes, waiter: Waiter[None]) -> None:
        self.txid = txid
        self.waiter = waiter
        self.reply: Message | None = None

    def take(self) -> Message:
        """Give the reply to the caller; the call's waiter must be done."""
        reply, self.reply = self.reply, None
        if reply is None:
            raise Canceled("the call ended without a reply")
        return reply


class Calls:
    """The calls of one channel, and the messages read ahead."""

    __slots__ = ("_given_up", "_inbox", "_txids", "_waiting")

    def __init__(self) -> None:
        self._waiting: dict[bytes, Call] = {}
        self._given_up: set[bytes] = set()
        self._inbox: collections.deque[Message] = collections.deque()
        self._txids = itertools.count(_FIRST_TXID)

    @property
    def waiting(self) -> int:
        """How many calls wait for their replies."""
        return len(self._waiting)

    @property
    def given_up(self) -> int:
        """How many calls nobody waits for, though their replies are owed."""
        return len(self._given_up)

    @property
    def unread(self) -> int:
        """How many messages were read ahead."""
        return len(self._inbox)

    @property
    def full(self) -> bool:
        """True while no more may be read ahead."""
        return len(self._inbox) >= MAX_INBOX

    def address(self, data: bytes) -> tuple[bytes, bytes]:
        """Answer a fresh txid, and `data` with it as its first four bytes.

        Raises: InvalidArgs: under four bytes. NoResources: 4096 calls were given up, and the peer
        still owes the replies.
        """
        if len(data) < TXID_BYTES:
            raise InvalidArgs(f"a call of {len(data)} bytes has no room for {TXID_BYTES} of txid")
        if len(self._given_up) >= MAX_GIVEN_UP:
            raise NoResources(f"{MAX_GIVEN_UP} calls were given up and never answered")
        txid = self._new_txid()
        return txid, txid + data[TXID_BYTES:]

    def start(self, txid: bytes, waiter: Waiter[None]) -> Call:
        """Expect the reply to `txid`; end the call with `end`, whatever happens."""
        call = self._waiting[txid] = Call(txid, waiter)
        return call

    def end(self, call: Call, *, sent: bool = True) -> None:
        """Forget a call; a reply that nobody took is closed, or will be when it comes (rule 2).

        None will come where the request was not `sent`.
        """
        if self._waiting.pop(call.txid, None) is not None and sent:
            self._given_up.add(call.txid)
        if call.reply is not None:
            call.reply.close()

    def next_message(self, read: Callable[[], Message]) -> Message:
        """Answer the oldest message that is no reply; raises what `read` raises."""
        if self._inbox:
            return self._inbox.popleft()
        while self._is_reply(message := read()):
            pass
        return message

    def look(self, read: Callable[[], Message]) -> None:
        """Read one message ahead; raises what `read` raises."""
        message = read()
        if not self._is_reply(message):
            self._inbox.append(message)

    def _is_reply(self, message: Message) -> bool:
        """Hand a reply to its call; False for any other message."""
        if not self._waiting and not self._given_up:
            return False
        txid = message.data[:TXID_BYTES]
        call = self._waiting.pop(txid, None)
        if call is not None:
            call.reply = message
            if not call.waiter.done():
                call.waiter.set_result(None)
            return True
        if txid in self._given_up:
            self._given_up.discard(txid)
            message.close()
            return True
        return False

    def fail(self, error: IpcError) -> None:
        """End all calls with `error`; each gets its own, so that no traceback grows."""
        waiting, self._waiting = self._waiting, {}
        for call in waiting.values():
            if not call.waiter.done():
                call.waiter.set_exception(error_for(error.status, str(error)))

    def close(self) -> None:
        """Close the messages that were read ahead."""
        while self._inbox:
            self._inbox.popleft().close()

    def _new_txid(self) -> bytes:
        while True:
            number = next(self._txids)
            if number > _LAST_TXID:
                self._txids = itertools.count(_FIRST_TXID)
                continue
            txid = number.to_bytes(TXID_BYTES, "little")
            if txid not in self._waiting and txid not in self._given_up:
                return txid
