"""What `ipcrt pipe` does, on an event loop.

1. The server of what is read writes itself: a file that goes to a connection or another file, to
   that one's own descriptor, so that the kernel copies; anything else by the data channel of what
   is written.
2. What comes both ways (a connection, a process) is copied here, message by message: a server that
   copied it would never be told that nothing comes from us. So is what a server cannot pipe.
3. Where somebody looks, what a server copies is followed by a gauge (`resources_gauge`).
4. What is written is told its end only when all of it has come: who has gone in the middle leaves
   it without, and a store keeps what it had.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import sys
from functools import partial
from pathlib import Path

import anyio

from ipcrt.cli.complaint import Failed, Misused
from ipcrt.cli.resources import (
    DUPLEX,
    END,
    ONE_WAY,
    Resources,
    check_uri,
    flags_of,
    with_flags,
)
from ipcrt.cli.resources_copy import Drop, Feed, Forward, ProcessFrames, beside, exchange, take_all
from ipcrt.cli.resources_gauge import DescriptorGauge, Gauge, follow
from ipcrt.cli.resources_progress import Progress, can_show
from ipcrt.cli.resources_stdio import READING, STDERR, Sink
from ipcrt.errors import InvalidArgs, IpcError, NotSupported, PeerClosed, WrongType, from_oserror
from ipcrt.locator.connect import connect
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.data import DataChannel
from ipcrt.resources.limits import MAX_STREAM_BYTES


@dataclasses.dataclass(frozen=True, slots=True)
class Copied:
    """What was copied."""

    bytes: int
    seconds: float
    by_server: bool
    """No byte of it came through this process."""

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return self.bytes / self.seconds if self.seconds else 0.0


def run_pipe(from_uri: str, to_uri: str, at: Path | None, timeout: float) -> Copied:
    """Copy until the end; `at` is the locator's socket. Raises: IpcError; Failed."""
    return anyio.run(_pipe, from_uri, to_uri, at, timeout)


async def _pipe(from_uri: str, to_uri: str, at: Path | None, timeout: float) -> Copied:
    async with (
        connect(at, timeout=timeout) as locator,
        Resources(locator, timeout) as resources,
        contextlib.AsyncExitStack() as stack,
    ):
        with Progress(shown=can_show()) as progress:
            copy = Copy(resources, locator.port, from_uri, to_uri, progress)
            if sys.stderr is not None:
                copy.errors = Sink(locator.port, STDERR)
                stack.callback(copy.errors.close)
            await copy.run()
            return Copied(progress.bytes, progress.seconds, copy.by_server)


