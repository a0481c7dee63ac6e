from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.errors import ShouldWait
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.holders import MAX_HOLDERS, holders_account, usages
from ipcrt.locator.locator import LocatorLimits, LocatorService
from ipcrt.locator.policy import Namespace, Policy
from ipcrt.locator.protocol import LOCATOR_GET_IDENTITY, Locator, LocatorProxy
from ipcrt.locator.session import Session
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio
NAMESPACE = Namespace((), ())


class Club:
    def __init__(self, port: AsyncPort) -> None:
        self.port = port
        self.service = LocatorService(port, Policy(), LocatorLimits(clients_per_uid=50))
        self._proxies: list[LocatorProxy] = []

    def client(self, pid: int, uid: int) -> LocatorProxy:
        client, server = create_endpoints(Locator)
        session = Session(self.service, Credentials(pid, uid, uid, frozenset()), NAMESPACE)
        assert self.service.admit(server, session)
        self._proxies.append(LocatorProxy(client, self.port))
        return self._proxies[-1]

    def account(self) -> dict[str, Any]:
        return dict(holders_account(self.service.ledger, self.service._sessions))

    def close(self) -> None:
        self.service.close()
        for proxy in self._proxies:
            proxy.close()


@asynccontextmanager
async def opened() -> AsyncGenerator[Club, None]:
    async with open_port() as port:
        club = Club(port)
        try:
            yield club
        finally:
            club.close()


async def test_each_holder_with_its_limits() -> None:
    async with opened() as club:
        for pid in (11, 11, 12):
            club.client(pid, 1000)
        account = club.account()
        assert set(account) == {"uid-1000", "uid-1000-pid-11", "uid-1000-pid-12", "not_shown"}
        assert account["not_shown"] == 0
        uid = account["uid-1000"]
        assert (uid["connections"], uid["connections_limit"], uid["fds"]) == (3, 50, 3)
        assert account["uid-1000-pid-11"]["connections"] == 2


async def test_those_nearest_to_a_limit_are_told() -> None:
    async with opened() as club:
        for uid in range(2 * MAX_HOLDERS):
            club.client(7, uid)
        for _ in range(5):
            club.client(7, 9999)
        account = club.account()
        assert len(account) == 2 * MAX_HOLDERS + 1
        assert account["not_shown"] == 2 * (2 * MAX_HOLDERS + 1 - MAX_HOLDERS)
        assert account["uid-9999"]["connections"] == 5
        assert "uid-9999-pid-7" in account


async def test_those_that_nobody_here_knows_are_told_one_by_one() -> None:
    async with opened() as club:
        for _ in range(3):
            club.client(0, 1000)
        names = [name for name in club.account() if name.startswith("uid-1000-unknown-")]
        assert len(names) == 3


async def test_a_client_is_told_where_it_stands() -> None:
    async with opened() as club:
        client = club.client(os.getpid(), 1000)
        club.client(12, 1000)
        told = {
            (each.holder, each.resource): (each.value, each.limit, each.refused)
            for each in (await client.get_usage()).usages
        }
        assert len(told) == 8
        assert told["client", "connections"] == (1, 50, 0)
        assert told["uid", "connections"] == (2, 50, 0)
        assert told["uid", "fds"][0] == 2
        assert told["client", "calls"] == (1, 1024, 0), "the one that asks"


async def test_replies_that_wait_are_calls() -> None:
    async with opened() as club:
        client, server = create_endpoints(Locator)
        who = Credentials(12, 1000, 1000, frozenset())
        guest = Session(club.service, who, NAMESPACE)
        assert club.service.admit(server, guest)

        def calls() -> set[int]:
            told = usages(club.service.ledger, guest.share, [guest])
            return {each.value for each in told if each.resource == "calls"}

        assert calls() == {0}
        request = encode(1, LOCATOR_GET_IDENTITY.ordinal, FLEXIBLE, b"") * 500
        with client:
            for _ in range(20):
                with contextlib.suppress(ShouldWait):
                    client.channel.write(request)
                await club.port.sleep(0.001)
            await wait_until_async(lambda: calls() != {0})
            assert len(calls()) == 1, "the same for its uid"
