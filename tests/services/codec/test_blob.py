"""Blobs go in as memory that may only be read, and come out sealed."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest

from ipcrt.bindings.ends import ClientEnd
from ipcrt.errors import AccessDenied, LocalProtocolError
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt_services.codec.bindings import (
    MAX_BLOB_BYTES,
    BlobError,
    BlobFailed,
    Codec,
    CodecProxy,
    Format,
    Settings,
)
from ipcrt_services.codec.blob import BlobJob
from ipcrt_services.codec.coders import TURN_BYTES, load
from tests.services.codec.users import (
    FORMATS,
    PACK,
    UNPACK,
    compress,
    content,
    decompress,
    make,
    open_codecs,
    text,
)
from tests.services.conftest import Starter
from tests.support.processes import Spawner

pytestmark = pytest.mark.anyio

SIZES = [0, 1, TURN_BYTES, 3 * TURN_BYTES + 17]

# Serves a codec, and tries to change each blob that it is given.
TAMPERER = """
import mmap, os, sys
import anyio
from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import ServerBinding
from ipcrt.objects.channel import Channel
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from ipcrt_services.codec.bindings import CodecCompressResponse, CodecServer

def attempt(name, action):
    try:
        action()
        print(name, "done", flush=True)
    except OSError as error:
        print(name, "refused", flush=True)

class Tamperer(CodecServer):
    def compress(self, blob):
        with blob:
            fd = blob.fileno()
            attempt("write", lambda: os.pwrite(fd, b"evil", 0))
            attempt("truncate", lambda: os.ftruncate(fd, 0))
            attempt("map", lambda: mmap.mmap(fd, 4, mmap.MAP_SHARED, mmap.PROT_WRITE))
            def reopen():
                again = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
                try:
                    os.pwrite(again, b"evil", 0)
                finally:
                    os.close(again)
            attempt("reopen", reopen)
            print("rights", int(blob.rights), flush=True)
        return CodecCompressResponse(Vmo.create(0))

for name in ("decompress", "stream", "update", "replace", "watch"):
    setattr(Tamperer, name, lambda self, *arguments: None)
Tamperer.__abstractmethods__ = frozenset()

async def main():
    fd = int(sys.argv[1])
    os.set_inheritable(fd, False)
    async with open_port() as port:
        binding = ServerBinding(ServerEnd(Channel(fd)), Tamperer(), port)
        await binding.wait_closed()

