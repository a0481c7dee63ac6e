from __future__ import annotations

import asyncio

import pytest

from ipcrt.io.asyncio_streams import HIGH_BYTES, open_asyncio_stream
from tests.io.world import Files, on_loop

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


async def test_a_reader_and_a_writer_as_of_a_connection() -> None:
    async with on_loop({}) as (client, _):
        reader, writer = await open_asyncio_stream(client, "echo:")
        assert writer.get_extra_info("uri") == "echo:"
        writer.writelines([b"one\n", b"two\n"])
        await writer.drain()
        assert await reader.readline() == b"one\n"
        assert await reader.readuntil(b"o") == b"two"[:3]
        big = bytes(range(256)) * 4000
        writer.write(big)
        assert await reader.readexactly(1 + len(big)) == b"\n" + big
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_a_full_server_holds_the_writer_and_a_full_reader_the_server() -> None:
    async with on_loop({}) as (client, port):
        reader, writer = await open_asyncio_stream(client, f"big://{8 << 20}", "rb", limit=1000)
        await port.sleep(0.05)
        assert len(reader._buffer) < 1 << 20  # type: ignore[attr-defined]
        assert len(await reader.read()) == 8 << 20
        writer.close()
        await writer.wait_closed()
        _, writer = await open_asyncio_stream(client, "stalls:", "wb")
        writer.write(bytes(2 * HIGH_BYTES))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 0.05)
        writer.transport.abort()
        await writer.wait_closed()


async def test_closing_sends_what_was_written() -> None:
    files: Files = {}
    async with on_loop(files) as (client, _):
        _, writer = await open_asyncio_stream(client, "mem:///new", "wb")
        writer.write(bytes(500_000))
        assert writer.can_write_eof()
        writer.close()
        await writer.wait_closed()
        assert len(files["new"]) == 500_000
        assert writer.is_closing()


async def test_an_error_reaches_both_ends() -> None:
    async with on_loop({}) as (client, _):
        reader, writer = await open_asyncio_stream(client, "breaks:")
        with pytest.raises(OSError, match="No space"):
            await reader.read()
        with pytest.raises(OSError, match="No space"):
            await writer.wait_closed()
