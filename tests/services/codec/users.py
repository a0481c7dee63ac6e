"""What clients of the codecs do in several tests."""

from __future__ import annotations

import bz2
import lzma
import random
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.errors import PeerClosed
from ipcrt.objects.seals import IMMUTABLE
from ipcrt.objects.socket import Socket
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.signals import Signals
from ipcrt_services.codec.bindings import Codec, CodecProxy, CodecsProxy, Format

FORMATS: Final = (Format.ZLIB, Format.BZ2, Format.LZMA)

PACK: Final[dict[Format, Callable[[bytes], bytes]]] = {
    Format.ZLIB: zlib.compress,
    Format.BZ2: bz2.compress,
    Format.LZMA: lzma.compress,
}
UNPACK: Final[dict[Format, Callable[[bytes], bytes]]] = {
    Format.ZLIB: zlib.decompress,
    Format.BZ2: bz2.decompress,
    Format.LZMA: lzma.decompress,
}


def text(size: int, seed: int = 1) -> bytes:
    """Bytes that can be compressed, but not to nothing."""
    return random.Random(seed).randbytes(-(-size // 2)).hex().encode()[:size]


@asynccontextmanager
async def open_codecs(
    *ends: ClientEnd[Any],
) -> AsyncGenerator[tuple[AsyncPort, list[CodecsProxy]], None]:
    """A proxy for each end."""
    async with open_port() as port:
        codecs = [CodecsProxy(end, port) for end in ends]
        try:
            yield port, codecs
        finally:
            for each in codecs:
                each.close()


async def make(codecs: CodecsProxy, port: AsyncPort, format_: Format = Format.ZLIB) -> CodecProxy:
    """A codec, which may not be made yet; the caller closes it."""
    client, server = create_endpoints(Codec)
    codec = CodecProxy(client, port)
    try:
        await codecs.create(format_, server)
    except BaseException:
        codec.close()
        raise
    return codec


async def compress(codec: CodecProxy, data: bytes) -> bytes:
    return content((await codec.compress(Vmo.from_bytes(data))).result)


async def decompress(codec: CodecProxy, data: bytes) -> bytes:
    return content((await codec.decompress(Vmo.from_bytes(data))).result)


def content(vmo: Vmo) -> bytes:
    """What a result holds, mapped: it is sealed; closes it."""
    with vmo:
        assert vmo.seals & IMMUTABLE == IMMUTABLE
        with vmo.map() as mapping:
            assert len(mapping) == vmo.content_size
            return bytes(mapping)


async def write_all(port: AsyncPort, socket: Socket, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        await port.wait_one(socket, Signals.WRITABLE | Signals.PEER_CLOSED, 20)
        rest = rest[socket.write(rest[:65536]) :]


async def read_all(port: AsyncPort, socket: Socket) -> bytes:
    parts: list[bytes] = []
    end = Signals.PEER_WRITE_DISABLED | Signals.PEER_CLOSED
    try:
        while True:
            await port.wait_one(socket, Signals.READABLE | end, 20)
            parts.append(socket.read())
    except PeerClosed:
        return b"".join(parts)


async def in_time(what: Any) -> Any:
    """Await; the bound is for hangs."""
    with anyio.fail_after(20):
        return await what
