from __future__ import annotations

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.text import TextReceiveStream

from ipcrt.io.async_opening import open_stream
from tests.io.world import Files, on_loop


@pytest.mark.anyio
async def test_it_is_a_stream_of_anyio() -> None:
    async with on_loop({}) as (client, _):
        async with await open_stream(client, "echo:") as stream:
            await stream.send(bytes(200_000))
            await stream.send("grüß".encode())
            await stream.send_eof()
            with pytest.raises(anyio.ClosedResourceError):
                await stream.send(b"more")
            buffered = BufferedByteReceiveStream(stream)
            assert await buffered.receive_exactly(200_000) == bytes(200_000)
            assert await stream.receive(3) == b"gr\xc3"
            text = TextReceiveStream(stream, errors="replace")
            assert [part async for part in text] == ["\ufffdß"]
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()
        with pytest.raises(anyio.ClosedResourceError):
            await stream.receive()


@pytest.mark.anyio
async def test_the_end_of_writing_waits_for_the_server() -> None:
    files: Files = {}
    async with on_loop(files) as (client, _):
        stream = await open_stream(client, "mem:///new", "wb")
        await stream.send(b"all of it")
        await stream.send_eof()
        assert files["new"] == b"all of it"
        await stream.aclose()


@pytest.mark.anyio
async def test_errors_are_anyios_and_their_cause_says_more() -> None:
    async with on_loop({}) as (client, _):
        async with await open_stream(client, "breaks:", "rb") as stream:
            assert await stream.receive() == b"so far"
            with pytest.raises(anyio.BrokenResourceError) as caught:
                await stream.receive()
            assert isinstance(caught.value.__cause__, OSError)
        with pytest.raises(FileNotFoundError):
            await open_stream(client, "nowhere:")
