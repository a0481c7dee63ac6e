from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Generator
from contextlib import contextmanager

import anyio
import msgspec
import pytest

from ipcrt.errors import (
    AccessDenied,
    AlreadyExists,
    BadHandle,
    InvalidArgs,
    IoError,
    IpcError,
    NotFound,
    OutOfRange,
    PeerClosed,
    TimedOut,
    Unavailable,
)
from ipcrt.objects.channel import Channel
from ipcrt.resources.accepting import Accepting
from ipcrt.resources.arrivals import AHEAD
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import FramedData
from ipcrt_services.resources.incoming import END
from tests.services.resources.world import World, read_all, serving
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

ANY = "tcp-listen://127.0.0.1:0"
BIG = bytes(range(256)) * 8192  # two mebibytes


@contextmanager
def listening() -> Generator[tuple[socket.socket, str], None, None]:
    """A plain server's socket, and the URI that connects to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener, f"tcp://127.0.0.1:{listener.getsockname()[1]}"


async def listen(world: World, uri: str = ANY) -> tuple[Accepting, int]:
    """Listen, and answer at which port."""
    handle = await world.client.open_handle(uri)
    told = await world.client.invoke(uri, "addresses")
    found = msgspec.msgpack.decode(told, type=list[tuple[str, int]])
    return Accepting(handle, world.port), found[-1][1]


# ---------------------------------------------------------------------------------- connecting


async def test_both_directions_and_their_ends() -> None:
    with listening() as (listener, uri):
        async with serving("net", "/") as world, await world.client.open(uri) as data:
            far, _ = listener.accept()
            with far:
                await data.send_stream(b"ping")
                await data.send_frame(END)
                received = b""
                while part := await anyio.to_thread.run_sync(far.recv, 65536):
                    received += part
                assert received == b"ping"
                far.sendall(b"pong")  # the other direction goes on
                far.shutdown(socket.SHUT_WR)
                assert await read_all(data) == b"pong"
            with pytest.raises(PeerClosed):  # both have ended
                await data.recv()


async def test_the_far_end_may_end_first() -> None:
    with listening() as (listener, uri):
        async with serving("net", "/") as world, await world.client.open(uri) as data:
            far, _ = listener.accept()
            with far:
                far.shutdown(socket.SHUT_WR)
                assert await data.recv() == FramedData(END)
                await data.send_stream(b"late")
                assert await anyio.to_thread.run_sync(far.recv, 9) == b"late"
                await data.send_frame(END)
                assert await anyio.to_thread.run_sync(far.recv, 9) == b""


async def test_much_both_ways_at_once() -> None:
    found: list[bytes] = []

    async def send(data: DataChannel) -> None:
        await data.send_stream(BIG)
        await data.send_frame(END)

    async def receive(data: DataChannel) -> None:
        found.append(await read_all(data))

    async with serving("net", "/") as world:
        accepting, port = await listen(world)
        near = await world.client.open(f"tcp://127.0.0.1:{port}")
        async with (
            accepting,
            near,
            await accepting.accept() as far,
            anyio.create_task_group() as tasks,
        ):
            for end in (near, far):
                tasks.start_soon(send, end)
                tasks.start_soon(receive, end)
    assert found == [BIG, BIG]


async def test_a_reset_is_told_as_an_error() -> None:
    with listening() as (listener, uri):
        async with serving("net", "/") as world, await world.client.open(uri) as data:
            far, _ = listener.accept()
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            far.close()
            with pytest.raises(IoError):
                await data.recv()
            with pytest.raises(PeerClosed):
                await data.recv()


async def test_what_was_sent_before_the_client_went_arrives() -> None:
    with listening() as (listener, uri):
        async with serving("net", "/") as world:
            data = await world.client.open(uri)
            far, _ = listener.accept()
            with far:
                sent = 0
                with contextlib.suppress(TimedOut):  # until nothing moves any more
                    while True:
                        await data.send_stream(bytes(65516), timeout=0.1)
                        sent += 65516
                data.close()
                far.sendall(b"news that nobody reads")
                received = 0
                while part := await anyio.to_thread.run_sync(far.recv, 1 << 16):
                    received += len(part)
                assert received == sent


async def test_who_cannot_be_connected_to() -> None:
    with listening() as (_, uri):
        pass
    async with serving("net", "/", allow=["*:*"]) as world:
        with pytest.raises(Unavailable):
            await world.client.open(uri)
        with pytest.raises(NotFound):
            await world.client.open("tcp://no-such-host.invalid:1")
        with pytest.raises(OutOfRange):
            await world.client.open("tcp://127.0.0.1:65536")
        with pytest.raises(InvalidArgs):
            await world.client.open(f"{uri}?fast")
        for nonsense in ("tcp://127.0.0.1", "tcp://:80", "tcp://a/b:80", "tcp://[::1:80"):
            with pytest.raises(IpcError):
                await world.client.open(nonsense)


async def test_nobody_is_connected_to_who_is_not_allowed() -> None:
    with listening() as (listener, uri):
        async with serving("net", "/", allow=["127.0.0.1:1"]) as world:
            for name in (uri, uri.replace("127.0.0.1", "localhost"), ANY):
                with pytest.raises(AccessDenied):
                    await world.client.open(name)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_a_name_and_the_socket_itself() -> None:
    with listening() as (listener, uri):
        async with serving("net", "/") as world:
            with await world.client.open_handle(
                f"{uri.replace('127.0.0.1', 'localhost')}?fd"
            ) as handle:
                far, _ = listener.accept()
                with far:
                    os.write(handle.fileno(), b"by the socket")
                    assert await anyio.to_thread.run_sync(far.recv, 99) == b"by the socket"


async def test_ipv6() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no ::1")
    with listener:
        uri = f"tcp://[::1]:{listener.getsockname()[1]}"
        async with serving("net", "/") as world, await world.client.open(uri):
            listener.accept()[0].close()


# ---------------------------------------------------------------------------------- listening


async def test_each_connection_comes_as_a_channel() -> None:
    async with serving("net", "/") as world:
        accepting, port = await listen(world)
        async with accepting:
            for number in range(3):
                with socket.create_connection(("127.0.0.1", port)) as far:
                    async with await accepting.accept() as data:
                        await data.send_stream(str(number).encode())
                        assert await anyio.to_thread.run_sync(far.recv, 9) == str(number).encode()
            with pytest.raises(TimedOut):
                await accepting.accept(timeout=0.01)


async def test_connections_outlive_the_listening() -> None:
    async with serving("net", "/") as world:
        accepting, port = await listen(world)
        with socket.create_connection(("127.0.0.1", port)) as far:
            async with await accepting.accept() as data:
                accepting.close()
                await wait_for_no_listener(world)
                with pytest.raises(OSError, match="refused"):
                    socket.create_connection(("127.0.0.1", port)).close()
                far.sendall(b"still")
                assert (await data.recv()).data == b"still"
        with pytest.raises(BadHandle):
            await accepting.accept()


async def wait_for_no_listener(world: World) -> None:
    with anyio.fail_after(20):
        while await world.ask(ANY, "addresses"):
            await world.port.sleep(0.005)


async def test_many_who_connect_wait_while_nobody_accepts() -> None:
    async with serving("net", "/") as world:
        accepting, port = await listen(world)
        with_all = []
        async with accepting:
            with_all = [socket.create_connection(("127.0.0.1", port)) for _ in range(4 * AHEAD)]
            await wait_until_async(lambda: accepting.statistics()["arrived"] >= AHEAD)
            for _ in range(20):
                await world.ask(ANY, "addresses")  # the server has had its turns
            assert accepting.statistics()["arrived"] == AHEAD
            for _ in with_all:
                (await accepting.accept()).close()
        for far in with_all:
            far.close()


async def test_listeners_who_are_not_answered_leave_nothing() -> None:
    async with serving("net", "/") as world:
        before = len(open_fds())
        accepting, port = await listen(world)
        far = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        await wait_until_async(lambda: len(open_fds()) > before + 6)
        accepting.close()
        for each in far:
            each.close()
        await wait_until_async(lambda: len(open_fds()) == before)


async def test_an_address_that_is_taken_and_the_socket_itself() -> None:
    with listening() as (_, uri):
        async with serving("net", "/") as world:
            with pytest.raises(AlreadyExists):
                await world.client.open_handle(uri.replace("tcp:", "tcp-listen:"))
            handle = await world.client.open_handle(f"{ANY}?fd")
            with socket.socket(fileno=handle.take()) as sock:
                assert sock.getsockname()[1]
            assert await world.ask(ANY, "addresses") == []


# ---------------------------------------------------------------------------------- the hostile


async def test_clients_who_die_leave_nothing() -> None:
    with listening() as (listener, uri):
        async with serving("net", "/") as world:
            before = len(open_fds())
            for how in ("at once", "in the middle", "stalled", "after the end"):
                data = await world.client.open(uri)
                far, _ = listener.accept()
                with far:
                    if how == "in the middle":
                        await data.send_stream(b"x")
                    elif how == "stalled":
                        far.setblocking(False)
                        for _ in range(32):
                            try:
                                far.send(BIG)
                            except BlockingIOError:
                                break
                    elif how == "after the end":
                        await data.send_frame(END)
                        assert await anyio.to_thread.run_sync(far.recv, 1) == b""
                    data.close()
                    far.setblocking(True)
                    await wait_until_async(lambda: len(open_fds()) == before + 1)  # `far` is left


async def test_data_behind_the_end_is_refused() -> None:
    with listening() as (listener, uri):
        async with serving("net", "/") as world, await world.client.open(uri) as data:
            with listener.accept()[0]:
                await data.send_frame(END)
                await data.send_stream(b"more")
                with pytest.raises(InvalidArgs):
                    await data.recv()


async def test_a_listen_channel_that_is_talked_to() -> None:
    async with serving("net", "/") as world:
        handle = await world.client.open_handle(ANY)
        assert isinstance(handle, Channel)
        with handle:
            handle.write(b"nonsense")
        await wait_for_no_listener(world)
