"""What `ipcrt open` does, on an event loop."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import msgspec

from ipcrt.cli.complaint import Failed, Misused
from ipcrt.cli.resources import CONNECTIONS, DUPLEX, ONE_WAY, Resources, check_output, writes
from ipcrt.cli.resources_copy import ProcessFrames, exchange, feed_from
from ipcrt.cli.resources_progress import Progress, can_show
from ipcrt.cli.resources_stdio import STDERR, STDIN, STDOUT, Sink, Source
from ipcrt.cli.resources_values import shown
from ipcrt.cli.tree_text import safe
from ipcrt.locator.connect import connect
from ipcrt.port.aport import AsyncPort


@dataclasses.dataclass(frozen=True, slots=True)
class Opening:
    """What is to be opened, and how."""

    uri: str
    scheme: str
    socket: Path | None
    timeout: float
    """Seconds, for opening it."""
    sends: bool
    """Send standard input, even where that is a terminal."""
    as_json: bool


def run_open(opening: Opening) -> int:
    """Copy until the end; answer the exit status. Raises: BrokenPipeError: nobody reads stdout."""
    return anyio.run(_open, opening)


async def _open(opening: Opening) -> int:
    uri = opening.uri
    check_output()
    if sys.stdin is None and writes(uri):  # else what is there would be written over by nothing
        raise Misused("standard input is closed")
    async with (
        connect(opening.socket, timeout=opening.timeout) as locator,
        Resources(locator, opening.timeout) as resources,
        contextlib.AsyncExitStack() as stack,
    ):
        port = locator.port
        sink = Sink(port, STDOUT)
        stack.callback(sink.close)
        source = None if sys.stdin is None else Source(port, STDIN)  # else it is another's number
        if source is not None:
            stack.callback(source.close)
        is_terminal = source is not None and source.is_terminal
        sends = opening.sends or _sends(opening, is_terminal=is_terminal)
        shown = can_show() and (writes(uri) or not sink.is_terminal)
        if writes(uri):
            total = None if source is None else source.size
        else:
            total = await resources.size_of(uri) if shown and opening.scheme in ONE_WAY else None
        progress = stack.enter_context(Progress(shown=shown, total=total))
        errors = _errors(port, stack) if opening.scheme == "process" else None
        taker = Output(opening, sink, ProcessFrames(uri, errors), progress)
        data = await stack.enter_async_context(await resources.open(uri))
        fed = await exchange(
            data,
            partial(feed_from, source, progress if writes(uri) else None) if sends else None,
            taker,
            leaves=opening.scheme in CONNECTIONS and is_terminal,
        )
        if not data.closed:  # it leaves
            return 0
        await resources.check_end(uri)
        if writes(uri) and not fed:
            raise Failed(f"{uri:.80}: closed before it had taken everything")
        return taker.status


def _sends(opening: Opening, *, is_terminal: bool) -> bool:
    """True where standard input goes there without being told to."""
    if writes(opening.uri) or opening.scheme in DUPLEX:
        return True
    return opening.scheme not in ONE_WAY and not is_terminal


def _errors(port: AsyncPort, stack: contextlib.AsyncExitStack) -> Sink | None:
    if sys.stderr is None:
        return None
    errors = Sink(port, STDERR)
    stack.callback(errors.close)
    return errors


class Output:
    """Takes the data of one resource: streams as they are, frames as people read them."""

    def __init__(
        self, opening: Opening, sink: Sink, process: ProcessFrames, progress: Progress
    ) -> None:
        self._opening = opening
        self._sink = sink
        self._process = process
        self._progress = progress

    @property
    def status(self) -> int:
        """The exit status that the data tells."""
        return self._process.status or 0

    async def take_stream(self, data: bytes) -> None:
        await self._sink.write(data)
        self._progress.add(len(data))

    async def take_frame(self, data: bytes) -> None:
        if self._opening.scheme == "process":
            await self._process.take(data)
        elif self._opening.as_json:
            await self._sink.write(json.dumps(shown(data)).encode() + b"\n")
        elif self._opening.scheme == "file":
            await self._sink.write(entry_line(data, escaped=self._sink.is_terminal))
        else:
            await self.take_stream(data)


def entry_line(data: bytes, *, escaped: bool) -> bytes:
    """Answer a directory's entry as `ls -p` writes it; what is none, as it is."""
    try:
        entry = msgspec.msgpack.decode(data, type=_Entry)
    except msgspec.MsgspecError:
        return data
    name = entry.name.encode() if isinstance(entry.name, str) else entry.name
    if not isinstance(name, bytes):
        return data
    if escaped:
        name = safe(name.decode(errors="backslashreplace")).encode()
    return name + (b"/\n" if entry.type == "directory" else b"\n")


class _Entry(msgspec.Struct):
    name: Any
    type: str = ""
