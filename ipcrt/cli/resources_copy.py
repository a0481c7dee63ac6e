"""Copying by data channels: what feeds one, and what takes what comes by it, at the same time.

1. Whoever feeds a channel says when that has ended, with an empty frame; the other direction goes
   on until the server closes the channel.
2. What the server says counts: an Error fails the copy even where feeding has failed first, as it
   does when the server closes behind an Error.
3. Nothing is held but what is on its way: who feeds waits while the server has no room, and the
   server waits while nobody takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeAlias

import anyio
import msgspec

from ipcrt.cli.resources import END
from ipcrt.cli.resources_progress import Progress
from ipcrt.cli.resources_stdio import Sink, Source
from ipcrt.errors import PeerClosed, RemoteProtocolError
from ipcrt.port.signals import Signals, observe
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import FramedData

_STDERR: Final = "stderr"
_EXIT: Final = "exit"
_SIGNALED: Final = 128
"""A shell's exit status for the signal of this number plus that."""

Feed: TypeAlias = Callable[[DataChannel], Awaitable[object]]
"""Sends what there is; PeerClosed where the server wants no more."""


Job: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Taker(Protocol):
    """What takes the messages of a data channel."""

    async def take_stream(self, data: bytes) -> None:
        """Take some bytes."""
        ...

    async def take_frame(self, data: bytes) -> None:
        """Take one frame, which is not empty."""
        ...


class ProcessFrames:
    """Takes the frames of a process: what it says on stderr, and how it has ended."""

    def __init__(self, uri: str, errors: Sink | None) -> None:
        """Lend `errors`, where the process's stderr goes."""
        self._uri = uri
        self._errors = errors
        self.status: int | None = None
        """A shell's exit status of it, once it has ended."""

    async def take(self, data: bytes) -> None:
        """Take one. Raises: RemoteProtocolError: it is no such frame."""
        try:
            kind, value = msgspec.msgpack.decode(data, type=tuple[str, bytes | int])
        except msgspec.MsgspecError as error:
            raise RemoteProtocolError(f"{self._uri:.80}: a frame of no process: {error}") from error
        if kind == _STDERR and isinstance(value, bytes):
            if self._errors is not None:
                await self._errors.write(value)
        elif kind == _EXIT and isinstance(value, int):
            self.status = value if value >= 0 else _SIGNALED - value
        else:
            raise RemoteProtocolError(f"{self._uri:.80}: a frame of no process: {kind:.20}")


async def exchange(
    data: DataChannel, feed: Feed | None, taker: Taker, *, leaves: bool = False
) -> bool:
    """Feed a channel while its messages are taken, until it closes; False: not all was fed.

    `leaves`: do not wait for the closing where the other side has said all that it will.
    Raises: what either has raised (rule 2).
    """
    fed = feed is None

    async def feeding() -> None:
        nonlocal fed
        if feed is None:
            return
        try:
            await feed(data)
            await data.send_frame(END)
        except PeerClosed:
            if not _is_gone(data):
                raise  # it is somebody else who has gone
        else:
            fed = True

    async def taking() -> None:
        await take_all(data, taker, leaves=leaves)

    await beside(taking, feeding)
    return fed


def _is_gone(data: DataChannel) -> bool:
    """True where the server has closed the channel, whatever of it is still unread."""
    channel = data.channel
    return channel.closed or Signals.PEER_GONE in observe(channel, Signals.PEER_GONE)


async def take_all(data: DataChannel, taker: Taker, *, leaves: bool) -> None:
    """Take messages until the channel closes, or, where it `leaves`, until their end."""
    async for message in data:
        if not isinstance(message, FramedData):
            await taker.take_stream(message.data)
        elif message.data != END:
            await taker.take_frame(message.data)
        elif leaves:
            return


async def feed_from(source: Source | None, progress: Progress | None, data: DataChannel) -> None:
    """Feed what is read of a descriptor; None: nothing."""
    while source is not None and (part := await source.read()):
        await data.send_stream(part)
        if progress is not None:
            progress.add(len(part))


class Forward:
    """Takes messages by sending them on; of a process, its output alone."""

    def __init__(self, to: DataChannel, progress: Progress, process: ProcessFrames | None) -> None:
        self._to = to
        self._progress = progress
        self._process = process

    async def take_stream(self, data: bytes) -> None:
        await self._to.send_stream(data)
        self._progress.add(len(data))

    async def take_frame(self, data: bytes) -> None:
        if self._process is not None:
            await self._process.take(data)
            return
        await self._to.send_frame(data)
        self._progress.add(len(data))


class Drop:
    """Takes messages and forgets them; of a process, its output."""

    def __init__(self, process: ProcessFrames | None) -> None:
        self._process = process

    async def take_stream(self, data: bytes) -> None:
        del data

    async def take_frame(self, data: bytes) -> None:
        if self._process is not None:
            await self._process.take(data)


async def beside(main: Job, other: Job) -> None:
    """Run both until `main` has ended, or one fails; raises what the first that failed raised."""
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            await main()
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise _first_of(group) from None


def _first_of(error: BaseException) -> BaseException:
    """Answer what a group began with."""
    inner: Sequence[BaseException] = getattr(error, "exceptions", ())
    return _first_of(inner[0]) if inner else error
