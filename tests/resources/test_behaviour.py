"""How clients and servers behave together: each kind of client with a server on each loop."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest

from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    IpcError,
    NoResources,
    NotFound,
    NotSupported,
    PeerClosed,
    ShouldWait,
    Status,
    TimedOut,
    WrongType,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.socket import Socket
from ipcrt.resources.messages import FramedData, StreamData
from tests.resources.clients import KINDS, LOOPS, Make, Story, serving, tell
from tests.resources.world import SECRET


async def data_comes_back_as_it_was_sent(client: Any, make: Make) -> None:
    del make
    async with await client.open("echo://x") as data:
        for frame in (b"", b"one", b"two", bytes(1 << 20)):
            await data.send_frame(frame)
            assert await data.recv() == FramedData(frame)
        stream = os.urandom(200_000)
        await data.send_stream(stream)
        came = b""
        while len(came) < len(stream):
            part = await data.recv()
            assert isinstance(part, StreamData)
            came += part.data
        assert came == stream
        assert data.sent_bytes == (1 << 20) + 6 + len(stream)


async def a_stream_ends_where_its_server_does(client: Any, make: Make) -> None:
    del make
    async with await client.open("bytes://300000/a%20b?part=xy") as data:
        assert b"".join([part.data async for part in data]) == b"xy" * 300_000
        with pytest.raises(PeerClosed):
            await data.recv()
        with pytest.raises(PeerClosed):
            await data.send_frame(b"late")


async def an_open_that_fails_is_aborted_with_its_status(client: Any, make: Make) -> None:
    del make
    for uri, kind, status in (
        ("denied:", AccessDenied, Status.ACCESS_DENIED),
        ("missing:", NotFound, Status.NOT_FOUND),
        ("nowhere://x", NotFound, Status.NOT_FOUND),
        ("defect:", IpcError, Status.INTERNAL),
        ("nonsense:", IpcError, Status.INTERNAL),
        ("bytes://1/?" + "&".join("abc"), IpcError, Status.INVALID_ARGS),
    ):
        with pytest.raises(kind) as caught:
            await client.open(uri)
        assert caught.value.status is status
        assert SECRET not in str(caught.value)
    assert await client.invoke(None, "version") == b"1"


async def methods_answer(client: Any, make: Make) -> None:
    del make
    assert await client.invoke("echo://bob", "shout", b"hello") == b"bob: HELLO"
    assert await client.invoke("echo://bob", "later", b"1") == b"1"
    assert await client.invoke("echo://bob", "nothing") == b""
    with pytest.raises(NotSupported):
        await client.invoke("echo://bob", "unknown")
    with pytest.raises(NotSupported):
        await client.invoke(None, "unknown")
    with pytest.raises(NotFound):
        await client.invoke("nowhere://x", "shout")
    with pytest.raises(IpcError) as caught:
        await client.invoke("echo://bob", "text")
    assert caught.value.status is Status.INVALID_ARGS


async def a_pipe_writes_into_a_data_channel_of_ours(client: Any, make: Make) -> None:
    near, far = Channel.create()
    async with make(near) as ours, make(far) as other:
        assert await client.pipe("numbers://3", ours) == 3
        assert [(await other.recv()).data for _ in range(3)] == [b"0", b"1", b"2"]
        await ours.send_frame(b"ours still")
        assert (await other.recv()).data == b"ours still"


async def what_has_no_pipe_is_opened_and_copied(client: Any, make: Make) -> None:
    near, far = Channel.create()
    async with make(near) as ours, make(far) as other:
        assert await client.pipe("bytes://100000/", ours) == 100_000
        assert sum([len((await other.recv()).data) for _ in range(2)]) == 100_000
        with pytest.raises(NotSupported):
            await client.pipe("socket:", ours)
        with pytest.raises(NotFound):
            await client.pipe("nowhere:", ours)


async def a_pipe_writes_into_any_descriptor(client: Any, make: Make) -> None:
    del make
    readable, writable = map(Handle, os.pipe2(os.O_CLOEXEC))
    with readable:
        assert await client.pipe("raw:", writable) == 15
        assert writable.closed
        assert os.read(readable.fileno(), 64) == b"to a descriptor"
        assert os.read(readable.fileno(), 64) == b"", "nobody else holds it"
    with pytest.raises(WrongType):
        await client.pipe("numbers://1", Handle(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)))


async def a_pipe_that_breaks_is_aborted(client: Any, make: Make) -> None:
    near, far = Channel.create()
    async with make(far) as other:
        async with make(near) as ours:
            with pytest.raises(NoResources):
                await client.pipe("short:", ours)
            with pytest.raises(IpcError):
                await client.pipe("breaks:", ours)
            with pytest.raises(PeerClosed):
                await client.pipe("gone:", ours)
        assert [part.data async for part in other] == [b"half", b"so far"]


async def a_server_may_give_a_descriptor_of_its_own(client: Any, make: Make) -> None:
    del make
    with await client.open_handle("socket:") as socket:
        assert isinstance(socket, Socket)
        assert socket.read() == b"by a socket"
    with await client.open_handle("null:") as null:
        assert type(null) is Handle
        assert os.read(null.fileno(), 1) == b""
    with await client.open_handle("channel:") as channel:
        assert isinstance(channel, Channel)
    for uri in ("socket:", "null:"):
        with pytest.raises(WrongType):
            await client.open(uri)


async def errors_of_what_was_sent_are_raised_by_recv(client: Any, make: Make) -> None:
    del make
    async with await client.open("full:") as data:
        await data.send_stream(b"x")
        with pytest.raises(IpcError) as caught:
            await data.recv()
        assert caught.value.status is Status.NO_SPACE
        await data.send_stream(b"x")  # the channel goes on
        with pytest.raises(IpcError):
            await data.recv(timeout=25)


async def errors_of_what_was_sent_go_to_who_listens(client: Any, make: Make) -> None:
    del make
    heard: list[Status] = []
    async with await client.open("full:") as data:
        for _ in range(3):
            await data.send_stream(b"x")
        async for error in data.errors():
            heard.append(error.status)
            if len(heard) == 3:
                break

        def hear(error: IpcError) -> None:
            heard.append(error.status)

        data.on_error(hear)
        await data.send_stream(b"x")
        while len(heard) < 4:
            with pytest.raises(TimedOut):
                await data.recv(timeout=0.001)
    assert heard == [Status.NO_SPACE] * 4


async def a_session_that_fails_says_so_and_ends(client: Any, make: Make) -> None:
    del make
    async with await client.open("breaks:") as data:
        assert await data.recv() == FramedData(b"so far")
        with pytest.raises(IpcError) as caught:
            await data.recv()
        assert caught.value.status is Status.NO_SPACE
        assert SECRET not in str(caught.value)
        with pytest.raises(PeerClosed):
            await data.recv()


async def a_call_ends_at_its_deadline_and_the_channel_goes_on(client: Any, make: Make) -> None:
    del make
    with pytest.raises(TimedOut):
        await client.invoke("echo://x", "later", b"50", timeout=0.005)
    assert client.statistics() == {"calls": 0, "calls_given_up": 1, "backlog": 0}
    while client.statistics()["calls_given_up"]:  # its late reply is known, and dropped
        assert await client.invoke("echo://x", "later", b"5") == b"5"
    async with await client.open("echo://x") as data:
        with pytest.raises(TimedOut):
            await data.recv(timeout=0.005)
        await data.send_frame(b"on it goes")
        assert (await data.recv()).data == b"on it goes"


async def a_full_queue_says_so_at_once_and_loses_nothing(client: Any, make: Make) -> None:
    del client
    near, far = Channel.create()
    async with make(near) as ours, make(far) as other:
        sent = 0
        with contextlib.suppress(ShouldWait):
            while True:
                ours.try_send_frame(str(sent).encode())
                sent += 1
        with pytest.raises(ShouldWait):
            ours.try_send_stream(b"x")
        with pytest.raises(ShouldWait):
            ours.try_send_error(Status.IO)
        with pytest.raises(TimedOut):
            await ours.send_frame(b"never", timeout=0.005)
        assert [int((await other.recv()).data) for _ in range(sent)] == list(range(sent))
        await ours.send_frame(b"there is room", timeout=25)
        ours.close()
        assert [message.data async for message in other] == [b"there is room"]


async def what_is_closed_says_so(client: Any, make: Make) -> None:
    del make
    async with await client.open("echo://x") as data:
        client.close()
        with pytest.raises(BadHandle):
            await client.open("echo://x")
        await data.send_frame(b"a data channel is its own")
        assert (await data.recv()).data == b"a data channel is its own"
    for use in (data.recv(), data.send_frame(b"x"), data.send_error(Status.IO)):
        with pytest.raises(BadHandle):
            await use
    assert data.closed


STORIES: tuple[Story, ...] = (
    data_comes_back_as_it_was_sent,
    a_stream_ends_where_its_server_does,
    an_open_that_fails_is_aborted_with_its_status,
    methods_answer,
    a_pipe_writes_into_a_data_channel_of_ours,
    what_has_no_pipe_is_opened_and_copied,
    a_pipe_writes_into_any_descriptor,
    a_pipe_that_breaks_is_aborted,
    a_server_may_give_a_descriptor_of_its_own,
    errors_of_what_was_sent_are_raised_by_recv,
    errors_of_what_was_sent_go_to_who_listens,
    a_session_that_fails_says_so_and_ends,
    a_call_ends_at_its_deadline_and_the_channel_goes_on,
    a_full_queue_says_so_at_once_and_loses_nothing,
    what_is_closed_says_so,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"client-{kind}")
@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: f"server-{loop}")
def test_a_story(loop: str, kind: str, story: Story) -> None:
    with serving(loop) as listen:
        tell(story, kind, listen)
