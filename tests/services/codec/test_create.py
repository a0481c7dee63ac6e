"""Codecs are made ahead of any answer, and fail with a status on their own channel."""

from __future__ import annotations

import threading
from pathlib import Path

import anyio
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import IpcError, Status
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt_services.codec.bindings import (
    MAX_CODECS,
    Codec,
    CodecProxy,
    Codecs,
    CodecsProxy,
    CreateError,
    CreateFailed,
    Format,
    Settings,
)
from ipcrt_services.codec.coders import Coders, load
from ipcrt_services.codec.server import CodecsClient, open_workshop
from tests.services.codec.users import FORMATS, compress, decompress, make, open_codecs, text
from tests.services.conftest import Starter
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

UNKNOWN = Format(77)


@pytest.mark.parametrize("format_", FORMATS)
async def test_a_client_calls_before_its_codec_is_there(
    format_: Format, start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, (end,) = start("codec", tmp_path, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]):
        client, server = create_endpoints(Codec)
        results: list[bytes] = []
        async with CodecProxy(client, port) as codec, anyio.create_task_group() as tasks:

            async def call() -> None:
                results.append(await decompress(codec, await compress(codec, text(1000))))

            tasks.start_soon(call)
            await anyio.wait_all_tasks_blocked()
            assert results == []  # nobody serves it, and yet it may call
            await codecs.create(format_, server)
        assert results == [text(1000)]


async def test_calls_made_ahead_fail_with_the_codec(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, (end,) = start("codec", tmp_path, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]):
        client, server = create_endpoints(Codec)
        async with CodecProxy(client, port) as codec:
            failed: list[Status] = []

            async def call() -> None:
                with pytest.raises(IpcError) as caught:
                    await codec.watch()
                failed.append(caught.value.status)

            async def blob() -> None:
                with pytest.raises(IpcError) as caught:
                    await compress(codec, b"never")
                failed.append(caught.value.status)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                tasks.start_soon(blob)
                await anyio.wait_all_tasks_blocked()
                await codecs.create(UNKNOWN, server)
            with pytest.raises(IpcError) as caught:
                await codec.update(Settings())
            assert [*failed, caught.value.status] == [Status.NOT_SUPPORTED] * 3
        async with await make(codecs, port) as codec:  # the others go on
            assert await decompress(codec, await compress(codec, b"x")) == b"x"


async def test_with_a_reply_the_reason_is_a_domain_error_too(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, (end,) = start("codec", tmp_path, loop=server_loop)
    async with open_codecs(end) as (port, [codecs]):
        client, server = create_endpoints(Codec)
        async with CodecProxy(client, port) as codec:
            with pytest.raises(CreateFailed) as caught:
                await codecs.try_to_create(UNKNOWN, server)
            assert caught.value.error is CreateError.UNKNOWN_FORMAT
            with pytest.raises(IpcError) as refused:
                await codec.watch()
            assert refused.value.status is Status.NOT_SUPPORTED
        client, server = create_endpoints(Codec)
        async with CodecProxy(client, port) as codec:
            await codecs.try_to_create(Format.BZ2, server)
            assert await decompress(codec, await compress(codec, b"x")) == b"x"


async def is_made(codecs: CodecsProxy, port: AsyncPort) -> bool:
    client, server = create_endpoints(Codec)
    async with CodecProxy(client, port):
        try:
            await codecs.try_to_create(Format.ZLIB, server)
        except CreateFailed:
            return False
        return True


async def test_a_user_has_so_many_codecs_over_all_channels(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("codec", tmp_path, clients=2, loop=server_loop)
    async with open_codecs(*ends) as (port, [first, second]):
        made = [await make(first, port) for _ in range(MAX_CODECS)]
        for codec in made:
            await codec.watch()
        first.close()  # they live on, and count
        client, server = create_endpoints(Codec)
        async with CodecProxy(client, port) as codec:
            with pytest.raises(CreateFailed) as caught:
                await second.try_to_create(Format.ZLIB, server)
            assert caught.value.error is CreateError.TOO_MANY
        async with await make(second, port) as codec:
            with pytest.raises(IpcError) as refused:
                await codec.watch()
            assert refused.value.status is Status.NO_RESOURCES
        made.pop().close()
        with anyio.fail_after(10):  # its closing and our asking come over different channels
            while not await is_made(second, port):
                pass
        for codec in made:
            codec.close()


async def test_a_slow_creation_holds_up_nobody() -> None:
    gate = threading.Event()

    def load_slowly(format_: Format) -> Coders:
        if format_ is Format.LZMA:
            assert gate.wait(20)
        return load(format_)

    async with open_port() as port, open_workshop(port, load_slowly) as workshop:
        client, end = create_endpoints(Codecs)
        with ServerBinding(end, CodecsClient(workshop, 0), port):
            async with CodecsProxy(client, port) as codecs:
                slow = await make(codecs, port, Format.LZMA)
                order: list[str] = []
                async with anyio.create_task_group() as tasks:

                    async def wait() -> None:
                        assert await decompress(slow, await compress(slow, b"x")) == b"x"
                        order.append("slow")

                    tasks.start_soon(wait)
                    try:
                        async with await make(codecs, port) as quick:
                            assert await decompress(quick, await compress(quick, b"y")) == b"y"
                        order.append("quick")
                        await wait_until_async(lambda: workshop.codecs[0] == 1)
                    finally:
                        gate.set()
                assert order == ["quick", "slow"]
                slow.close()
                await wait_until_async(lambda: not workshop.codecs)
