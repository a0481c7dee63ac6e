from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import anyio
import pytest

from ipcrt.bindings.ends import ServerEnd, create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import (
    AccessDenied,
    IpcError,
    NoResources,
    PeerClosed,
    TimedOut,
    Unavailable,
    WrongType,
)
from ipcrt.locator.connector import (
    ConnectorFace,
    connect_through,
    connect_through_blocking,
    reason_of,
)
from ipcrt.locator.handover import HandOver
from ipcrt.locator.protocol import (
    ConnectError,
    ConnectFailed,
    Connector,
    ConnectorBlockingProxy,
    ConnectorProxy,
    Identity,
)
from ipcrt.locator.service import Peer
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from tests.locator.echo import Echo, EchoProxy, EchoServer
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio
PEER = Peer(Identity(1, 2, 3), None)


class Shop:
    """A service that serves echo on each end that it takes, on a loop of its own."""

    def __init__(self, port: AsyncPort) -> None:
        self.port = port
        self.served: list[ServerBinding[Echo]] = []
        self.refusal: IpcError | None = None

    def take(self, end: Channel) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.served.append(ServerBinding(ServerEnd[Echo](end), EchoServer(PEER), self.port))

    @asynccontextmanager
    async def connector(self) -> AsyncGenerator[ConnectorProxy, None]:
        client, server = create_endpoints(Connector)
        with ServerBinding(server, ConnectorFace(self.take), self.port):
            async with ConnectorProxy(client, self.port) as proxy:
                yield proxy

    def close(self) -> None:
        for binding in self.served:
            binding.close()


@asynccontextmanager
async def opened() -> AsyncGenerator[Shop, None]:
    async with open_port() as port:
        shop = Shop(port)
        try:
            yield shop
        finally:
            shop.close()


async def test_the_answer_means_that_the_end_is_served() -> None:
    async with opened() as shop, shop.connector() as connector:
        end = await connect_through(connector, Echo)
        assert len(shop.served) == 1, "before anything was said on it"
        connector.close()
        async with EchoProxy(end, shop.port) as echo:
            assert await echo.echo("hello") == "hello", "it outlives the way that it came by"


@pytest.mark.parametrize(
    "refusal, reason",
    [
        (Unavailable("going"), ConnectError.SHUTTING_DOWN),
        (NoResources("full"), ConnectError.TOO_MANY_CLIENTS),
        (TimedOut("late"), ConnectError.TIMED_OUT),
        (WrongType("odd"), ConnectError.INVALID_END),
        (AccessDenied("no"), ConnectError.INVALID_END),
    ],
)
async def test_a_refusal_says_why_and_leaves_nothing(
    refusal: IpcError, reason: ConnectError
) -> None:
    assert reason_of(refusal) is reason
    async with opened() as shop, shop.connector() as connector:
        before = len(open_fds())
        shop.refusal = refusal
        with pytest.raises(ConnectFailed) as caught:
            await connect_through(connector, Echo)
        assert caught.value.error is reason
        assert len(open_fds()) == before
        shop.refusal = None
        (await connect_through(connector, Echo)).close()


async def test_an_end_whose_client_goes_is_served_until_then() -> None:
    async with opened() as shop, shop.connector() as connector:
        near, far = Channel.create()
        with near:
            await connector.connect(far)
            assert not shop.served[0].closed
        await wait_until_async(lambda: shop.served[0].closed)


async def test_a_service_that_has_gone() -> None:
    async with opened() as shop:
        client, server = create_endpoints(Connector)
        before = len(open_fds())
        server.close()
        async with ConnectorProxy(client, shop.port) as connector:
            with pytest.raises(PeerClosed):
                await connect_through(connector, Echo)
        assert len(open_fds()) == before - 2


async def test_a_client_that_does_not_wait_any_more() -> None:
    """The service may have taken the end by then; it sees the client gone."""
    async with opened() as shop:
        client, server = create_endpoints(Connector)
        async with ConnectorProxy(client, shop.port) as connector:
            before = len(open_fds())
            with pytest.raises(TimedOut):
                await connect_through(connector, Echo, timeout=0.02)
            with anyio.move_on_after(0.02):
                await connect_through(connector, Echo)
            assert len(open_fds()) == before
            with ServerBinding(server, ConnectorFace(shop.take), shop.port):
                await wait_until_async(lambda: len(shop.served) == 2)
                await wait_until_async(lambda: all(each.closed for each in shop.served))


# ------------------------------------------------------ served on another thread than the service


class Binder(threading.Thread):
    """A thread that serves a connector, as Binder's threads do, and hands ends to a loop."""

    def __init__(self, end: ServerEnd[Connector], hand_over: HandOver) -> None:
        super().__init__()
        self._end = end
        self._hand_over = hand_over

    def run(self) -> None:
        with BlockingPort() as port:
            face = ConnectorFace(lambda end: self._hand_over.add_channel(end, 20.0))
            with ServerBinding(self._end, face, port) as binding:
                while not binding.closed:
                    port.dispatch(0.05)


@contextmanager
def bound(hand_over: HandOver) -> Generator[ConnectorBlockingProxy, None, None]:
    client, server = create_endpoints(Connector)
    thread = Binder(server, hand_over)
    thread.start()
    try:
        with BlockingPort() as port, ConnectorBlockingProxy(client, port) as proxy:
            yield proxy
    finally:
        thread.join()


async def test_on_a_thread_of_its_own_it_waits_for_the_loop() -> None:
    async with opened() as shop:
        hand_over = HandOver(shop.port, shop.take)

        def connect_twice() -> None:
            with bound(hand_over) as connector:
                connect_through_blocking(connector, Echo).close()
                assert len(shop.served) == 1
                connect_through_blocking(connector, Echo).close()
                assert len(shop.served) == 2

        await anyio.to_thread.run_sync(connect_twice)
        hand_over.stop()


async def test_a_loop_that_shuts_down_refuses_by_another_thread() -> None:
    async with opened() as shop:
        hand_over = HandOver(shop.port, shop.take)
        hand_over.stop()

        def connect() -> None:
            with bound(hand_over) as connector, pytest.raises(ConnectFailed) as caught:
                connect_through_blocking(connector, Echo)
            assert caught.value.error is ConnectError.SHUTTING_DOWN

        await anyio.to_thread.run_sync(connect)
        assert shop.served == []
