"""Literal bytes for hostile peers: what no client or server of ours would send."""

from __future__ import annotations

import os

import msgspec

from ipcrt.errors import PeerClosed, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt.wire.frames import encode
from ipcrt.wire.header import HEADER, VERSION_1


def null() -> Handle:
    return Handle(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))


def place(index: int) -> object:
    """What stands for a handle in a body."""
    return msgspec.msgpack.Ext(1, bytes((index,)))


def message(ordinal: int, body: object, handles: int = 0, txid: int = 0) -> bytes:
    """A message with any body at all; bytes go out as they are."""
    raw = body if isinstance(body, bytes) else msgspec.msgpack.encode(body)
    return encode(txid, ordinal, 0, raw, handles)


def header(length: int, ordinal: int, count: int = 0, txid: int = 0) -> bytes:
    return HEADER.pack(txid, length, count, VERSION_1, ordinal)


async def wait_gone(channel: Channel, port: AsyncPort) -> None:
    """Wait until nobody has the other end; what is queued is dropped."""
    while True:
        try:
            channel.read().close()
        except ShouldWait:
            await port.wait_one(channel, Signals.READABLE | Signals.PEER_CLOSED, 10)
        except PeerClosed:
            return
