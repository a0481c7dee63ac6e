"""Data channels for plain threads: the names of `data`, with calls that block.

All timeouts are in seconds; None: for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Self

from ipcrt.errors import IpcError, PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.data_end import ChannelEnd, Octets, SenderEnd, parts_of, size_of
from ipcrt.resources.hearing import Hearing
from ipcrt.resources.link import Link, OnError, Received


class BlockingDataSender(SenderEnd):
    """As `DataSender`; used on its port's thread."""

    __slots__ = ("_port",)

    def __init__(
        self, channel: Channel, port: BlockingPort, on_error: OnError | None = None
    ) -> None:
        """Move `channel` here; see `on_error`."""
        super().__init__(channel, port, on_error)
        self._port = port

    def send_frame(self, data: Octets, *, timeout: float | None = None) -> None:
        """As `DataSender.send_frame`."""
        self._send(self._frame(data), size_of(data), _until(timeout))

    def send_stream(self, data: Octets, *, timeout: float | None = None) -> None:
        """As `DataSender.send_stream`."""
        until = _until(timeout)
        for part in parts_of(data):
            self._send(self._stream(part), len(part), until)

    def send_error(self, status: int, *, timeout: float | None = None) -> None:
        """As `DataSender.send_error`."""
        self._send(self._link.encode_error(status), 0, _until(timeout))

    def _send(self, data: bytes, size: int, until: float | None) -> None:
        self._port.check_blocking(_left(until))
        sending = self._link.post(data, size)
        if sending is None:
            return
        try:
            self._port.run_until(sending.waiter, _left(until))
        finally:
            self._link.withdraw(sending)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BlockingDataErrors(Hearing):
    """As `DataErrors`."""

    __slots__ = ("_wait_news",)

    def __init__(self, link: Link, wait_news: Callable[[], None]) -> None:
        super().__init__(link)
        self._wait_news = wait_news

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> IpcError:
        try:
            while self.link is not None:
                error = self.link.take_error()
                if error is not None:
                    return error
                self._wait_news()
        except PeerClosed:
            pass
        raise StopIteration


class BlockingDataChannel(BlockingDataSender, ChannelEnd):
    """As `DataChannel`; used on its port's thread."""

    __slots__ = ()

    def recv(self, *, timeout: float | None = None) -> Received:
        """As `DataChannel.recv`."""
        self._port.check_blocking(timeout)
        until = _until(timeout)
        while (message := self._link.take()) is None:
            self.wait_news(until)
        return message

    def errors(self) -> BlockingDataErrors:
        """As `DataChannel.errors`."""
        return BlockingDataErrors(self._link, self.wait_news)

    def wait_news(self, until: float | None = None) -> None:
        """Block for a message, an error or the end, until then on the monotonic clock."""
        self._link.want()
        waiter = self._link.wait()
        try:
            self._port.run_until(waiter, _left(until), reader=self._link.connection)
        finally:
            self._link.forget(waiter)

    def __iter__(self) -> Iterator[Received]:
        return self

    def __next__(self) -> Received:
        try:
            return self.recv()
        except PeerClosed:
            raise StopIteration from None


def _until(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _left(until: float | None) -> float | None:
    return None if until is None else max(0.0, until - time.monotonic())
