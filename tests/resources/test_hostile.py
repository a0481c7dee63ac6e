"""What a peer may send that it should not: one clear error, one closed channel, nothing else."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import anyio
import pytest

from ipcrt.errors import IpcError, NoResources, PeerClosed, RemoteProtocolError, ShouldWait, Status
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.resources.control import ResourceClient, send_connect
from ipcrt.resources.data import DataChannel
from ipcrt.resources.limits import MAX_CALLS, MAX_FRAME_BYTES, MAX_STREAM_BYTES, MAX_URI_BYTES
from ipcrt.resources.link import LOOK_AHEAD
from ipcrt.resources.messages import (
    ABORT,
    CONNECT,
    ERROR,
    FRAMED_DATA,
    INVOKE,
    INVOKE_REPLY,
    OPEN,
    OPEN_REPLY,
    PIPE,
    PIPE_REPLY,
    STREAM_DATA,
)
from ipcrt.resources.serving import ResourceLimits
from ipcrt.wire.epitaph import encode_epitaph
from tests.resources.raw import header, message, null, place, wait_gone
from tests.resources.world import client_of, make_app

pytestmark = pytest.mark.anyio

BAD_UTF8 = b"\x92\x01\xa2\xc3\x28"

TO_A_SERVER: dict[str, tuple[bytes, int]] = {
    "a URI of 1 MiB": (message(OPEN.ordinal, [1, "x:" + "a" * (1 << 20)]), 0),
    "a URI a byte too long": (message(OPEN.ordinal, [1, "a" * (MAX_URI_BYTES + 1)]), 0),
    "a URI too long in UTF-8": (message(OPEN.ordinal, [1, "é" * (MAX_URI_BYTES // 2 + 1)]), 0),
    "invalid UTF-8": (message(OPEN.ordinal, BAD_UTF8), 0),
    "a URI in a bin": (message(OPEN.ordinal, [1, b"echo://x"]), 0),
    "a call id over 32 bits": (message(OPEN.ordinal, [1 << 31, "echo://x"]), 0),
    "a call id in a string": (message(OPEN.ordinal, ["1", "echo://x"]), 0),
    "too few parameters": (message(OPEN.ordinal, [1]), 0),
    "too many parameters": (message(OPEN.ordinal, [1, "echo://x", 2]), 0),
    "a map": (message(OPEN.ordinal, {"call_id": 1, "uri": "echo://x"}), 0),
    "no body": (message(OPEN.ordinal, b""), 0),
    "a handle that nobody asked for": (message(OPEN.ordinal, [1, "echo://x"], 1), 1),
    "a pipe to nowhere": (message(PIPE.ordinal, [1, "raw:", None]), 0),
    "a pipe to an index that is not there": (message(PIPE.ordinal, [1, "raw:", place(1)], 1), 1),
    "a pipe to two": (message(PIPE.ordinal, [1, "raw:", place(0)], 2), 2),
    "args in a string": (message(INVOKE.ordinal, [1, "version", "args"]), 0),
    "args over 1 MiB": (message(INVOKE.ordinal, [1, "version", bytes((1 << 20) + 1)]), 0),
    "a message over the limit": (message(INVOKE.ordinal, [1, "version", bytes(4 << 20)]), 0),
    "a txid": (message(OPEN.ordinal, [1, "echo://x"], txid=1), 0),
    "an unknown kind": (message(0x1234, [1]), 0),
    "a reply": (message(INVOKE_REPLY.ordinal, [1, b""]), 0),
    "data": (message(FRAMED_DATA.ordinal, [b"x"]), 0),
    "a Connect": (message(CONNECT.ordinal, [place(0)], 1), 1),
    "an epitaph": (encode_epitaph(Status.IO), 0),
    "half a header": (header(0, OPEN.ordinal)[:9], 0),
    "a body cut short": (header(9, OPEN.ordinal) + b"\x92\x01", 0),
    "another version": (header(0, OPEN.ordinal)[:7] + b"\x40" + header(0, OPEN.ordinal)[8:], 0),
    "garbage": (b"GET / HTTP/1.1\r\n\r\n", 0),
}


@pytest.mark.parametrize("what", TO_A_SERVER)
async def test_a_client_that_breaks_the_contract_loses_its_channel_alone(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    data, handles = TO_A_SERVER[what]
    app = make_app()
    async with open_port() as port, client_of(port, app) as other:
        near, far = Channel.create()
        with app.bind(port, far) as binding, near, caplog.at_level(logging.WARNING):
            near.write(data, [null() for _ in range(handles)])
            await wait_gone(near, port)
            assert binding.closed
        assert len(caplog.records) == 1, "one clear error"
        assert "closing" in caplog.text
        assert len(caplog.text) < 600
        assert await other.invoke(None, "version") == b"1"


async def test_a_call_id_is_in_use_until_its_reply(caplog: pytest.LogCaptureFixture) -> None:
    near, far = Channel.create()
    async with open_port() as port:
        with make_app().bind(port, far) as binding, near, caplog.at_level(logging.WARNING):
            for _ in range(2):
                near.write(message(INVOKE.ordinal, [-7, "echo://x#hang", b""]))
            await wait_gone(near, port)
            assert binding.closed
            assert "call -7 is in flight already" in caplog.text


async def test_a_client_that_floods_stalls_itself_alone() -> None:
    """It cannot make the server keep more calls than its limit, whatever it sends."""
    app = make_app(ResourceLimits(calls_in_flight=3))
    async with open_port() as port, client_of(port, app) as other:
        near, far = Channel.create()
        with app.bind(port, far) as binding, near:
            sent = 0
            for _ in range(10):
                try:
                    while True:
                        sent += 1
                        near.write(message(INVOKE.ordinal, [sent, "echo://x#hang", b""]))
                except ShouldWait:
                    await port.sleep(0.001)
            assert sent > 100
            assert binding.statistics()["calls_in_flight"] == 3
            assert await other.invoke(None, "version") == b"1"
        await port.sleep(0)


async def test_a_client_that_takes_no_replies_stalls_itself_alone() -> None:
    app = make_app()
    async with open_port() as port, client_of(port, app) as other:
        near, far = Channel.create()
        with app.bind(port, far) as binding, near:
            sent = 0
            for _ in range(50):
                with contextlib.suppress(ShouldWait):
                    while True:
                        near.write(message(OPEN.ordinal, [sent, "nowhere:"]))
                        sent += 1
                await port.sleep(0.001)
            counts = binding.statistics()
            assert 0 < counts["calls_in_flight"] <= 64
            assert 0 < counts["backlog"] <= 64
            assert await other.invoke(None, "version") == b"1"
        await port.sleep(0)


async def test_a_client_has_so_many_data_channels_and_no_more() -> None:
    async with (
        open_port() as port,
        client_of(port, make_app(ResourceLimits(data_channels=2))) as client,
        await client.open("echo://1"),
    ):
        async with await client.open("echo://2"):
            with pytest.raises(IpcError) as caught:
                await client.open("echo://3")
            assert caught.value.status is Status.NO_RESOURCES
        with anyio.fail_after(10):
            while True:
                try:
                    data = await client.open("echo://3")
                except IpcError:
                    continue
                data.close()
                break


# ------------------------------------------------------------------------ servers


REPLIES: dict[str, tuple[bytes, int]] = {
    "a reply to a call never made": (message(OPEN_REPLY.ordinal, [2, place(0)], 1), 1),
    "an abort of a call never made": (message(ABORT.ordinal, [-1, -25]), 0),
    "an abort with OK": (message(ABORT.ordinal, [1, 0]), 0),
    "an abort with a code over 32 bits": (message(ABORT.ordinal, [1, -(1 << 31) - 1]), 0),
    "an OpenReply without a handle": (message(OPEN_REPLY.ordinal, [1, None]), 0),
    "an OpenReply that lacks its handle": (message(OPEN_REPLY.ordinal, [1]), 0),
    "an OpenReply with two handles": (message(OPEN_REPLY.ordinal, [1, place(0)], 2), 2),
    "an OpenReply that names two": (message(OPEN_REPLY.ordinal, [1, place(0), place(1)], 2), 2),
    "an OpenReply with a number": (message(OPEN_REPLY.ordinal, [1, 7]), 0),
    "a reply of another kind": (message(PIPE_REPLY.ordinal, [1, 7]), 0),
    "a request": (message(OPEN.ordinal, [1, "x:"]), 0),
    "an unknown kind": (message(0x1234, [1]), 0),
    "a txid": (message(OPEN_REPLY.ordinal, [1, place(0)], 1, txid=1), 1),
    "garbage": (b"\x00" * 40, 0),
}


@pytest.mark.parametrize("what", REPLIES)
async def test_a_server_that_breaks_the_contract_loses_its_channel_alone(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    data, handles = REPLIES[what]
    async with open_port() as port, client_of(port) as other:
        near, far = Channel.create()
        with far:
            async with ResourceClient(near, port) as client, anyio.create_task_group() as tasks:

                async def answer() -> None:
                    await port.sleep(0.001)
                    far.write(data, [null() for _ in range(handles)])

                tasks.start_soon(answer)
                with caplog.at_level(logging.WARNING), pytest.raises(RemoteProtocolError):
                    await client.open("x:", timeout=10)
                with pytest.raises(RemoteProtocolError):
                    await client.invoke(None, "version")
                assert not any(client.statistics().values())
            assert len(caplog.records) == 1
            await wait_gone(far, port)
        assert await other.invoke(None, "version") == b"1"


async def test_the_second_reply_to_a_call_closes_the_channel() -> None:
    near, far = Channel.create()
    async with open_port() as port, ResourceClient(near, port) as client:
        with far:
            far.write(message(OPEN_REPLY.ordinal, [1, place(0)], 1), [null()])
            far.write(message(OPEN_REPLY.ordinal, [1, place(0)], 1), [null()])
            with await client.open_handle("x:"), pytest.raises(RemoteProtocolError):
                await client.invoke(None, "version")
            await wait_gone(far, port)


async def test_a_server_that_never_answers_costs_a_bounded_number_of_calls() -> None:
    near, far = Channel.create()
    async with open_port() as port, ResourceClient(near, port) as client:
        with far:
            for _ in range(MAX_CALLS):
                with anyio.move_on_after(0):
                    await client.open("x:")
                with contextlib.suppress(ShouldWait):
                    far.read()
            with pytest.raises(NoResources, match="4096 calls"):
                await client.open("x:")
            assert client.statistics()["calls_given_up"] == MAX_CALLS


async def test_a_server_may_say_why_it_goes() -> None:
    near, far = Channel.create()
    async with open_port() as port, ResourceClient(near, port) as client:
        with far:
            far.write(encode_epitaph(Status.NO_RESOURCES))
        with pytest.raises(IpcError) as caught:
            await client.open("x:")
        assert caught.value.status is Status.NO_RESOURCES


# ------------------------------------------------------------------------ data channels


DATA: dict[str, tuple[bytes, int]] = {
    "data in a string": (message(FRAMED_DATA.ordinal, ["text"]), 0),
    "a handle": (message(FRAMED_DATA.ordinal, [b"x"], 1), 1),
    "a handle in the data's place": (message(STREAM_DATA.ordinal, [place(0)], 1), 1),
    "a stream's part over a packet": (
        message(STREAM_DATA.ordinal, [bytes(MAX_STREAM_BYTES + 1)]),
        0,
    ),
    "a frame over its limit": (message(FRAMED_DATA.ordinal, [bytes(MAX_FRAME_BYTES + 1)]), 0),
    "an error that says OK": (message(ERROR.ordinal, [0]), 0),
    "an error over 32 bits": (message(ERROR.ordinal, [1 << 40]), 0),
    "a request": (message(OPEN.ordinal, [1, "x:"]), 0),
    "an unknown kind": (message(0x4321, []), 0),
    "a txid": (message(FRAMED_DATA.ordinal, [b"x"], txid=9), 0),
    "nothing": (message(FRAMED_DATA.ordinal, b""), 0),
    "garbage": (b"\xff" * 17, 0),
}


@pytest.mark.parametrize("what", DATA)
async def test_bad_data_ends_its_channel_behind_what_came_before(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    data, handles = DATA[what]
    near, far = Channel.create()
    async with open_port() as port, DataChannel(near, port) as channel:
        with far, caplog.at_level(logging.WARNING):
            far.write(message(FRAMED_DATA.ordinal, [b"good"]))
            far.write(data, [null() for _ in range(handles)])
            far.write(message(FRAMED_DATA.ordinal, [b"too late"]))
            assert (await channel.recv()).data == b"good"
            for _ in range(2):
                with pytest.raises(RemoteProtocolError):
                    await channel.recv()
            with pytest.raises(RemoteProtocolError):
                channel.try_send_frame(b"x")
            assert len(caplog.records) == 1
            await wait_gone(far, port)


async def test_a_flood_of_data_stays_in_the_kernel() -> None:
    near, far = Channel.create()
    async with open_port() as port, DataChannel(near, port) as channel:
        with far:
            told: list[IpcError] = []
            far.write(message(FRAMED_DATA.ordinal, [b"first"]))
            assert (await channel.recv()).data == b"first"
            for _ in range(10):
                try:
                    while True:
                        far.write(message(FRAMED_DATA.ordinal, [bytes(1000)]))
                except ShouldWait:
                    await port.sleep(0.001)
            assert channel.statistics()["read_ahead"] == LOOK_AHEAD
            channel.on_error(told.append)
        assert len([part async for part in channel]) > LOOK_AHEAD
        assert not told


async def test_a_flood_of_errors_stays_in_the_kernel() -> None:
    near, far = Channel.create()
    async with open_port() as port, DataChannel(near, port) as channel:
        errors = channel.errors()
        sent = 0
        with far:
            for _ in range(10):
                try:
                    while True:
                        far.write(message(ERROR.ordinal, [-40]))
                        sent += 1
                except ShouldWait:
                    await port.sleep(0.001)
            assert channel.statistics()["errors"] == LOOK_AHEAD
        assert len([error async for error in errors]) == sent


# ------------------------------------------------------------------------ listen channels


async def _listening(port: AsyncPort, tasks: Any, most: int = 64) -> Channel:
    near, far = Channel.create()
    tasks.start_soon(make_app().listen, port, far, most)
    await port.sleep(0)
    return near


@pytest.mark.parametrize("what", ["no handle", "no channel", "another kind"])
async def test_a_bad_connect_closes_the_listen_channel(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_port() as port, anyio.create_task_group() as tasks:
        with await _listening(port, tasks) as listen, caplog.at_level(logging.WARNING):
            async with ResourceClient(send_connect(listen), port) as client:
                assert await client.invoke(None, "version") == b"1"
                if what == "no handle":
                    listen.write(message(CONNECT.ordinal, [None]))
                elif what == "no channel":
                    listen.write(message(CONNECT.ordinal, [place(0)], 1), [null()])
                else:
                    listen.write(message(OPEN.ordinal, [1, "x:"]))
                await wait_gone(listen, port)
                assert await client.invoke(None, "version") == b"1", "those who came go on"
        assert len(caplog.records) == 1


async def test_so_many_clients_and_no_more() -> None:
    async with open_port() as port, anyio.create_task_group() as tasks:
        with await _listening(port, tasks, 1) as listen:
            async with ResourceClient(send_connect(listen), port) as first:
                assert await first.invoke(None, "version") == b"1"
                async with ResourceClient(send_connect(listen), port) as second:
                    with pytest.raises(IpcError) as caught:
                        await second.invoke(None, "version")
                    assert caught.value.status is Status.NO_RESOURCES
                assert await first.invoke(None, "version") == b"1"
            while True:
                async with ResourceClient(send_connect(listen), port) as third:
                    try:
                        assert await third.invoke(None, "version") == b"1"
                    except (IpcError, PeerClosed):
                        continue
                    break
