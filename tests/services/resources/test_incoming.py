from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ipcrt.errors import InvalidArgs, IpcError, NoResources, PeerClosed, Status
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.resources.data import DataChannel
from ipcrt_services.resources.incoming import END, MAX_TAKEN, Incoming

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def pair() -> AsyncGenerator[tuple[DataChannel, Incoming], None]:
    """A client's end, and what a server takes from the other."""
    near, far = Channel.create()
    async with (
        open_port() as port,
        DataChannel(near, port) as client,
        DataChannel(far, port) as server,
    ):
        yield client, Incoming(server)


async def test_messages_that_are_here_are_taken_together() -> None:
    async with pair() as (client, incoming):
        for number in range(MAX_TAKEN + 2):
            await client.send_stream(bytes([number + 1]))
        assert await incoming.take() == [bytes([number + 1]) for number in range(MAX_TAKEN)]
        await client.send_frame(END)
        assert b"".join(await incoming.take() or []) == bytes([MAX_TAKEN + 1, MAX_TAKEN + 2])
        assert await incoming.take() is None
        assert await incoming.take() is None


async def test_closing_is_told_behind_what_was_sent() -> None:
    async with pair() as (client, incoming):
        await client.send_stream(b"all")
        client.close()
        assert await incoming.take() == [b"all"]
        for _ in range(2):
            with pytest.raises(PeerClosed):
                await incoming.take()
        with pytest.raises(PeerClosed):
            await incoming.wait_gone()


async def test_a_clients_error_is_told_behind_what_was_sent() -> None:
    async with pair() as (client, incoming):
        await client.send_stream(b"all")
        await client.send_error(Status.NO_RESOURCES)
        assert await incoming.take() == [b"all"]
        for _ in range(2):
            with pytest.raises(NoResources):
                await incoming.take()


async def test_frames_are_refused() -> None:
    async with pair() as (client, incoming):
        await client.send_frame(b"frame")
        with pytest.raises(InvalidArgs):
            await incoming.take()


async def test_what_came_before_a_frame_is_taken() -> None:
    async with pair() as (client, incoming):
        await client.send_stream(b"ahead")
        await client.send_frame(b"frame")
        assert await incoming.take() == [b"ahead"]
        for _ in range(2):
            with pytest.raises(InvalidArgs):
                await incoming.take()


async def test_what_comes_behind_the_end_is_refused() -> None:
    async with pair() as (client, incoming):
        await client.send_frame(END)
        assert await incoming.take() is None
        await client.send_frame(END)
        with pytest.raises(IpcError, match="behind the end"):
            await incoming.wait_gone()