anyio.run(main)
"""


@pytest.mark.parametrize("format_", FORMATS)
async def test_blobs_come_back_as_they_were(
    format_: Format, start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, (end,) = start("codec", tmp_path, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port, format_) as codec:
        for size in SIZES:
            data = text(size)
            packed = await compress(codec, data)
            assert UNPACK[format_](packed) == data
            if size:  # nothing can be mapped of an empty one
                assert await decompress(codec, packed) == data
        empty = (await codec.decompress(Vmo.from_bytes(PACK[format_](b"")))).result
        with empty:
            assert empty.content_size == 0


@pytest.mark.parametrize("sealed", [True, False])
async def test_the_kernel_refuses_to_let_a_server_change_a_blob(
    sealed: bool, spawn_python: Spawner
) -> None:
    client, server = Channel.create()
    with server:
        child = spawn_python(TAMPERER, server.fileno(), pass_fds=[server.fileno()])
    ours = Vmo.from_bytes(b"mine")
    if sealed:
        ours.seal(Seals.WRITE)
    with ours, client:
        async with open_codecs() as (port, _), CodecProxy(ClientEnd[Codec](client), port) as codec:
            (await codec.compress(ours.duplicate())).result.close()
            told = dict(child.line().split() for _ in range(5))
        # A descriptor for reading opens no way to write; the file's own path does, unless sealed.
        assert told["write"] == told["truncate"] == told["map"] == "refused"
        assert told["reopen"] == ("refused" if sealed else "done")
        assert int(told["rights"]) == Rights.READ
        assert ours.read(0, 4) == (b"mine" if sealed else b"evil")
    child.finish()


async def test_a_blob_that_cannot_be_read_is_not_sent(start: Starter, tmp_path: Path) -> None:
    _, (end,) = start("codec", tmp_path)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        with Vmo.from_bytes(b"mine") as whole:
            blob = whole.replace(Rights.WRITE | Rights.TRANSFER)
        with blob, pytest.raises(LocalProtocolError):
            await codec.compress(blob)


async def test_a_result_never_changes(start: Starter, tmp_path: Path) -> None:
    _, (end,) = start("codec", tmp_path)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        result = (await codec.compress(Vmo.from_bytes(text(100)))).result
        with result:
            before = result.read(0, result.content_size)
            with pytest.raises(AccessDenied):
                result.write(0, b"x")
            again = Handle(os.open(f"/proc/self/fd/{result.fileno()}", os.O_RDWR | os.O_CLOEXEC))
            with again:
                for change in (
                    lambda: os.pwrite(again.fileno(), b"x", 0),
                    lambda: os.ftruncate(again.fileno(), 0),
                    lambda: os.ftruncate(again.fileno(), 1 << 20),
                ):
                    with pytest.raises(PermissionError):
                        change()
            assert content(result) == before


async def test_what_is_under_way_keeps_the_loop_free(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("codec", tmp_path, clients=2, loop=server_loop)
    async with open_codecs(*ends) as (port, [first, second]):
        async with await make(first, port) as big, await make(second, port) as small:
            await small.watch()
            done: list[str] = []

            async def convert() -> None:
                (await big.compress(Vmo.from_bytes(text(2 << 20) * 4))).result.close()
                done.append("big")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(convert)
                await anyio.wait_all_tasks_blocked()
                await big.watch()  # answered behind the start of the one before it
                await small.update(Settings(level=1))
                done.append("setting")
                assert await decompress(small, await compress(small, b"x")) == b"x"
                done.append("small")
        assert done == ["setting", "small", "big"]


async def test_blobs_of_one_codec_come_back_in_order(start: Starter, tmp_path: Path) -> None:
    _, (end,) = start("codec", tmp_path)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        order: list[int] = []

        async def convert(number: int) -> None:
            data = text(300_000 if number == 0 else 10, seed=number)
            assert await decompress(codec, await compress(codec, data)) == data
            order.append(number)

        async def first(number: int) -> None:
            await compress(codec, text(300_000 if number == 0 else 10))
            order.append(number)

        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(first, number)
                await anyio.wait_all_tasks_blocked()
        assert order == [0, 1, 2, 3, 4]
        async with anyio.create_task_group() as tasks:
            for number in range(30):  # more than may be in flight
                tasks.start_soon(convert, number)
        assert sorted(order[5:]) == list(range(30))


# --------------------------------------------------------------------------------------- by itself


def test_a_job_reads_what_is_there_when_its_turn_comes() -> None:
    data = text(TURN_BYTES + 1)
    blob = Vmo.from_bytes(data)
    with blob.duplicate() as ours:
        job = BlobJob(blob, load(Format.ZLIB).encoder(6), 1 << 20)
        try:
            assert blob.closed
            assert not job.step()
            ours.set_content_size(TURN_BYTES)
            with pytest.raises(BlobFailed) as caught:
                job.step()
            assert caught.value.error is BlobError.CHANGED
        finally:
            job.close()
            job.close()


def test_a_blob_that_is_too_large_stays_with_its_owner() -> None:
    with Vmo.create(MAX_BLOB_BYTES + 1) as blob:
        with pytest.raises(BlobFailed):
            BlobJob(blob, load(Format.ZLIB).encoder(6), 1)
        assert not blob.closed


def unpacked(data: bytes, limit: int) -> bytes:
    job = BlobJob(Vmo.from_bytes(data), load(Format.ZLIB).decoder(), limit)
    try:
        while not job.step():
            pass
        return content(job.take_result())
    finally:
        job.close()


def test_a_result_may_have_as_many_bytes_as_it_may() -> None:
    data = bytes(TURN_BYTES * 2)
    packed = PACK[Format.ZLIB](data)
    assert unpacked(packed, len(data)) == data
    with pytest.raises(BlobFailed) as caught:
        unpacked(packed, len(data) - 1)
    assert caught.value.error is BlobError.OUTPUT_TOO_LARGE
