"""Hostile blobs are domain errors, or end their own codec; the service goes on."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import anyio
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import IpcError
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from ipcrt_services.codec.bindings import (
    MAX_BLOB_BYTES,
    BlobError,
    BlobFailed,
    Codec,
    CodecProxy,
    Codecs,
    CodecsProxy,
    Format,
    Settings,
)
from ipcrt_services.codec.coders import TURN_BYTES
from ipcrt_services.codec.server import CodecsClient, open_workshop
from tests.services.codec.conftest import HEAVY
from tests.services.codec.users import (
    FORMATS,
    PACK,
    compress,
    decompress,
    make,
    open_codecs,
    text,
)
from tests.services.conftest import Starter
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("format_", FORMATS)
async def test_hostile_blobs_are_domain_errors(
    format_: Format, start: Starter, tmp_path: Path, server_loop: str
) -> None:
    child, (end,) = start("codec", tmp_path, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port, format_) as codec:

        async def error_of(blob: Vmo, *, packed: bool = True) -> BlobError:
            with pytest.raises(BlobFailed) as caught:
                await (codec.decompress if packed else codec.compress)(blob)
            assert not codec.closed
            return caught.value.error

        for size in (MAX_BLOB_BYTES + 1, 1 << 40, (1 << 63) - 1):  # sparse
            for packed in (True, False):
                error = await error_of(Vmo.create(size), packed=packed)
                assert error is BlobError.TOO_LARGE
        await codec.update(Settings(max_output_bytes=1 << 20))
        bomb = PACK[format_](bytes((1 << 20) + 1))
        assert await error_of(Vmo.from_bytes(bomb)) is BlobError.OUTPUT_TOO_LARGE
        exact = PACK[format_](bytes(1 << 20))
        assert await decompress(codec, exact) == bytes(1 << 20)
        for bad in (b"", b"junk", exact[:-1], exact + b"\0", exact * 2):
            assert await error_of(Vmo.from_bytes(bad)) is BlobError.MALFORMED
        assert await error_of(Vmo.create(MAX_BLOB_BYTES)) is BlobError.MALFORMED
        assert await decompress(codec, await compress(codec, b"x")) == b"x"
    assert child.process.poll() is None


@HEAVY
async def test_a_full_bomb_stays_within_bounds(start: Starter, tmp_path: Path) -> None:
    child, (end,) = start("codec", tmp_path)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        await codec.watch()
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (MAX_BLOB_BYTES, MAX_BLOB_BYTES))
        bomb = PACK[Format.ZLIB](bytes(MAX_BLOB_BYTES + 1))
        with pytest.raises(BlobFailed) as caught:
            await codec.decompress(Vmo.from_bytes(bomb))
        assert caught.value.error is BlobError.OUTPUT_TOO_LARGE
        result = (
            await codec.decompress(Vmo.from_bytes(PACK[Format.ZLIB](bytes(MAX_BLOB_BYTES))))
        ).result
        with result:
            assert result.content_size == MAX_BLOB_BYTES


async def test_a_blob_that_shrinks_is_an_error(start: Starter, tmp_path: Path) -> None:
    child, (end,) = start("codec", tmp_path)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as codec:
        with Vmo.from_bytes(text(4 << 20) * 4) as ours:

            async def convert() -> None:
                with pytest.raises(BlobFailed) as caught:
                    await codec.compress(ours.duplicate())
                assert caught.value.error is BlobError.CHANGED

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(convert)
                await anyio.wait_all_tasks_blocked()
                await codec.watch()  # answered behind the start of the one before it
                ours.set_content_size(100)
        assert await decompress(codec, await compress(codec, b"x")) == b"x"
    assert child.process.poll() is None


async def test_a_wrong_kind_of_handle_ends_that_codec_alone(start: Starter, tmp_path: Path) -> None:
    _, (end,) = start("codec", tmp_path)
    async with open_codecs(end) as (port, [codecs]), await make(codecs, port) as other:
        client, server = create_endpoints(Codec)
        await codecs.create(Format.ZLIB, server)
        async with CodecProxy(client, port) as codec:
            with Handle(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)) as null:
                lie = Vmo(null.take(), Rights.READ | Rights.TRANSFER)
            with pytest.raises(IpcError):
                await codec.compress(lie)
        assert await decompress(other, await compress(other, b"x")) == b"x"


async def test_a_blob_that_nobody_waits_for_is_given_up() -> None:
    # In one process, so that the leak check sees what the service leaves behind.
    async with open_port() as port, open_workshop(port) as workshop:
        client, end = create_endpoints(Codecs)
        with ServerBinding(end, CodecsClient(workshop, 0), port):
            async with CodecsProxy(client, port) as codecs:
                async with await make(codecs, port) as codec, anyio.create_task_group() as tasks:
                    tasks.start_soon(codec.compress, Vmo.from_bytes(text(8 << 20)))
                    await anyio.wait_all_tasks_blocked()
                    await codec.watch()
                    tasks.cancel_scope.cancel()
                await wait_until_async(lambda: not workshop.codecs)
                await workshop.worker.drain()
                turns = workshop.worker.statistics()["jobs_done"]
                assert turns < (8 << 20) // TURN_BYTES
                async with await make(codecs, port) as codec:
                    assert await decompress(codec, await compress(codec, b"x")) == b"x"
