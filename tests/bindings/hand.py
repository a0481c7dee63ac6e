"""One side of a channel done by hand: a small contract, raw messages, a port served by turns."""

from __future__ import annotations

import os
from typing import Any

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.server import Server
from ipcrt.bindings.tables import Event, Kind, Method, OneWay, Openness, ProtocolTable, TwoWay
from ipcrt.errors import IpcError, PeerClosed, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.port import Port
from ipcrt.wire.frames import encode, split
from tests.bindings.calc import CalcFailed, File, Number, Pair, Text

Raw = tuple[int, int, int, bytes]
"""txid, ordinal, flags, body."""


class Tiny(Protocol):
    """What plain functions can serve."""


ADD = TwoWay("test/Tiny.Add", Pair, Number, strict=True)
GIVE = TwoWay("test/Tiny.Give", File, File, raises=CalcFailed)
KEEP = OneWay("test/Tiny.Keep", File)
SAY = OneWay("test/Tiny.Say", Text)
ON_NEWS = Event("test/Tiny.OnNews", Text)
ON_FILE = Event("test/Tiny.OnFile", File)

Tiny.TABLE = ProtocolTable("test/Tiny", Openness.AJAR, (ADD, GIVE, KEEP, SAY, ON_NEWS, ON_FILE))


class TinyServer(Server[Tiny]):
    """Remembers what it was told; fails where it is told to."""

    PROTOCOL = Tiny

    def __init__(self) -> None:
        self.mishap: Exception | None = None
        self.added: list[int] = []
        self.said: list[str] = []
        self.kept: list[Handle] = []
        self.unknown: list[tuple[int, Kind]] = []
        self.gone: list[IpcError] = []

    def add(self, a: int, b: int) -> Number:
        self.added.append(a)
        return Number(a + b)

    def give(self, file: Handle) -> File:
        self._trip()
        return File(file)

    def keep(self, file: Handle) -> None:
        self._trip()
        self.kept.append(file)

    def say(self, text: str) -> None:
        self.said.append(text)

    def unknown_method(self, ordinal: int, kind: Kind) -> None:
        self.unknown.append((ordinal, kind))
        self._trip()

    def client_gone(self, reason: IpcError) -> None:
        self.gone.append(reason)
        self._trip()

    def _trip(self) -> None:
        if self.mishap is not None:
            raise self.mishap


def raw(txid: int, method: Method[Any, Any], body: bytes, handle_count: int = 0) -> bytes:
    """Build one message of `method`."""
    return encode(txid, method.ordinal, method.flags, body, handle_count)


def serve_turns(port: Port) -> None:
    """Serve what is ready, and what comes of it."""
    for _ in range(6):
        port.dispatch()


def received(end: Channel) -> list[Raw]:
    """Read all messages that are there; they have no handles."""
    messages: list[Raw] = []
    while True:
        try:
            message = end.read()
        except (ShouldWait, PeerClosed):
            return messages
        frames = split(memoryview(message.data), len(message.handles))
        assert not message.handles
        messages += [(txid, number, flags, bytes(body)) for txid, number, flags, body, *_ in frames]


def hung_up(end: Channel) -> bool:
    """True where the other end is closed and nothing is left to read."""
    try:
        end.read().close()
    except PeerClosed:
        return True
    except ShouldWait:
        pass
    return False


def fill(end: Channel) -> int:
    """Write until the other end's queue is full; answer how many messages fit."""
    count = 0
    while True:
        try:
            end.write(raw(0, SAY, b"\x91\xa1x"))
        except ShouldWait:
            return count
        count += 1


def null() -> Handle:
    """Open a file to send."""
    return Handle(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
