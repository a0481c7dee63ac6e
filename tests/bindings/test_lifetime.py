"""Lifetimes: an object lives as long as somebody holds its channel."""

from __future__ import annotations

import pytest

from ipcrt.bindings.ends import Protocol, create_endpoints
from ipcrt.bindings.lifetime import serve_lifetime
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.bindings.tables import Openness, ProtocolTable
from ipcrt.errors import IpcError, PeerClosed, Status
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.signals import Signals
from tests.bindings.ticker import Ticker
from tests.support.waiting import wait_until_async


class Pin(Protocol):
    """Has no methods."""

    TABLE = ProtocolTable("test/Pin", Openness.CLOSED, ())


class PinProxy(Proxy[Pin]):
    PROTOCOL = Pin


class PinBlockingProxy(BlockingProxy[Pin]):
    PROTOCOL = Pin


@pytest.mark.anyio
@pytest.mark.parametrize("holder", ["end", "proxy"])
async def test_the_client_ends_it(holder: str) -> None:
    async with open_port() as port:
        client, end = create_endpoints(Pin)
        ended: list[IpcError] = []
        binding = serve_lifetime(end, Pin, port, ended.append)
        held = PinProxy(client, port) if holder == "proxy" else client
        await port.sleep(0.01)
        assert not ended
        held.close()
        await binding.wait_closed()
        assert [type(reason) for reason in ended] == [PeerClosed]
        binding.close()
        assert len(ended) == 1


@pytest.mark.anyio
async def test_the_server_ends_it() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Pin)
        ended: list[IpcError] = []
        with client:
            binding = serve_lifetime(end, Pin, port, ended.append)
            binding.close()
            assert len(ended) == 1
            await port.wait_one(client.channel, Signals.PEER_CLOSED)
        assert len(ended) == 1


@pytest.mark.anyio
async def test_a_proxy_is_told_that_the_server_ended_it() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Pin)
        async with PinProxy(client, port) as pin:
            with serve_lifetime(end, Pin, port, lambda reason: None) as binding:
                assert not pin.closed
                binding.close(Status.UNAVAILABLE)
            await wait_until_async(lambda: pin.closed)


@pytest.mark.anyio
async def test_whoever_speaks_on_it_ends_it() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Pin)
        ended: list[IpcError] = []
        with client:
            binding = serve_lifetime(end, Pin, port, ended.append)
            client.channel.write(b"x" * 16)
            await binding.wait_closed()
        assert ended[0].status is not Status.PEER_CLOSED


@pytest.mark.anyio
async def test_a_protocol_with_methods_is_refused() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Ticker)
        with client, end, pytest.raises(TypeError, match="test/Ticker has methods"):
            serve_lifetime(end, Ticker, port, lambda reason: None)


def test_a_plain_thread_serves_it_too() -> None:
    with BlockingPort() as port:
        client, end = create_endpoints(Pin)
        ended: list[IpcError] = []
        binding = serve_lifetime(end, Pin, port, ended.append)
        PinBlockingProxy(client, port).close()
        port.dispatch(5)
        assert binding.closed
        assert len(ended) == 1
