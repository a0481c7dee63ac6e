"""Feeding a data channel while it is taken from; the verbs' tests have real processes."""

from __future__ import annotations

import msgspec
import pytest

from ipcrt.cli.resources_copy import Drop, ProcessFrames, exchange
from ipcrt.errors import IpcError, PeerClosed, RemoteProtocolError, Status
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.resources.data import DataChannel


def pair(port: AsyncPort) -> tuple[DataChannel, DataChannel]:
    near, far = Channel.create()
    return DataChannel(near, port), DataChannel(far, port)


class Kept(Drop):
    """Keeps what it takes."""

    def __init__(self) -> None:
        super().__init__(None)
        self.taken: list[bytes] = []

    async def take_stream(self, data: bytes) -> None:
        self.taken.append(data)


@pytest.mark.anyio
async def test_all_is_fed_then_its_end() -> None:
    async with open_port() as port:
        near, far = pair(port)

        async def feed(data: DataChannel) -> None:
            await data.send_stream(b"a")

        async def serve() -> None:
            with_end = [(await far.recv()).data, (await far.recv()).data]
            await far.send_stream(b"".join(with_end))
            far.close()

        port.spawn(serve(), "server")
        kept = Kept()
        async with near:
            assert await exchange(near, feed, kept)
        assert kept.taken == [b"a"]


@pytest.mark.anyio
async def test_an_error_counts_more_than_what_it_broke() -> None:
    async with open_port() as port:
        near, far = pair(port)
        await far.send_error(Status.NO_SPACE)
        far.close()

        async def feed(data: DataChannel) -> None:
            await data.send_stream(b"a")

        async with near:
            with pytest.raises(IpcError) as caught:
                await exchange(near, feed, Drop(None))
        assert caught.value.status is Status.NO_SPACE


@pytest.mark.anyio
async def test_a_server_that_closes_early_has_not_all() -> None:
    async with open_port() as port:
        near, far = pair(port)
        far.close()

        async def feed(data: DataChannel) -> None:
            await data.send_stream(b"a")

        async with near:
            assert not await exchange(near, feed, Drop(None))


@pytest.mark.anyio
async def test_somebody_else_who_goes_fails_it() -> None:
    async with open_port() as port:
        near, far = pair(port)

        async def feed(data: DataChannel) -> None:
            del data
            raise PeerClosed("another server")

        async with near, far:
            with pytest.raises(PeerClosed, match="another server"):
                await exchange(near, feed, Drop(None))


@pytest.mark.anyio
async def test_who_leaves_does_not_wait_for_the_closing() -> None:
    async with open_port() as port:
        near, far = pair(port)
        await far.send_frame(b"")
        async with near, far:
            assert await exchange(near, None, Drop(None), leaves=True)
            assert not near.closed


@pytest.mark.anyio
@pytest.mark.parametrize("status, shell", [(0, 0), (3, 3), (-9, 137)])
async def test_a_process_tells_its_status(status: int, shell: int) -> None:
    frames = ProcessFrames("process:///x", None)
    await frames.take(msgspec.msgpack.encode(("stderr", b"x")))
    await frames.take(msgspec.msgpack.encode(("exit", status)))
    assert frames.status == shell


@pytest.mark.anyio
@pytest.mark.parametrize("frame", [b"\xc1", b"\x93", b"\x92\xa4exit\xa1a", b"\x92\xa1x\x01"])
async def test_a_frame_of_no_process(frame: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="process:///x: a frame of no process"):
        await ProcessFrames("process:///x", None).take(frame)