class Copy:
    """One copy."""

    def __init__(
        self, resources: Resources, port: AsyncPort, from_uri: str, to_uri: str, progress: Progress
    ) -> None:
        self._resources = resources
        self._port = port
        self._from = from_uri
        self._to = to_uri
        self._progress = progress
        self.errors: Sink | None = None
        """Where processes' stderr goes; lent."""
        self.by_server = True

    async def run(self) -> None:
        """Copy until the end. Raises: IpcError; Failed."""
        from_scheme, to_scheme = check_uri(self._from), check_uri(self._to)
        if from_scheme in ONE_WAY and await self._is_itself():
            raise Misused(f"{self._from:.80} would be written over by itself")
        if from_scheme == "file" and to_scheme == "tcp":
            await self._to_socket()
            return
        if from_scheme in DUPLEX:
            async with await self._resources.open(self._from) as source:
                await self._fill(partial(self._relay, source))
            return
        if from_scheme in ONE_WAY:  # nothing is written over for the sake of what is not there
            (await self._resources.open_handle(self._from)).close()
        if not (from_scheme == to_scheme == "file" and await self._to_file()):
            await self._fill(self._have_piped)

    async def _is_itself(self) -> bool:
        """True where both URIs are the same, or names of one file; before that is cut."""
        from_plain, to_plain = self._from.partition("?")[0], self._to.partition("?")[0]
        if from_plain == to_plain:
            return True
        if check_uri(self._from) != check_uri(self._to) or check_uri(self._to) != "file":
            return False
        try:
            with (
                await self._resources.open_handle(f"{from_plain}?fd") as source,
                await self._resources.open_handle(f"{to_plain}?write&fd") as target,
            ):
                return os.path.samestat(os.fstat(source.fileno()), os.fstat(target.fileno()))
        except IpcError:  # one is missing, or no file; copying tells what it makes of that
            return False

    async def _fill(self, feed: Feed) -> None:
        """Open what is written, and feed it."""
        process = self._process(self._to)
        async with await self._resources.open(self._to) as target:
            fed = await exchange(target, feed, Drop(process))
        await self._resources.check_end(self._to)
        if process is not None and process.status:
            raise Failed(f"{self._to:.80}: exit status {process.status}")
        if not fed:
            raise Failed(f"{self._to:.80}: closed before it had taken everything")

    def _process(self, uri: str) -> ProcessFrames | None:
        return ProcessFrames(uri, self.errors) if check_uri(uri) == "process" else None

    # ---- by the server

    async def _have_piped(self, target: DataChannel) -> None:
        """Have the server copy; where it cannot, do it here."""
        try:
            await self._follow(target, self._gauge_of_size)
        except NotSupported:
            async with await self._resources.open(self._from) as source:
                await self._relay(source, target)

    async def _to_file(self) -> bool:
        """Have the server write to a file itself; False: it cannot, and nothing has been copied."""
        try:
            with await self._resources.open_handle(with_flags(self._to, "fd")) as handle:
                await self._follow_descriptor(handle)
        except (InvalidArgs, NotSupported, WrongType):
            return False
        return True

    async def _to_socket(self) -> None:
        """Have the server write to a connection itself, and await the end of the other side."""
        with await self._resources.open_handle(with_flags(self._to, "fd")) as handle:
            await self._follow_descriptor(handle)
            try:
                with socket.socket(fileno=os.dup(handle.fileno())) as connection:
                    connection.shutdown(socket.SHUT_WR)
            except OSError as error:
                raise from_oserror(error, f"{self._to:.80}") from error
            await self._drain(handle)

    async def _follow_descriptor(self, handle: Handle) -> None:
        gauge = DescriptorGauge(handle.fileno(), appends="append" in flags_of(self._to))
        with Handle(os.dup(handle.fileno())) as copy:  # which is moved, if it comes to that
            await self._follow(copy, gauge)

    async def _gauge_of_size(self) -> int | None:
        if check_uri(self._to) != "file" or "truncate" not in flags_of(self._to):
            return None
        return await self._resources.size_of(self._to.partition("?")[0])

    async def _follow(self, write_to: DataChannel | Handle, gauge: Gauge) -> None:
        """Have the server copy, and show how far it is where somebody looks (rule 3)."""
        progress = self._progress

        async def copy() -> None:
            progress.reach(await self._resources.pipe(self._from, write_to))

        if not progress.shown:
            await copy()
            return
        if check_uri(self._from) in ONE_WAY:
            progress.total = await self._resources.size_of(self._from)
        await beside(copy, partial(follow, gauge, progress, self._port))

    async def _drain(self, handle: Handle) -> None:
        while True:
            try:
                if not os.read(handle.fileno(), MAX_STREAM_BYTES):
                    return
            except BlockingIOError:
                await self._port.wait_one(handle, READING)
            except OSError as error:
                raise from_oserror(error, f"{self._to:.80}") from error

    # ---- through here

    async def _relay(self, source: DataChannel, target: DataChannel) -> None:
        self.by_server = False
        process = self._process(self._from)
        if process is not None:
            with contextlib.suppress(PeerClosed):  # it has ended already
                await source.send_frame(END)  # it has no input
        await take_all(source, Forward(target, self._progress, process), leaves=process is None)
        await self._resources.check_end(self._from)
        if process is not None and process.status:
            raise Failed(f"{self._from:.80}: exit status {process.status}")
