from __future__ import annotations

import gc
import warnings

import anyio
import pytest

from ipcrt.io.async_file import AsyncFile
from ipcrt.io.async_opening import async_file_of
from ipcrt.io.modes import Mode
from ipcrt.io.source import Source
from ipcrt.objects.handle import Handle
from ipcrt.objects.socket import Socket
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from tests.support.waiting import wait_until_async


class Slow(Source):
    """Takes and gives three bytes at a time, and waits before each second time."""

    def __init__(self) -> None:
        self.taken = b""
        self.closed = False
        self._turns = 0

    async def read_into(self, view: memoryview, timeout: float | None) -> int:
        await self._wait()
        view[:3] = b"abc"
        return 3

    async def write(self, view: memoryview, timeout: float | None) -> int:
        await self._wait()
        self.taken += bytes(view[:3])
        return len(view[:3])

    async def _wait(self) -> None:
        self._turns += 1
        if self._turns % 2 == 0:
            await anyio.sleep_forever()

    def close(self) -> None:
        self.closed = True


@pytest.mark.anyio
async def test_a_cancelled_task_loses_no_byte() -> None:
    source = Slow()
    file = AsyncFile(source, Mode.parse("r+b"), "slow", None)
    with anyio.move_on_after(0.01):
        await file.read(6)
    assert await file.read(5) == b"abcab"
    assert await file.read(1) == b"c"
    source = Slow()
    file.close()
    file = AsyncFile(source, Mode.parse("wb"), "slow", None)
    await file.write(b"123456")
    with anyio.move_on_after(0.01):
        await file.flush()
    assert source.taken == b"123"
    await file.flush()
    assert source.taken == b"123456"
    await file.write(b"789")
    with anyio.move_on_after(0.01):
        await file.aclose()
    assert source.closed
    assert file.closed


@pytest.mark.anyio
async def test_what_was_read_ahead_is_dropped_by_writing() -> None:
    async with (
        open_port() as port,
        async_file_of(Vmo.from_bytes(b"0123456789"), port, "r+b") as file,
    ):
        assert await file.read(2) == b"01"
        assert await file.tell() == 2
        await file.write(b"ab")
        assert await file.read(2) == b"45"
        assert await file.seek(-3, 1) == 3
        assert await file.read() == b"b456789"


@pytest.mark.anyio
async def test_a_forgotten_file_warns() -> None:
    async with open_port() as port:
        file = async_file_of(Vmo.from_bytes(b""), port)
        assert "rb" in repr(file)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del file
            gc.collect()
    assert [warning.category for warning in caught] == [ResourceWarning]


@pytest.mark.anyio
async def test_a_cancelled_read_leaves_no_registration() -> None:
    near, far = Socket.create()
    with Handle(far.take()):
        async with open_port() as port, async_file_of(near, port) as file:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(file.read)
                await wait_until_async(lambda: port.statistics()["watched_handles"])
                tasks.cancel_scope.cancel()
            assert not port.statistics()["watched_handles"]
