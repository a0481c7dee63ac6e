"""Outbox: messages on their way out of one channel, in order.

What does not fit the peer's queue waits here. How much may wait is bounded by whoever posts: a
caller waits for its own message, a server stops reading.
"""

from __future__ import annotations

import collections
from collections.abc import Callable

from ipcrt.errors import IpcError, PeerClosed, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Moved

Done = Callable[[IpcError | None], None]


class Outgoing:
    """A message that waits for room; owns its handles."""

    __slots__ = ("data", "done", "left", "moved")

    def __init__(self, data: bytes, moved: Moved | None) -> None:
        self.data = data
        self.moved = moved
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

    __slots__ = ("_backlog", "_channel", "_send", "_wait_for_room", "clogged", "sent")

    def __init__(self, channel: Channel, wait_for_room: Callable[[], None]) -> None:
        """`wait_for_room` has `flush` called once, when there is room or nobody to write to."""
        self._channel = channel
        self._send = channel.send  # once for all: this is done for every message
        self._wait_for_room = wait_for_room
        self.clogged = False
        """True while room is waited for: the peer's queue is full, or was a moment ago."""
        self.sent = 0
        """How many messages have left."""
        self._backlog: collections.OrderedDict[Outgoing, None] = collections.OrderedDict()

    @property
    def backlog_bytes(self) -> int:
        """How many bytes wait for room; counted when asked for."""
        return sum(len(outgoing.data) for outgoing in self._backlog)

    def __len__(self) -> int:
        """Answer how many messages wait for room."""
        return len(self._backlog)

    def post(self, data: bytes, moved: Moved | None = None) -> Outgoing | None:
        """Send a message now, or as soon as there is room; it owns the moved handles.

        Answers what waits, or None when it is sent.
        Raises: PeerClosed, NoResources, AccessDenied, OutOfRange; then the handles are closed.
        """
        try:
            if not self.clogged:
                if self._try_send(data, moved):
                    return None
                self._wait_for_room()
                self.clogged = True
        except BaseException:
            if moved is not None:
                moved.close()
            raise
        outgoing = Outgoing(data, moved)
        self._backlog[outgoing] = None
        return outgoing

    def post_now(self, data: bytes, moved: Moved | None = None) -> None:
        """Send a message now or not at all; its handles are closed where it fails.

        Raises: ShouldWait: no room. Else as `post`.
        """
        try:
            if self.clogged:
                raise ShouldWait(f"{len(self._backlog)} messages wait for room already")
            if not self._try_send(data, moved):
                raise ShouldWait("the peer's queue is full")
        finally:
            if moved is not None:
                moved.close()

    def withdraw(self, outgoing: Outgoing) -> bool:
        """Take back a message that has not left; False when it has. Its handles are closed."""
        self._backlog.pop(outgoing, None)
        outgoing.close()
        return not outgoing.left

    def flush(self) -> None:
        """Send what waits, in order, as far as there is room."""
        while self._backlog:  # `clogged` meanwhile: what `done` posts lines up behind
            outgoing = next(iter(self._backlog))
            error: IpcError | None = None
            try:
                if not self._try_send(outgoing.data, outgoing.moved):
                    self._wait_for_room()
                    return
            except PeerClosed as gone:
                self.drop(gone)
                return
            except IpcError as failure:  # this message's own fault: its handles, most likely
                error = failure
            self._backlog.pop(outgoing, None)
            outgoing.finish(error)
        self.clogged = False

    def drop(self, error: IpcError) -> None:
        """Give up all that waits, because of `error`."""
        while self._backlog:
            self._backlog.popitem(last=False)[0].finish(error)
        self.clogged = False

    def _try_send(self, data: bytes, moved: Moved | None) -> bool:
        try:
            if moved is None:
                self._send(data)
            else:
                self._channel.write_moved(data, moved)
        except ShouldWait:
            return False
        self.sent += 1
        return True
