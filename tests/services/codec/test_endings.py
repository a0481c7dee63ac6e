"""Streams that end early: they say so, nothing is left of them, and nobody else notices."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest

from ipcrt.errors import PeerClosed
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt_services.codec.bindings import (
    MAX_STREAMS,
    Direction,
    Format,
    Settings,
    StreamError,
)
from tests.services.codec.flows import MIB, Flow, fill, through
from tests.services.codec.users import (
    PACK,
    compress,
    decompress,
    make,
    open_codecs,
    read_all,
    text,
    write_all,
)
from tests.services.conftest import Starter
from tests.support.proc import open_fds
from tests.support.processes import Spawner
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


# ---------------------------------------------------------------------------------- early endings


async def idle(port: AsyncPort, flow: Flow) -> None:
    """It waits for input."""
    await write_all(port, flow.writer, b"some")


async def stalled(port: AsyncPort, flow: Flow) -> None:
    """It waits for room in the output."""
    await fill(port, flow.writer, os.urandom(MIB))


def close_writer(flow: Flow) -> None:
    flow.writer.close()


def close_reader(flow: Flow) -> None:
    flow.reader.close()


@pytest.mark.parametrize("state", [idle, stalled])
@pytest.mark.parametrize("close", [close_writer, close_reader])
async def test_it_ends_when_a_side_goes(
    state: Callable[..., object],
    close: Callable[[Flow], None],
    start: Starter,
    tmp_path: Path,
    server_loop: str,
) -> None:
    child, (end,) = start("codec", tmp_path, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        await codec.update(Settings(level=1))
        before = open_fds(child.pid)
        async with Flow(codec, port, Direction.COMPRESS) as flow:
            await (idle if state is idle else stalled)(port, flow)
            close(flow)
            assert await flow.failure() is StreamError.CANCELED
            if flow.writer.closed:  # what has come is no whole
                packed = await read_all(port, flow.reader)
                with pytest.raises(zlib.error):
                    zlib.decompress(packed)
            else:
                await port.wait_one(flow.writer, Signals.PEER_CLOSED, 20)
        await wait_until_async(lambda: open_fds(child.pid) == before)
        assert await decompress(codec, await compress(codec, b"x")) == b"x"


async def test_it_ends_with_its_codec(start: Starter, tmp_path: Path, server_loop: str) -> None:
    child, (end,) = start("codec", tmp_path, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]):
        codec = await make(codecs, port)
        await codec.watch()
        before = open_fds(child.pid)
        async with Flow(codec, port, Direction.COMPRESS) as flow:
            await idle(port, flow)
            await wait_until_async(lambda: len(open_fds(child.pid)) == len(before) + 2)
            codec.close()
            await port.wait_one(flow.writer, Signals.PEER_CLOSED, 20)
            assert len(await read_all(port, flow.reader)) < 100
            await port.wait_one(flow.reader, Signals.PEER_CLOSED, 20)
        await wait_until_async(lambda: len(open_fds(child.pid)) == len(before) - 1)


@pytest.mark.parametrize("bad", [b"junk", PACK[Format.ZLIB](text(100)) + b"!", b"", b"x\x9c"])
async def test_a_malformed_stream_says_so(bad: bytes, start: Starter, tmp_path: Path) -> None:
    _, (end,) = start("codec", tmp_path)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        async with Flow(codec, port, Direction.DECOMPRESS) as flow:
            if bad:
                await write_all(port, flow.writer, bad)
            flow.writer.shutdown_write()
            assert await flow.failure() is StreamError.MALFORMED
            await port.wait_one(flow.reader, Signals.READABLE | Signals.PEER_CLOSED, 20)
        assert await decompress(codec, await compress(codec, b"x")) == b"x"


async def test_a_codec_has_so_many_streams(start: Starter, tmp_path: Path) -> None:
    _, (end,) = start("codec", tmp_path)
    async with (
        open_codecs(end) as (port, [codecs]),
        await make(codecs, port) as codec,
        Flow(codec, port, Direction.COMPRESS) as flow,
        AsyncExitStack() as stack,
    ):
        await idle(port, flow)
        for _ in range(MAX_STREAMS - 1):
            other = await stack.enter_async_context(Flow(codec, port, Direction.COMPRESS))
            await idle(port, other)
        await anyio.wait_all_tasks_blocked()
        await codec.watch()
        async with Flow(codec, port, Direction.COMPRESS) as more:
            assert await more.failure() is StreamError.TOO_MANY
        flow.writer.close()
        assert await flow.failure() is StreamError.CANCELED
        assert zlib.decompress(await through(codec, port, Direction.COMPRESS, b"x")) == b"x"


# ---------------------------------------------------------------------------------------- SIGKILL

# Has streams under way, one of them stalled, and a blob; and waits to be killed.
VICTIM = """
import os, sys, time
import anyio
from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.objects.channel import Channel
from ipcrt.objects.socket import Socket
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from ipcrt_services.codec.bindings import Codec, CodecProxy, CodecsProxy, Direction, Format

