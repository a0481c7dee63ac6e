from __future__ import annotations

import tracemalloc

import pytest

from ipcrt.io.async_opening import aopen, async_file_of, open_stream
from ipcrt.objects.vmo import Vmo
from tests.io.world import SIZES, on_loop


@pytest.mark.anyio
async def test_text_is_refused_and_nothing_left_open() -> None:
    async with on_loop({}) as (client, port):
        for opening in (aopen(client, "parts:", "rt"), open_stream(client, "parts:", "rt")):
            with pytest.raises(ValueError, match="binary"):
                await opening
        vmo = Vmo.from_bytes(b"")
        with pytest.raises(ValueError, match="binary"):
            async_file_of(vmo, port, "rt")
        assert vmo.closed
        async with await aopen(client, "parts:", "r") as file:  # as for anyio, a `t` is text
            assert await file.read(1) == b"a"


@pytest.mark.anyio
@pytest.mark.parametrize("size", SIZES)
async def test_a_copy_takes_little_memory(size: int) -> None:
    async with on_loop({}) as (client, _):
        source = await aopen(client, f"big://{size}")
        async with source, await aopen(client, "sink:", "wb") as sink:
            tracemalloc.start()
            try:
                while part := await source.read1():
                    await sink.write(part)
                assert tracemalloc.get_traced_memory()[1] < 9 << 20
            finally:
                tracemalloc.stop()
