"""Data channels for tasks that await: what `open` answers, and what a server's handler is given.

    async with await client.open("file:///etc/motd") as data:
        async for message in data:
            out.write(message.data)

All timeouts are in seconds; None: for ever.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Self

from ipcrt.bindings.call import Sending
from ipcrt.errors import IpcError, PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.data_end import ChannelEnd, Octets, SenderEnd, parts_of, size_of
from ipcrt.resources.hearing import Hearing
from ipcrt.resources.link import Link, OnError, Received

_FAIR_SHARE: Final = 64
"""Messages that a task may send in a row before others get a turn."""


class DataSender(SenderEnd):
    """An end that is only written to, such as Pipe's `write_to`; owns the channel."""

    __slots__ = ("_port", "_streak")

    def __init__(self, channel: Channel, port: AsyncPort, on_error: OnError | None = None) -> None:
        """Move `channel` here; see `on_error`."""
        super().__init__(channel, port, on_error)
        self._port = port
        self._streak = 0

    async def send_frame(self, data: Octets, *, timeout: float | None = None) -> None:
        """Send one frame of at most 16 MiB, waiting while the peer's queue is full.

        Raises: PeerClosed, TimedOut, LocalProtocolError, Canceled: closed meanwhile. BadHandle:
        before. What was not sent then never is.
        """
        await self._send(self._frame(data), size_of(data), self._port.until(timeout))

    async def send_stream(self, data: Octets, *, timeout: float | None = None) -> None:
        """Send all the bytes, in packets of 64 KiB, waiting while the peer's queue is full.

        `timeout` is for all of them; where it ends this, `sent_bytes` tells how many have left.
        Raises: as `send_frame`.
        """
        until = self._port.until(timeout)
        for part in parts_of(data):
            await self._send(self._stream(part), len(part), until)

    async def send_error(self, status: int, *, timeout: float | None = None) -> None:
        """Tell the peer that what it sent has failed; raises as `send_frame`."""
        await self._send(self._link.encode_error(status), 0, self._port.until(timeout))

    async def _send(self, data: bytes, size: int, until: float | None) -> None:
        self._streak += 1
        if self._port.strict or self._streak >= _FAIR_SHARE:
            self._streak = 0
            await self._port.checkpoint()
        sending = self._link.post(data, size)
        if sending is not None:
            await self._wait_sent(sending, until)

    async def _wait_sent(self, sending: Sending, until: float | None) -> None:
        self._streak = 0
        try:
            await self._port.wait_result(sending.waiter, self._port.left(until))
        finally:
            self._link.withdraw(sending)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class DataErrors(Hearing):
    """What `DataChannel.errors` answers; `close` ends it, as forgetting it does."""

    __slots__ = ("_wait_news",)

    def __init__(self, link: Link, wait_news: Callable[[], Awaitable[None]]) -> None:
        super().__init__(link)
        self._wait_news = wait_news

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> IpcError:
        try:
            while self.link is not None:
                error = self.link.take_error()
                if error is not None:
                    return error
                await self._wait_news()
        except PeerClosed:
            pass
        raise StopAsyncIteration


class DataChannel(DataSender, ChannelEnd):
    """One end of a data channel; owns the channel."""

    __slots__ = ()

    async def recv(self, *, timeout: float | None = None) -> Received:
        """Await the oldest message.

        Raises: PeerClosed: the end. TimedOut. RemoteProtocolError: the peer broke the contract.
        Canceled: closed meanwhile. BadHandle: before. Where neither `on_error` nor `errors` is in
        use: an error of what was sent before, once, and the channel goes on.
        """
        link = self._link
        until = self._port.until(timeout)
        if self._port.strict:
            await self._port.checkpoint()
        while (message := link.take()) is None:
            await self.wait_news(until)
        return message

    def errors(self) -> DataErrors:
        """Iterate over the errors of what was sent, for as long as the channel lasts.

        Without anybody who iterates, and without `on_error`, `recv` raises them. Messages are read
        ahead for it as `on_error` tells, until the iterator is closed or forgotten.
        """
        return DataErrors(self._link, self.wait_news)

    async def wait_news(self, until: float | None = None) -> None:
        """Await a message, an error or the end, until then on the port's clock."""
        self._link.want()
        waiter = self._link.wait()
        try:
            await self._port.wait_result(waiter, self._port.left(until))
        finally:
            self._link.forget(waiter)

    def __aiter__(self) -> AsyncIterator[Received]:
        return self

    async def __anext__(self) -> Received:
        try:
            return await self.recv()
        except PeerClosed:
            raise StopAsyncIteration from None
