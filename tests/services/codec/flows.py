"""A client's streams, as several tests use them."""

from __future__ import annotations

from typing import Self

import anyio

from ipcrt.errors import IpcError, TimedOut
from ipcrt.objects.socket import Socket
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt_services.codec.bindings import (
    CodecProxy,
    CodecStreamResponse,
    Direction,
    StreamError,
    StreamFailed,
)
from tests.services.codec.users import (
    read_all,
    write_all,
)

MIB = 1 << 20


class Flow:
    """A client's stream: its own ends, and what became of it."""

    def __init__(self, codec: CodecProxy, port: AsyncPort, direction: Direction) -> None:
        self.writer, source = Socket.create()
        sink, self.reader = Socket.create()
        self.response: CodecStreamResponse | None = None
        self.error: IpcError | None = None
        self.ended = anyio.Event()
        self._stop = port.spawn(self._run(codec, direction, source, sink), "stream")

    async def _run(
        self, codec: CodecProxy, direction: Direction, source: Socket, sink: Socket
    ) -> None:
        try:
            self.response = await codec.stream(direction, source, sink, timeout=None)
        except IpcError as error:
            self.error = error
        finally:
            self.ended.set()

    async def failure(self) -> StreamError:
        with anyio.fail_after(20):
            await self.ended.wait()
        assert isinstance(self.error, StreamFailed), self.error
        return self.error.error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        self.reader.close()
        with anyio.move_on_after(20, shield=True):
            await self.ended.wait()


async def through(codec: CodecProxy, port: AsyncPort, direction: Direction, data: bytes) -> bytes:
    """Everything at once; what comes out."""
    async with Flow(codec, port, direction) as flow, anyio.create_task_group() as tasks:

        async def write() -> None:
            await write_all(port, flow.writer, data)
            flow.writer.shutdown_write()

        tasks.start_soon(write)
        output = await read_all(port, flow.reader)
        await flow.ended.wait()
        assert flow.response == CodecStreamResponse(len(data), len(output))
        return output
    raise AssertionError("a stream that ended has an output")


async def fill(port: AsyncPort, socket: Socket, block: bytes) -> int:
    """Write a block again and again until there is no room any more; how many bytes."""
    written = 0
    try:
        while True:
            await port.wait_one(socket, Signals.WRITABLE, 0.3)
            start = written % len(block)
            written += socket.write(block[start : start + 65536])
    except TimedOut:
        return written
