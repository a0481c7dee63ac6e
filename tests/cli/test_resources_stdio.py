"""Standard streams on an event loop: whatever they are, and whoever shares them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import anyio
import pytest

from ipcrt.cli.resources_stdio import Sink, Source
from ipcrt.port.aport import open_port

MIB = 1 << 20


async def read_all(source: Source) -> bytes:
    found = bytearray()
    while part := await source.read():
        found += part
    return bytes(found)


@pytest.mark.anyio
async def test_a_pipe_is_waited_for_both_ways() -> None:
    reading, writing = os.pipe()
    try:
        async with open_port() as port, anyio.create_task_group() as tasks:
            source, sink = Source(port, reading), Sink(port, writing)
            assert (source.size, source.is_terminal) == (None, False)

            async def write() -> None:
                await sink.write(bytes(MIB))
                sink.close()
                os.close(writing)

            tasks.start_soon(write)
            assert await read_all(source) == bytes(MIB)
            assert os.get_blocking(reading)
            source.close()
            sink.close()
    finally:
        os.close(reading)


@pytest.mark.anyio
async def test_a_socket_is_waited_for() -> None:
    near, far = socket.socketpair()
    with near:
        async with open_port() as port, anyio.create_task_group() as tasks:
            source = Source(port, near.fileno())

            async def write() -> None:
                far.sendall(b"a")
                far.close()

            tasks.start_soon(write)
            assert await read_all(source) == b"a"
            source.close()


@pytest.mark.anyio
async def test_a_file_goes_on_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    with (tmp_path / "a").open("r+b", buffering=0) as file:
        file.seek(3)
        async with open_port() as port:
            source = Source(port, file.fileno())
            assert source.size == 4
            assert await read_all(source) == b"tent"
            source.close()
            sink = Sink(port, file.fileno())
            await sink.write(b"s")
            sink.close()
    assert (tmp_path / "a").read_bytes() == b"contents"


@pytest.mark.anyio
async def test_a_device_that_never_blocks() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        async with open_port() as port:
            source, sink = Source(port, nowhere), Sink(port, nowhere)
            assert await source.read() == b""
            await sink.write(b"gone")
            source.close()
            sink.close()
    finally:
        os.close(nowhere)


@pytest.mark.anyio
async def test_nobody_reads() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        async with open_port() as port:
            sink = Sink(port, writing)
            with pytest.raises(BrokenPipeError):
                await sink.write(b"a")
            sink.close()
    finally:
        os.close(writing)
