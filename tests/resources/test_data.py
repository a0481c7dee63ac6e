"""Data channels of tasks that await; both ends on one loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    Canceled,
    IpcError,
    LocalProtocolError,
    PeerClosed,
    ShouldWait,
    Status,
)
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.resources.data import DataChannel, DataSender
from ipcrt.resources.limits import MAX_STREAM_BYTES

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def ends() -> AsyncGenerator[tuple[AsyncPort, DataChannel, DataChannel], None]:
    near, far = Channel.create()
    async with open_port() as port, DataChannel(near, port) as a, DataChannel(far, port) as b:
        yield port, a, b


async def test_a_sender_waits_for_room_and_keeps_the_order() -> None:
    async with ends() as (_, a, b), anyio.create_task_group() as tasks:
        stream = bytes(range(256)) * 20_000

        async def send() -> None:
            await a.send_stream(memoryview(stream))
            await a.send_frame(b"end")

        tasks.start_soon(send)
        came = b""
        while len(came) < len(stream):
            came += (await b.recv()).data
        assert came == stream
        assert (await b.recv()).data == b"end"
        assert a.sent_bytes == len(stream) + 3


async def test_a_cancelled_sender_leaves_nothing_and_loses_nothing() -> None:
    async with ends() as (port, a, b):
        sent = 0
        with anyio.move_on_after(0.05):
            while True:
                await a.send_frame(str(sent).encode())
                sent += 1
        assert a.statistics()["backlog"] == 0
        assert len(port.deadlines) <= 1
        a.close()
        assert [int(message.data) async for message in b] == list(range(sent))


async def test_a_cancelled_receiver_loses_nothing() -> None:
    async with ends() as (_, a, b):
        for number in range(50):
            with anyio.move_on_after(0):
                await b.recv()
            a.try_send_frame(str(number).encode())
            with anyio.move_on_after(0):
                await b.recv()  # on some loops it has come already
        a.close()
        rest = [message.data async for message in b]
        assert rest == [str(number).encode() for number in range(50 - len(rest), 50)]
        assert b.statistics()["waiters"] == 0


async def test_two_receivers_share_what_comes() -> None:
    async with ends() as (_, a, b):
        came: list[bytes] = []

        async def take() -> None:
            came.append((await b.recv()).data)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(take)
            await anyio.sleep(0.001)
            for number in range(3):
                await a.send_frame(str(number).encode())
        assert sorted(came) == [b"0", b"1", b"2"]


async def test_closing_wakes_who_waits() -> None:
    async with ends() as (port, a, b):

        async def close() -> None:
            await port.sleep(0.001)
            b.close()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(close)
            with pytest.raises(Canceled):
                await b.recv()
        with pytest.raises(PeerClosed):
            await a.recv()
        b.close()


async def test_a_stream_is_cut_into_packets_and_what_fits_is_sent() -> None:
    async with ends() as (_, a, b):
        sent = a.try_send_stream(bytes(10 * MAX_STREAM_BYTES + 1))
        assert sent % MAX_STREAM_BYTES == 0
        assert 0 < sent < 10 * MAX_STREAM_BYTES
        with pytest.raises(ShouldWait):
            a.try_send_stream(b"x")
        a.close()
        assert sum([len(message.data) async for message in b]) == sent


async def test_what_breaks_a_limit_is_not_sent() -> None:
    async with ends() as (_, a, b):
        with pytest.raises(LocalProtocolError):
            await a.send_frame(bytes((16 << 20) + 1))
        with pytest.raises(LocalProtocolError):
            await a.send_error(Status.OK)
        await a.send_stream(b"")  # nothing at all
        await a.send_frame(b"good")
        assert (await b.recv()).data == b"good"


async def test_errors_are_told_in_their_order() -> None:
    async with ends() as (port, a, b):
        told: list[Status] = []
        a.on_error(lambda error: told.append(error.status))
        await b.send_error(Status.IO)
        await b.send_frame(b"data")
        await b.send_error(Status.NO_SPACE)
        assert (await a.recv()).data == b"data"
        while len(told) < 2:
            await port.sleep(0.001)
        assert told == [Status.IO, Status.NO_SPACE]
        a.on_error(None)
        await b.send_error(Status.IO)
        with pytest.raises(IpcError):
            await a.recv()


async def test_errors_that_wait_are_who_iterates_and_the_rest_is_for_recv() -> None:
    async with ends() as (_, a, b):
        for _ in range(3):
            await b.send_error(Status.IO)
        with pytest.raises(IpcError):
            await a.recv()
        with a.errors() as errors:
            assert (await anext(errors)).status is Status.IO
        with pytest.raises(IpcError):
            await a.recv()
        await b.send_frame(b"on it goes")
        assert (await a.recv()).data == b"on it goes"
        with pytest.raises(StopAsyncIteration):
            await anext(errors)


async def test_a_callback_that_fails_is_logged_alone(caplog: pytest.LogCaptureFixture) -> None:
    async with ends() as (_, a, b):

        def fail(error: IpcError) -> None:
            raise ValueError(error)

        a.on_error(fail)
        await b.send_error(Status.IO)
        await b.send_frame(b"on it goes")
        assert (await a.recv()).data == b"on it goes"
        assert "on_error failed" in caplog.text


async def test_a_clone_only_sends_and_the_end_comes_behind_both() -> None:
    async with ends() as (port, a, b):
        clone = a.clone_sender()
        with pytest.raises(AccessDenied):
            clone.read()
        async with DataSender(clone, port) as sender:
            await sender.send_frame(b"by the clone")
            a.close()
            await sender.send_frame(b"and once more")
        assert [message.data async for message in b] == [b"by the clone", b"and once more"]
        with pytest.raises(BadHandle):
            a.clone_sender()


async def test_the_port_closes_what_is_forgotten() -> None:
    near, far = Channel.create()
    async with open_port() as port:
        data = DataChannel(near, port)
    assert data.closed
    with far, pytest.raises(PeerClosed):
        far.read()
