"""What can be seen of a copy that somebody else makes; `test_pipe` shows it on a terminal."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import anyio
import pytest

from ipcrt.cli import resources_gauge
from ipcrt.cli.resources_gauge import DescriptorGauge, follow
from ipcrt.cli.resources_progress import Progress
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


async def test_another_descriptor_of_the_same_file(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.seek(7)
        gauge = DescriptorGauge(file.fileno())
        assert await gauge() == 0
        other = os.dup(file.fileno())
        os.write(other, b"12345")
        os.close(other)
        assert await gauge() == 5


async def test_a_file_that_is_appended_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"before")
    with (tmp_path / "file").open("ab") as file, (tmp_path / "file").open("ab") as other:
        gauge = DescriptorGauge(file.fileno(), appends=True)
        os.write(other.fileno(), b"12345")
        assert await gauge() == 5


async def test_a_connection() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as near,
        server.accept()[0] as far,
    ):
        gauge = DescriptorGauge(near.fileno())
        near.sendall(b"12345")
        assert far.recv(9) == b"12345"
        with anyio.fail_after(20):
            while await gauge() != 5:  # noqa: ASYNC110  (an acknowledgement may be late)
                await anyio.sleep(0.001)


async def test_what_nobody_can_tell() -> None:
    near, far = Channel.create()
    with near, far:
        assert await DescriptorGauge(near.fileno())() is None
    reading, writing = os.pipe()
    os.close(reading)
    assert await DescriptorGauge(writing)() is None
    os.close(writing)


async def test_it_is_looked_at_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources_gauge, "EVERY_S", 0.001)
    counts = iter([1, None, 3])

    async def gauge() -> int | None:
        return next(counts, 3)

    async with open_port() as port:
        with Progress(shown=False) as progress:
            stop = port.spawn(follow(gauge, progress, port), "follow")
            await wait_until_async(lambda: progress.bytes == 3)
            stop()