async def main():
    fd = int(sys.argv[1])
    os.set_inheritable(fd, False)
    async with open_port() as port:
        codecs = CodecsProxy(ClientEnd(Channel(fd)), port)
        client, server = create_endpoints(Codec)
        codec = CodecProxy(client, port)
        await codecs.create(Format.ZLIB, server)
        kept = []
        for _ in range(3):
            writer, source = Socket.create()
            sink, reader = Socket.create()
            kept += [writer, reader]
            port.spawn(codec.stream(Direction.COMPRESS, source, sink, timeout=None), "stream")
            await anyio.sleep(0.01)
        block = os.urandom(65536)
        for writer in kept[0], kept[2]:
            try:
                for _ in range(64):
                    await port.wait_one(writer, 2, 0.3)
                    writer.write(block)
            except TimeoutError:
                pass
        port.spawn(codec.compress(Vmo.from_bytes(block * 512)), "blob")
        await codec.watch()
        print("streaming", flush=True)
        time.sleep(60)

anyio.run(main)
"""


async def test_a_client_that_is_killed_gives_everything_back(
    start: Starter, tmp_path: Path, server_loop: str, spawn_python: Spawner
) -> None:
    child, (end, doomed) = start("codec", tmp_path, clients=2, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        await codec.update(Settings(level=1))
        before = set(open_fds(child.pid).items())
        with doomed.take_channel() as channel:
            fd = channel.fileno()
            victim = spawn_python(VICTIM, fd, pass_fds=[fd])
        assert victim.line() == "streaming"
        during = len(open_fds(child.pid))
        assert during >= len(before) + 1 + 6  # a codec, three streams
        victim.kill()
        # The victim's first channel goes, too.
        await wait_until_async(lambda: len(open_fds(child.pid)) == len(before) - 1, 20)
        assert set(open_fds(child.pid).items()) < before
        assert zlib.decompress(await through(codec, port, Direction.COMPRESS, b"x")) == b"x"


async def test_a_server_that_is_killed_ends_its_streams(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    child, (end,) = start("codec", tmp_path, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        await codec.watch()
        before = set(open_fds())
        async with Flow(codec, port, Direction.COMPRESS) as flow:
            await stalled(port, flow)
            child.kill()
            await flow.ended.wait()
            assert isinstance(flow.error, PeerClosed)
            with pytest.raises(zlib.error):
                zlib.decompress(await read_all(port, flow.reader))
        assert set(open_fds()) <= before


async def test_a_server_that_is_told_to_stop_gives_up_what_is_under_way(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    child, (end,) = start("codec", tmp_path, loop=server_loop)
    async with (
        open_codecs(end) as (port, [codecs]),
        await make(codecs, port) as codec,
        Flow(codec, port, Direction.COMPRESS) as flow,
    ):
        await stalled(port, flow)
        child.finish()  # with status 0: nothing hangs
        await flow.ended.wait()
        assert flow.error is not None
