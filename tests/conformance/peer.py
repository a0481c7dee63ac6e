"""The other side of a channel by hand: says any bytes at all, and tells what comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

from ipcrt.bindings.tables import Event, Method
from ipcrt.errors import PeerClosed, Status
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event as EventHandle
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.channel import AsyncChannel
from ipcrt.wire.body import decode_value, encode_value
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import encode, split
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE, HEADER, VERSION_1

SECONDS = 10
UNKNOWN = 0x1234_5678_9ABC_DEF0
"""An ordinal that no protocol here has."""

Said = Method[Any, Any] | Event[Any]


@dataclasses.dataclass(frozen=True)
class Slot:
    """Stands for a handle in a body."""

    index: int


class Peer:
    """One end of a channel, and what has been said on it."""

    def __init__(self, channel: Channel, port: AsyncPort) -> None:
        self._channel = AsyncChannel(channel, port)
        self.handles: list[Handle] = []
        """Those of the message that was read last."""

    async def send(
        self,
        said: Said,
        *body: Any,
        txid: int = 0,
        flags: int | None = None,
        handles: Sequence[Handle] = (),
    ) -> None:
        """Send one message; no body at all, or one value."""
        flags = said.flags if flags is None else flags
        data = encode_value(body[0], lambda slot: cast("Slot", slot).index) if body else b""
        await self.send_raw(encode(txid, said.ordinal, flags, data, len(handles)), handles)

    async def send_unknown(self, txid: int = 0, *, flexible: bool, handles: int = 0) -> None:
        """Send what no contract knows, perhaps with handles."""
        body = encode_value(None) if not handles else handle_array(handles)
        data = encode(txid, UNKNOWN, FLEXIBLE if flexible else 0, body, handles)
        await self.send_raw(data, [EventHandle.create() for _ in range(handles)])

    async def send_raw(self, data: bytes, handles: Sequence[Handle] = ()) -> None:
        await self._channel.write(data, handles)

    async def send_epitaph(self, status: Status, txid: int = 0) -> None:
        await self.send_raw(encode_epitaph(status, txid))

    async def expect(self, said: Said, *body: Any, txid: int = 0) -> None:
        """Read one message, which must be this one."""
        got_txid, ordinal, flags, got = await self._read()
        assert (got_txid, ordinal) == (txid, said.ordinal)
        assert flags & FLEXIBLE == said.flags & FLEXIBLE
        assert got == (body[0] if body else b"")

    async def expect_request(self, said: Said, *body: Any) -> int:
        """Read one request, which must be this one; answer its txid."""
        txid, ordinal, flags, got = await self._read()
        assert txid != 0
        assert ordinal == said.ordinal
        assert flags & FLEXIBLE == said.flags & FLEXIBLE
        assert got == (body[0] if body else b"")
        return txid

    async def expect_unknown_method(self, txid: int) -> None:
        """Read the framework's answer to a call that nobody knows."""
        got_txid, ordinal, _, body = await self._read()
        assert (got_txid, ordinal, body) == (txid, UNKNOWN, [3, Status.NOT_SUPPORTED])

    async def expect_epitaph(self, status: Status, txid: int = 0) -> None:
        got_txid, ordinal, _, body = await self._read()
        assert (got_txid, ordinal, body) == (txid, EPITAPH_ORDINAL, status)

    async def expect_closed(self) -> None:
        """The other side has closed its end, and says nothing more."""
        try:
            message = await self._channel.read(SECONDS)
        except PeerClosed:
            return
        message.close()
        raise AssertionError(f"still said {message.data!r}")

    async def _read(self) -> tuple[int, int, int, Any]:
        message = await self._channel.read(SECONDS)
        self.close_handles()
        self.handles = message.handles
        ((txid, ordinal, flags, body, *_),) = split(memoryview(message.data), len(self.handles))
        value = decode_value(body, Slot, len(self.handles)) if body else b""
        return txid, ordinal, flags, value

    def close_handles(self) -> None:
        for handle in self.handles:
            handle.close()
        self.handles = []

    def close(self) -> None:
        self.close_handles()
        self._channel.close()


def handle_array(count: int) -> bytes:
    """Answer a body that names each of `count` handles once."""
    return bytes([0x90 + count]) + b"".join(bytes((0xD4, 1, index)) for index in range(count))


def header(
    ordinal: int, body: bytes = b"", *, txid: int = 0, count: int = 0, flags: int = VERSION_1
) -> bytes:
    """Answer a message whose header says just this, right or wrong."""
    return HEADER.pack(txid, len(body), count, flags, ordinal) + body
