from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.errors import AccessDenied, NoResources
from ipcrt.locator.connect import connect
from ipcrt.locator.connector import connect_through
from ipcrt.locator.limits import Quota, Quotas, Resource
from ipcrt.locator.policy import Policy, Rule
from ipcrt.locator.protocol import (
    ConnectError,
    ConnectFailed,
    Connector,
    ConnectorProxy,
    Locator,
    LocatorProxy,
    Outgoing,
    RegisterError,
    RegisterFailed,
)
from ipcrt.objects.channel import Channel
from tests.locator.stage import Stage
from tests.locator.test_locator import opened
from tests.support.processes import Spawner
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio
NAME = "ipcrt.locator/Connector"


async def test_an_end_is_served_as_whom_the_connectors_client_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as place, place.client() as client:
        async with await client.open(ConnectorProxy) as connector:
            end = await connect_through(connector, Locator)
            assert place.clients() == 3
            async with LocatorProxy(end, place.port) as another:
                assert (await another.get_identity()).identity == client.identity
                names = (await another.get_entries()).entries
                assert names == [], "what is always there is not listed"
        await wait_until_async(lambda: place.clients() == 1)
        assert place.service.ledger.held(os.getuid(), Resource.FDS) == 1


async def test_its_ends_have_the_clients_namespace(tmp_path: Path) -> None:
    async with opened(tmp_path) as place, place.client() as client:
        place.service.policy = Policy()
        outgoing, served = create_endpoints(Outgoing)
        with served:
            await client.proxy.register(["a/B"], outgoing)
            async with await client.open(ConnectorProxy) as connector:
                end = await connect_through(connector, Locator)
                async with LocatorProxy(end, place.port) as another:
                    entries = (await another.get_entries()).entries
                    assert [entry.name for entry in entries] == ["a/B"]


async def test_it_outlives_the_channel_that_it_was_opened_by(tmp_path: Path) -> None:
    async with opened(tmp_path) as place:
        async with place.client() as client:
            connector = await client.open(ConnectorProxy)
            (await connect_through(connector, Locator)).close()
        async with connector:
            (await connect_through(connector, Locator)).close()


async def test_policy_says_who_may_open_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as place:
        place.service.policy = Policy([Rule(open=["ipcrt.test/*"])])
        async with place.client() as client, await client.open(ConnectorProxy) as connector:
            with pytest.raises(AccessDenied):
                await connect_through(connector, Locator)


async def test_a_limit_is_told_through_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as place:
        limits = Quotas(client=Quota(connections=3))
        place.service.policy = Policy([Rule(open=["*"])], limits)
        async with place.client() as client, await client.open(ConnectorProxy) as connector:
            with await connect_through(connector, Locator):
                with pytest.raises(ConnectFailed) as caught:
                    await connect_through(connector, Locator)
                assert caught.value.error is ConnectError.TOO_MANY_CLIENTS
            await wait_until_async(lambda: place.clients() == 2)
            (await connect_through(connector, Locator)).close()


async def test_no_more_connectors_than_channels(tmp_path: Path) -> None:
    async with opened(tmp_path) as place:
        limits = Quotas(client=Quota(connections=1))
        place.service.policy = Policy([Rule(open=["*"])], limits)
        async with place.client() as client, await client.open(ConnectorProxy) as connector:
            near, far = Channel.create()
            with near, pytest.raises(NoResources):
                await connector.connect(far)
            assert place.clients() == 1


async def test_nobody_else_may_offer_the_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as place, place.client() as client:
        end, server = create_endpoints(Outgoing)
        with server, pytest.raises(RegisterFailed) as caught:
            await client.proxy.register([NAME], end)
        assert caught.value.error is RegisterError.ALREADY_REGISTERED
        assert Connector.TABLE.name == NAME


CHILD = """
import sys
from ipcrt.locator.connect import connect_blocking
from ipcrt.locator.connector import connect_through_blocking
from ipcrt.locator.protocol import ConnectorBlockingProxy, Locator, LocatorBlockingProxy
with connect_blocking(sys.argv[1]) as locator, locator.open(ConnectorBlockingProxy) as connector:
    ends = [connect_through_blocking(connector, Locator) for _ in range(5)]
    with LocatorBlockingProxy(ends[0], locator.port) as another:
        print(another.get_identity().identity.pid, flush=True)
        sys.stdin.readline()
    for end in ends:
        end.close()
"""


async def test_a_process_that_is_killed_leaves_nothing(stage: Stage, spawn_python: Spawner) -> None:
    daemon = stage.locator()
    child = spawn_python(CHILD, stage.path)
    assert child.line() == str(child.pid)
    child.kill()
    child.wait()
    daemon.settle()
    async with connect(stage.path) as client:
        assert await client.names() == []
