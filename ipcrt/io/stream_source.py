"""StreamSource: a data channel as a stream of bytes.

1. Borders of messages mean nothing here, and an empty StreamData is no end (see `endings`).
2. A wait that ends early, by its deadline, a signal or another thread, loses no byte, and the
   channel goes on.
3. What the server tells by Error is raised by the next read, or where nobody reads by the next
   write or by `finish`.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

from ipcrt.errors import BadHandle, PeerClosed, ShouldWait, TimedOut
from ipcrt.io.endings import END, GRACE_S, hang_up, is_end, reset
from ipcrt.io.source import Source
from ipcrt.io.ways import Data, Ways
from ipcrt.resources.limits import MAX_STREAM_BYTES


class Leftover:
    """The rest of one message."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = memoryview(b"")

    def __bool__(self) -> bool:
        return len(self._rest) > 0

    def keep(self, data: bytes) -> None:
        """Keep a message; there must be no rest of another."""
        self._rest = memoryview(data)

    def move_into(self, view: memoryview) -> int:
        """Move as much as there is room for; answer how much."""
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class StreamSource(Source):
    """Owns the data channel."""

    def __init__(self, data: Data, ways: Ways, *, reads: bool) -> None:
        """Move `data` here. `reads`: somebody does."""
        self._data = data
        self._ways = ways
        self._reads = reads
        self._left = Leftover()
        self._ended = False
        self._closed = False

    async def read_into(self, view: memoryview, timeout: float | None) -> int:
        until = _until(timeout)
        while not self._left:
            if self._ended or not await self._take(until):
                return 0
        return self._left.move_into(view)

    async def _take(self, until: float | None) -> bool:
        """Take one message; False: the end."""
        try:
            message = await self._data.recv(timeout=_left(until))
        except PeerClosed:
            await self._check_end()
            self._ended = True
        else:
            self._ended = is_end(message)
            self._left.keep(message.data)
        return not self._ended

    async def write(self, view: memoryview, timeout: float | None) -> int:
        if not self._reads:
            self._look_for_errors()
        part = view[:MAX_STREAM_BYTES]  # one packet: it is sent or it is not (rule 2)
        try:
            with self._closed_by_whom():
                await self._data.send_stream(part, timeout=timeout)
        except PeerClosed:
            if not self._reads:
                self._look_for_errors()  # why the server has closed it, perhaps
            raise
        return len(part)

    @contextmanager
    def _closed_by_whom(self) -> Generator[None, None, None]:
        """Tell a channel that its peer closed while others ran from one that was closed here."""
        try:
            yield
        except BadHandle as error:
            if self._closed:
                raise
            raise PeerClosed("the server has closed the channel") from error

    def _look_for_errors(self) -> None:
        """Raises: what the server told of earlier writes; PeerClosed."""
        try:
            while True:
                self._data.try_recv()
        except ShouldWait:
            return

    async def _check_end(self) -> None:
        """Raises: ConnectionResetError: the server is gone altogether."""
        if await self._ways.server_gone():
            raise reset()

    def interrupt(self) -> bool:
        return self._ways.interrupt()

    async def finish(self, timeout: float | None) -> None:
        """End the stream, and wait until the server has dealt with it.

        Raises: what the server told of it; TimedOut.
        """
        until = _until(timeout)
        try:
            with self._closed_by_whom():
                await self._data.send_frame(END, timeout=_left(until))
            if self._reads:
                return  # who reads hears what there is to say
            if not await self._wait_end(_sooner(until, GRACE_S)):
                hang_up(self._data.channel)
                if not await self._wait_end(until):
                    raise TimedOut("the server has not taken all that was written")
        except PeerClosed:
            self._look_for_errors_at_end()
            await self._check_end()

    async def _wait_end(self, until: float | None) -> bool:
        """Wait for the server's end; False: not by then. Raises: PeerClosed, which is one, too."""
        while True:
            try:
                if is_end(await self._data.recv(timeout=_left(until))):
                    return True
            except TimedOut:
                return False

    def _look_for_errors_at_end(self) -> None:
        try:
            self._look_for_errors()
        except PeerClosed:
            return

    def close(self) -> None:
        self._closed = True
        self._data.close()


def _until(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())


def _sooner(until: float | None, seconds: float) -> float:
    grace = time.monotonic() + seconds
    return grace if until is None else min(until, grace)
