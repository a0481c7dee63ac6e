"""One control channel, served: the order of calls, their ends, and what is left of them."""

from __future__ import annotations

import anyio
import pytest

from ipcrt.errors import InvalidArgs, IpcError, Status
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.resources.app import ResourceApp
from ipcrt.resources.control import ResourceClient
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import FRAMED_DATA, INVOKE, OPEN, PIPE
from ipcrt.resources.requests import InvokeRequest, OpenRequest, PipeRequest, Session
from ipcrt.resources.serving import ControlServer, ResourceLimits
from tests.resources.raw import message, null, place
from tests.resources.world import client_of, echo, make_app

pytestmark = pytest.mark.anyio


async def test_handlers_start_in_the_order_of_their_calls() -> None:
    app = ResourceApp()
    started: list[int] = []

    @app.invoke(None, "def")
    def plain(request: InvokeRequest) -> bytes:
        started.append(int(request.args))
        return b""

    @app.invoke(None, "async")
    async def waits(request: InvokeRequest) -> bytes:
        started.append(int(request.args))
        await request.port.sleep(0.001)
        return b""

    async with open_port() as port:
        near, far = Channel.create()
        for number in range(60):
            name = "def" if number % 3 else "async"
            near.write(message(INVOKE.ordinal, [number, name, str(number).encode()]))
        with app.bind(port, far), near:
            while len(started) < 60:
                await port.sleep(0.001)
            assert started == list(range(60))


async def test_calls_end_with_their_client_and_leave_nothing() -> None:
    app = ResourceApp()
    cancelled: list[str] = []

    async def hang(request: InvokeRequest | OpenRequest | PipeRequest) -> Session:
        try:
            await request.port.create_waiter()
        finally:
            cancelled.append(type(request).__name__)
        raise AssertionError(request)

    app.open("x:")(hang)
    app.pipe("x:")(hang)
    app.invoke("x:", "m")(hang)
    async with open_port() as port:
        near, far = Channel.create()
        with app.bind(port, far) as binding, near:
            near.write(message(OPEN.ordinal, [1, "x:"]))
            near.write(message(INVOKE.ordinal, [2, "x:#m", b""]))
            near.write(message(PIPE.ordinal, [3, "x:", place(0)], 1), [null()])
            while binding.statistics()["calls_in_flight"] < 3:
                await port.sleep(0.001)
            near.close()
            await binding.wait_closed()
            while len(cancelled) < 3:
                await port.sleep(0.001)
            assert sorted(cancelled) == ["InvokeRequest", "OpenRequest", "PipeRequest"]


async def test_data_channels_outlive_their_control_channel() -> None:
    async with open_port() as port:
        async with client_of(port) as client:
            data = await client.open("echo://x")
        async with data:
            await data.send_frame(b"still here")
            assert (await data.recv()).data == b"still here"


async def test_sessions_are_counted_and_forgotten() -> None:
    near, far = Channel.create()
    async with open_port() as port:
        app = make_app()
        server = ControlServer("test", app._routes, port, ResourceLimits())
        with server.serve(far):
            async with ResourceClient(near, port) as client:
                async with await client.open("echo://x"), await client.open("echo://y"):
                    assert server.statistics() == {"calls": 0, "data_channels": 2}
                while server.statistics()["data_channels"]:
                    await port.sleep(0.001)
                with pytest.raises(IpcError):
                    await client.open("defect:")
                with pytest.raises(IpcError):
                    await client.invoke("echo://x", "text")
                assert server.statistics() == {"calls": 0, "data_channels": 0}


async def test_an_open_that_is_given_up_leaves_no_session() -> None:
    app = ResourceApp()
    gone: list[bool] = []

    @app.open("slow:")
    async def open_slow(request: OpenRequest) -> Session:
        await request.port.sleep(0.002)

        async def serve(data: DataChannel) -> None:
            async for _ in data:
                pass
            gone.append(True)

        return serve

    async with open_port() as port, client_of(port, app) as client:
        with anyio.move_on_after(0.0005):
            (await client.open("slow:")).close()
        while not gone:
            await port.sleep(0.001)
        while any(client.statistics().values()):
            await port.sleep(0.001)


@pytest.mark.parametrize("answer", [-1, "7", 1.5, True])
async def test_a_pipe_that_counts_nonsense_is_aborted(answer: object) -> None:
    app = ResourceApp()

    @app.pipe("x:")
    def pipe_x(request: PipeRequest) -> object:
        del request
        return answer

    async with open_port() as port, client_of(port, app) as client:
        with pytest.raises(IpcError) as caught:
            await client.pipe("x:", null())
        assert caught.value.status is Status.INTERNAL


async def test_a_copy_stops_when_nobody_takes_it() -> None:
    app = ResourceApp()
    app.open("echo:")(open_echo)
    app.open("channel:")(open_written)
    async with open_port() as port, client_of(port, app) as client:
        near, far = Channel.create()
        async with DataChannel(near, port) as target, DataChannel(far, port) as sink:
            assert await client.pipe("channel:", target) == 2
            assert [(await sink.recv()).data for _ in range(2)] == [b"a", b"b"]
            with pytest.raises(IpcError):
                await client.pipe("echo:", null())


def open_echo(request: OpenRequest) -> Session:
    del request
    return echo


def open_written(request: OpenRequest) -> Channel:
    """A data channel with two frames in it, whose other end is closed."""
    del request
    near, far = Channel.create()
    with far:
        for part in (b"a", b"b"):
            far.write(message(FRAMED_DATA.ordinal, [part]))
    return near


def test_a_limit_that_would_never_read_any_is_refused() -> None:
    with pytest.raises(InvalidArgs):
        ResourceLimits(calls_in_flight=0)
