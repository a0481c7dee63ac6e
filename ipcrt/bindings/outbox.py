"""Outbox: messages on their way out of one channel, in order.

1. What does not fit the peer's queue waits here. How much may wait is bounded by whoever posts: a
   caller waits for its own message, a server stops reading.
2. Messages that come in one turn of the event loop share packets. The first leaves at once, so that
   the peer has something to do meanwhile; those behind it leave when there are enough of them or
   they have waited long enough, when one comes that cannot share, and when the turn is over. While
   a burst is handled (`hold`), not even the first leaves before.
3. A message with handles, and one that is not small, has a packet of its own.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from time import monotonic
from typing import Final

from ipcrt.errors import IpcError, PeerClosed, ShouldWait
from ipcrt.objects._scm import told
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Moved

Done = Callable[[IpcError | None], None]
Soon = Callable[[Callable[[], object]], object]

_MAX_SHARING: Final = 12
"""Messages in one packet. With many more, client and server would work in turns."""
_MAX_SHARED_BYTES: Final = 2048
"""A longer message has a packet of its own, so that packets of several stay well under 64 KiB."""
_LONGEST_S: Final = 0.0005
"""How long a message waits for others while more are posted."""


class Outgoing:
    """A packet that waits for room; owns its handles."""

    __slots__ = ("count", "data", "done", "left", "moved")

    def __init__(self, data: bytes, moved: Moved | None) -> None:
        self.data = data
        self.moved = moved
        self.count = 1
        """How many messages it holds."""
        self.left = False
        """True once the message is sent."""
        self.done: Done | None = None
        """Told once: None when the message has left, else why it never will."""

    def finish(self, error: IpcError | None) -> None:
        """Close what is still here and tell `done`."""
        self.left = error is None
        self.close()
        if self.done is not None:
            self.done(error)

    def close(self) -> None:
        """Close the handles that did not leave."""
        if self.moved is not None:
            self.moved.close()


class Outbox:
    """The writing half of a connection; borrows the channel."""

    __slots__ = (
        "_backlog",
        "_channel",
        "_fail",
        "_send",
        "_shared",
        "_sharing",
        "_since",
        "_soon",
        "_wait_for_room",
        "clogged",
        "on_alone",
        "sent",
    )

    def __init__(
        self,
        channel: Channel,
        wait_for_room: Callable[[], None],
        fail: Callable[[IpcError], None],
        soon: Soon | None = None,
    ) -> None:
        """`wait_for_room` has `flush` called once, when there is room or nobody to write to.

        `fail(error)` is told what the kernel has against messages that nobody waits for. `soon`
        calls something when the loop's turn is over; without it no messages share packets.
        """
        self._channel = channel
        self._send = told(channel.sender())
        self._wait_for_room = wait_for_room
        self._fail = fail
        self._soon = soon
        self._sharing = False
        self._shared: list[bytes] | None = None  # what waits for company, while `_sharing`
        self._since = 0.0
        self.clogged = False
        """True while room is waited for: the peer's queue is full, or was a moment ago."""
        self.on_alone: Callable[[], object] | None = None
        """Told when a message has left at once, and none is in its company."""
        self.sent = 0
        """How many messages have left."""
        self._backlog: collections.OrderedDict[Outgoing, None] | None = None

    @property
    def sharing(self) -> bool:
        """True while messages of this turn may be held back to share a packet."""
        return self._sharing

    @property
    def backlog_bytes(self) -> int:
        """How many bytes wait for room; counted when asked for."""
        return sum(len(outgoing.data) for outgoing in self._backlog or ())

    def __len__(self) -> int:
        """Answer how many messages wait for room."""
        return len(self._backlog or ())

    def post(
        self, data: bytes, moved: Moved | None = None, in_company: bool = True
    ) -> Outgoing | None:
        """Send a message now, soon, or as soon as there is room; it owns the moved handles.

        `in_company` tells that more may come in this turn (rule 2). Answers what waits for room, or
        None. Raises: PeerClosed, NoResources, AccessDenied, OutOfRange; then the handles are
        closed.
        """
        if self._sharing and self._share(data, moved):
            return None
        try:
            if not self.clogged:
                if self._has_left(data, moved):
                    if not in_company:
                        if self.on_alone is not None:
                            self.on_alone()
                    elif not self._sharing and self._soon is not None:
                        self._begin_to_share()
                    return None
                self._wait()
        except BaseException:
            if moved is not None:
                moved.close()
            raise
        return self._line_up(data, moved)

    def post_now(self, data: bytes, moved: Moved | None = None) -> None:
        """Send a message now or not at all; its handles are closed where it fails.

        Raises: ShouldWait: no room. Else as `post`.
        """
        try:
            if self.clogged:
                raise ShouldWait(f"{len(self)} messages wait for room already")
            if self._sharing and self._share(data, moved):
                return
            if not self._has_left(data, moved):
                raise ShouldWait("the peer's queue is full")
        finally:
            if moved is not None:
                moved.close()
        if not self._sharing and self._soon is not None:
            self._begin_to_share()

    def _has_left(self, data: bytes, moved: Moved | None, count: int = 1) -> bool:
        """Send `count` messages, and close the handles that have left; False: there is no room.

        What has left is counted, whatever a signal's handler raises: see `handle.own`.
        """
        left = self._send(data) if moved is None else self._channel.try_send(data, moved.fds)
        if left:
            self.sent += count
            if moved is not None:
                moved.close()
        return left

    def _wait(self) -> None:
        self._wait_for_room()
        self.clogged = True

    def _line_up(self, data: bytes, moved: Moved | None) -> Outgoing:
        if self._backlog is None:
            self._backlog = collections.OrderedDict()
        outgoing = Outgoing(data, moved)
        self._backlog[outgoing] = None
        return outgoing

    # ---- sharing packets

    def _begin_to_share(self) -> None:
        """Have what comes behind the first message of this turn share packets."""
        assert self._soon is not None
        self._sharing = True
        self._soon(self.release)

    def hold(self) -> bool:
        """Have what is posted until `release` share packets; False where it does already."""
        if self._sharing or self._soon is None:
            return False
        self._sharing = True
        return True

    def release(self) -> None:
        """Send what waits for company; harmless where nothing does."""
        self._sharing = False
        if self._shared is not None:
            self._leave_together()

    def _share(self, data: bytes, moved: Moved | None) -> bool:
        """Have a message wait for company; False where it has to go alone, behind the others."""
        shared = self._shared
        if moved is not None or len(data) > _MAX_SHARED_BYTES or self.clogged:
            if shared is not None:
                self._leave_together()
            return False
        if shared is None:
            self._shared = [data]
            self._since = monotonic()
            return True
        shared.append(data)
        if len(shared) >= _MAX_SHARING or monotonic() - self._since > _LONGEST_S:
            self._leave_together()
        return True

    def _leave_together(self) -> None:
        """Send what has waited for company; whoever posted it waits for nothing."""
        shared, self._shared = self._shared or [], None
        packet = b"".join(shared)
        try:
            if not self._has_left(packet, None, len(shared)):
                self._wait()
                self._line_up(packet, None).count = len(shared)
                return
        except PeerClosed:
            return  # the reader is about to learn why
        except IpcError as error:
            self._fail(error)
            return

    # ---- waiting for room

    def withdraw(self, outgoing: Outgoing) -> bool:
        """Take back a message that has not left; False when it has. Its handles are closed."""
        if self._backlog is not None:
            self._backlog.pop(outgoing, None)
        outgoing.close()
        return not outgoing.left

    def flush(self) -> None:
        """Send what waits, in order, as far as there is room."""
        while self._backlog:  # `clogged` meanwhile: what `done` posts lines up behind
            outgoing = next(iter(self._backlog))
            error: IpcError | None = None
            try:
                if not self._has_left(outgoing.data, outgoing.moved, outgoing.count):
                    self._wait_for_room()
                    return
            except PeerClosed as gone:
                self.drop(gone)
                return
            except IpcError as failure:  # this message's own fault: its handles, most likely
                error = failure
            self._backlog.pop(outgoing, None)
            outgoing.finish(error)
        self._backlog = None
        self.clogged = False

    def drop(self, error: IpcError) -> None:
        """Give up all that waits for room, because of `error`."""
        while self._backlog:
            self._backlog.popitem(last=False)[0].finish(error)
        self.clogged = False
