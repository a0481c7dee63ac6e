"""Misuse ends the channel of whoever committed it, on both sides, and nobody else's."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.completer import Completer
from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import IpcError, NotFound, PeerClosed, RemoteProtocolError, Status
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from tests.bindings.ticker import (
    Number,
    Ticker,
    TickerBlockingProxy,
    TickerProxy,
    TickerServer,
    Ticks,
    connect,
    tick,
)
from tests.support.waiting import wait_until_async


class Kind(TickerServer):
    """Answers what it heard last; a watch of nothing waits for ever."""

    def __init__(self) -> None:
        self.last: int | None = None
        self.kept: list[Completer[Number]] = []
        self.gone: list[IpcError] = []

    def watch(self) -> Answer[Number]:
        if self.last is not None:
            return Number(self.last)
        self.kept.append(Completer[Number]())
        return self.kept[-1]

    def tell(self, number: int) -> None:
        self.last = number

    def client_gone(self, reason: IpcError) -> None:
        self.gone.append(reason)


class Inline(Kind):
    def watch(self) -> Number:
        raise Misuse("7 was never allocated", Status.NOT_FOUND)


class Awaited(Kind):
    async def watch(self) -> Number:
        await anyio.lowlevel.checkpoint()
        raise Misuse("7 was never allocated", Status.NOT_FOUND)


class Completed(Kind):
    def watch(self) -> Completer[Number]:
        completer = Completer[Number]()
        completer.fail(Misuse("7 was never allocated", Status.NOT_FOUND))
        return completer


class Deaf(Kind):
    def tell(self, number: int) -> None:
        raise Misuse(f"{number} is not said here")


@pytest.mark.anyio
@pytest.mark.parametrize("server", [Inline, Awaited, Completed])
async def test_it_ends_the_client_with_its_status(
    server: type[Kind], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_port() as port:
        client, binding = connect(server(), port)
        other, others = connect(Kind(), port)
        async with client, other:
            for _ in range(2):  # the call itself, and any later one
                with pytest.raises(NotFound):
                    await client.watch()
            assert binding.closed
            await other.tell(9)
            assert await other.watch() == 9
            assert not others.closed
    assert "7 was never allocated" in caplog.text


@pytest.mark.anyio
async def test_calls_beside_it_end_with_the_channel() -> None:
    async with open_port() as port:
        server = Deaf()
        client, binding = connect(server, port)
        statuses: list[Status] = []

        async def watch() -> None:
            with pytest.raises(IpcError) as caught:
                await client.watch()
            statuses.append(caught.value.status)

        async with client, anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await wait_until_async(lambda: server.kept)
            await client.tell(5)
        assert statuses == [Status.BAD_STATE]
        assert binding.statistics()["calls_in_flight"] == 0
        assert server.kept[0].canceled
        assert len(server.gone) == 1


class Picky(Ticks):
    """A listener that takes one event only."""

    def on_tick(self, number: int) -> None:
        if self.heard:
            raise Misuse("a second tick")
        super().on_tick(number)


@pytest.mark.anyio
async def test_a_listener_ends_the_server(caplog: pytest.LogCaptureFixture) -> None:
    async with open_port() as port:
        picky, server = Picky(), Kind()
        client, binding = connect(server, port, picky)
        async with client:
            server.last = 3
            tick(binding, 1)
            assert await client.watch() == 3
            tick(binding, 2)
            tick(binding, 3)
            server.last = None
            with pytest.raises(RemoteProtocolError, match="a second tick"):
                await client.watch()
            await binding.wait_closed()
            assert picky.heard == [1]
            assert isinstance(server.gone[0], PeerClosed)
    assert "a second tick" in caplog.text


def test_a_plain_thread_knows_it_too() -> None:
    with BlockingPort() as port:
        client, end = create_endpoints(Ticker)
        binding = ServerBinding(end, Inline(), port)
        with TickerBlockingProxy(client, port) as proxy, pytest.raises(NotFound):
            proxy.watch()
        assert binding.closed


class Greeter(Kind):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error

    def client_came(self, binding: ServerBinding[Ticker]) -> None:
        if self.error is not None:
            raise self.error
        tick(binding, 1)


@pytest.mark.anyio
async def test_a_server_is_told_that_its_client_came() -> None:
    async with open_port() as port:
        ticks = Ticks()
        client, _ = connect(Greeter(), port, ticks)
        async with client:
            await wait_until_async(lambda: ticks.heard)
        assert ticks.heard == [1]


@pytest.mark.anyio
async def test_a_server_that_will_not_have_it_serves_nobody() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Ticker)
        with pytest.raises(KeyError):
            ServerBinding(end, Greeter(KeyError("no")), port)
        async with TickerProxy(client, port) as proxy:
            with pytest.raises(PeerClosed):
                await proxy.watch()
