"""A channel whose peer has ended its own direction, and may still be sent to."""

from __future__ import annotations

import threading

import pytest

from ipcrt.errors import BadHandle, IpcError, PeerClosed, ShouldWait, Status, TimedOut
from ipcrt.io.endings import hang_up
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.app import ResourceApp
from ipcrt.resources.blocking_data import BlockingDataChannel
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import STREAM_DATA
from ipcrt.resources.requests import OpenRequest, Session
from tests.resources.raw import message
from tests.resources.world import client_of, make_app

STREAM = message(STREAM_DATA.ordinal, [b"x"])


def _replying() -> ResourceApp:
    """A server that answers what it was sent when all of it has come."""
    app = ResourceApp("replying")

    @app.open("sum:")
    def open_sum(request: OpenRequest) -> Session:
        del request

        async def serve(data: DataChannel) -> None:
            size = 0
            async for part in data:
                size += len(part.data)
            await data.send_frame(str(size).encode())
            raise IpcError("and no more", Status.NO_SPACE)

        return serve

    return app


@pytest.mark.anyio
async def test_a_reply_reaches_a_client_that_has_hung_up() -> None:
    async with (
        open_port() as port,
        client_of(port, _replying()) as client,
        await client.open("sum:") as data,
    ):
        await data.send_stream(bytes(300_000))
        hang_up(data.channel)
        assert (await data.recv(timeout=10)).data == b"300000"
        with pytest.raises(IpcError, match="NO_SPACE"):
            await data.recv(timeout=10)
        with pytest.raises(PeerClosed):
            await data.recv(timeout=10)


@pytest.mark.anyio
async def test_every_late_error_reaches_a_client_that_has_hung_up() -> None:
    async with (
        open_port() as port,
        client_of(port, make_app()) as client,
        await client.open("full:") as data,
    ):
        for _ in range(5):
            await data.send_stream(b"x")
        hang_up(data.channel)
        assert [error.status async for error in data.errors()] == [Status.NO_SPACE] * 5


def _fill(data: BlockingDataChannel) -> int:
    """Send until there is no room; answer how many messages that were."""
    count = 0
    while True:
        try:
            data.try_send_frame(bytes(5000))
        except ShouldWait:
            return count
        count += 1


@pytest.mark.parametrize("reads", [True, False])
def test_room_is_waited_for_behind_the_end_without_turning(reads: bool) -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far, BlockingDataChannel(near, port) as data:
        hang_up(far)
        if reads:
            with pytest.raises(PeerClosed):
                data.recv(timeout=10)
            assert data.closed
        count = _fill(data)
        turns = port.statistics()["turns"]
        with pytest.raises(TimedOut):
            data.send_frame(b"late", timeout=0.2)
        assert port.statistics()["turns"] - turns < 100
        drained = threading.Timer(0.05, lambda: [far.read() for _ in range(count)])
        drained.start()
        data.send_frame(b"in time", timeout=10)
        drained.join()
        assert far.read().data.endswith(b"in time")


def test_the_end_of_one_that_had_hung_up_is_told_to_who_waits_for_room() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, BlockingDataChannel(near, port) as data:
        hang_up(far)
        with pytest.raises(PeerClosed):
            data.recv(timeout=10)
        _fill(data)
        gone = threading.Timer(0.05, far.close)
        gone.start()
        with pytest.raises(PeerClosed):
            data.send_frame(b"late", timeout=10)
        gone.join()
        with pytest.raises(PeerClosed):
            data.try_send_frame(b"later")


def test_what_has_ended_is_closed_and_moved_as_any_other() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        data = BlockingDataChannel(near, port)
        hang_up(far)
        with pytest.raises(PeerClosed):
            data.recv(timeout=10)
        with data.into_channel() as moved:
            moved.write(STREAM)
            assert far.read().data == STREAM
        with pytest.raises(BadHandle):
            data.recv()
