"""Clients that await: many calls at once, cancelling, what is moved and what stays."""

from __future__ import annotations

import os

import anyio
import pytest

from ipcrt.errors import BadHandle, Canceled, InvalidArgs, LocalProtocolError, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import open_port
from ipcrt.resources.control import ResourceClient, send_connect
from ipcrt.resources.data import DataChannel
from tests.resources.raw import null
from tests.resources.world import client_of

pytestmark = pytest.mark.anyio


async def test_many_calls_run_at_once_and_end_in_their_own_order() -> None:
    async with open_port() as port, client_of(port) as client:
        ended: list[int] = []

        async def call(number: int) -> None:
            after_ms = 40 if number == 0 else 0
            answer = await client.invoke("echo://x", "later", str(after_ms).encode())
            assert int(answer) == after_ms
            ended.append(number)

        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(call, number)
        assert len(ended) == 50
        assert ended[-1] == 0, "nobody waited for the slow one"
        assert not any(client.statistics().values())


async def test_a_thousand_calls_find_room_one_after_another() -> None:
    async with open_port() as port, client_of(port) as client:
        answers: set[bytes] = set()

        async def call(number: int) -> None:
            answers.add(await client.invoke("echo://x", "shout", str(number).encode()))

        async with anyio.create_task_group() as tasks:
            for number in range(1000):
                tasks.start_soon(call, number)
        assert len(answers) == 1000
        assert not any(client.statistics().values())


async def test_a_cancelled_call_leaves_nothing() -> None:
    async with open_port() as port, client_of(port) as client:
        for _ in range(50):
            with anyio.move_on_after(0):
                await client.open("null:")
            with anyio.move_on_after(0):
                await client.open("echo://x")
        while any(client.statistics().values()):
            assert await client.invoke(None, "version") == b"1"
        assert len(port.deadlines) <= 1


async def test_a_deadline_leaves_nothing() -> None:
    async with open_port() as port, client_of(port) as client:
        for _ in range(5):
            with pytest.raises(TimedOut):
                await client.invoke("echo://x", "later", b"2", timeout=0.0001)
        while any(client.statistics().values()):
            assert await client.invoke(None, "version") == b"1"


async def test_closing_fails_calls_in_flight() -> None:
    async with open_port() as port, client_of(port) as client:

        async def close() -> None:
            await port.sleep(0.001)
            client.close()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(close)
            with pytest.raises(Canceled):
                await client.invoke("echo://x", "hang", timeout=None)
        assert client.closed


async def test_what_can_never_be_sent_is_the_callers_error() -> None:
    async with open_port() as port, client_of(port) as client:
        for uri in ("x:#y", "x" * 4097, "\ud800"):
            with pytest.raises(InvalidArgs):
                await client.open(uri)
        with pytest.raises(LocalProtocolError):
            await client.invoke(None, "version", bytes((1 << 20) + 1))
        assert not any(client.statistics().values())
        assert await client.invoke(None, "version") == b"1"


@pytest.mark.parametrize("uri", ["x:#y", "nowhere:", "raw:"])
async def test_a_handle_that_is_piped_to_is_moved_whether_or_not_it_works(uri: str) -> None:
    async with open_port() as port, client_of(port) as client:
        handle = null()
        with anyio.move_on_after(0):
            try:
                await client.pipe(uri, handle)
            except Exception:  # noqa: BLE001  (what it is, others say)
                assert handle.closed
        assert handle.closed
        with pytest.raises((BadHandle, InvalidArgs)):
            await client.pipe(uri, handle)


async def test_a_client_moves_when_nothing_is_owed() -> None:
    async with open_port() as port, client_of(port) as client:
        assert await client.invoke(None, "version") == b"1"
        moved = client.into_channel()
        assert client.closed
        async with ResourceClient(moved, port) as again:
            assert await again.invoke(None, "version") == b"1"


async def test_a_pipe_goes_from_resource_to_resource() -> None:
    """The client opens one and has the other poured into it; it sees nothing of the data."""
    async with open_port() as port, client_of(port) as client:
        near, far = Channel.create()
        async with DataChannel(near, port) as target, DataChannel(far, port) as sink:
            assert await client.pipe("bytes://1000/x", target) == 1000
            target.close()
            assert sum([len(part.data) async for part in sink]) == 1000


async def test_a_connect_that_nobody_takes_leaves_nothing() -> None:
    before = len(os.listdir("/proc/self/fd"))
    near, far = Channel.create()
    far.close()
    with near, pytest.raises(Exception, match="peer"):
        send_connect(near)
    with pytest.raises(BadHandle):
        send_connect(near)
    assert len(os.listdir("/proc/self/fd")) == before
    assert isinstance(near, Handle)
