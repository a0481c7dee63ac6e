"""Streams between processes: of any length, and no faster than they are read."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path

import anyio
import pytest

from ipcrt.errors import PeerClosed
from ipcrt.objects.socket import Socket
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt_services.codec.bindings import (
    Direction,
    Format,
    Settings,
)
from tests.services.codec.conftest import HEAVY
from tests.services.codec.flows import MIB, Flow, fill, through
from tests.services.codec.users import (
    FORMATS,
    PACK,
    UNPACK,
    compress,
    decompress,
    make,
    open_codecs,
    read_all,
    text,
    write_all,
)
from tests.services.conftest import Starter

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("format_", FORMATS)
async def test_streams_of_any_length(
    format_: Format, start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, (end,) = start("codec", tmp_path, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port, format_) as codec:
        for size in (0, 1, 65536, MIB + 3):
            data = text(size)
            packed = await through(codec, port, Direction.COMPRESS, data)
            assert UNPACK[format_](packed) == data
            assert await through(codec, port, Direction.DECOMPRESS, packed) == data


@HEAVY
async def test_64_mib_through_a_slow_reader(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    child, (end,) = start("codec", tmp_path, loop=server_loop)
    block = os.urandom(MIB)
    expected = hashlib.sha256()
    for _ in range(64):
        expected.update(block)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        await codec.update(Settings(level=1))
        async with Flow(codec, port, Direction.COMPRESS) as flow:
            written = await fill(port, flow.writer, block)
            before = memory_peak(child.pid)
            assert written < 4 * MIB, "nobody reads, and yet it is taken"
            assert not flow.ended.is_set()
            async with anyio.create_task_group() as tasks:

                async def write() -> None:
                    await write_all(port, flow.writer, block[written % MIB :])
                    for _ in range(written // MIB + 1, 64):
                        await write_all(port, flow.writer, block)
                    flow.writer.shutdown_write()

                tasks.start_soon(write)
                assert await read_slowly(port, flow.reader) == expected.digest()
            await flow.ended.wait()
            assert flow.response is not None
            assert flow.response.read_bytes == 64 * MIB
        assert memory_peak(child.pid) - before < 8 * MIB


async def read_slowly(port: AsyncPort, socket: Socket) -> bytes:
    """Read to the end, with a pause after each MiB; the digest of what was compressed."""
    unpacker, digest, count = zlib.decompressobj(), hashlib.sha256(), 0
    end = Signals.PEER_WRITE_DISABLED | Signals.PEER_CLOSED
    try:
        while True:
            await port.wait_one(socket, Signals.READABLE | end, 20)
            data = socket.read()
            digest.update(unpacker.decompress(data))
            if (count + len(data)) // MIB > count // MIB:
                await port.sleep(0.005)
            count += len(data)
    except PeerClosed:
        assert unpacker.eof
        return digest.digest()


def memory_peak(pid: int) -> int:
    """The most bytes of memory that a process has had; proc_pid_status(5)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


async def test_a_bomb_in_a_stream_waits_for_its_reader(start: Starter, tmp_path: Path) -> None:
    child, (end,) = start("codec", tmp_path)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        await decompress(codec, await compress(codec, text(MIB)))
        before = memory_peak(child.pid)
        async with Flow(codec, port, Direction.DECOMPRESS) as flow:
            bomb = PACK[Format.ZLIB](bytes(128 * MIB))
            await write_all(port, flow.writer, bomb[: 100 << 10])
            await port.wait_one(flow.reader, Signals.READABLE, 20)
            assert await decompress(codec, await compress(codec, b"x")) == b"x"
            assert not flow.ended.is_set()
        assert memory_peak(child.pid) - before < 8 * MIB


async def test_one_socket_goes_both_ways(start: Starter, tmp_path: Path) -> None:
    _, (end,) = start("codec", tmp_path)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        ours, theirs = Socket.create()
        with ours, theirs:
            async with anyio.create_task_group() as tasks:

                async def ask() -> None:
                    await codec.stream(Direction.COMPRESS, theirs.duplicate(), theirs.duplicate())

                tasks.start_soon(ask)
                await write_all(port, ours, text(5000))
                ours.shutdown_write()
            # By the half-close: our own handle keeps the socket open.
            assert zlib.decompress(await read_all(port, ours)) == text(5000)


async def test_a_writer_may_go_once_its_end_is_read(start: Starter, tmp_path: Path) -> None:
    _, (end,) = start("codec", tmp_path)
    data = os.urandom(800_000)  # bzip2 keeps all of it until the end
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port, Format.BZ2) as codec:
        await codec.update(Settings(level=9))
        async with Flow(codec, port, Direction.COMPRESS) as flow:
            await write_all(port, flow.writer, data)
            flow.writer.shutdown_write()
            head = b""
            while len(head) < 100:
                await port.wait_one(flow.reader, Signals.READABLE, 20)
                head += flow.reader.read(10)
            flow.writer.close()
            await port.sleep(0.05)
            assert not flow.ended.is_set()  # there is no room for the rest
            packed = head + await read_all(port, flow.reader)
            assert UNPACK[Format.BZ2](packed) == data
            await flow.ended.wait()
            assert flow.error is None
