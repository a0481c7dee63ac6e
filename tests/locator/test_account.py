from __future__ import annotations

import os

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.locator.account import MAX_CLIENTS, clients_account, process_account
from ipcrt.locator.protocol import Identity
from ipcrt.locator.service import Peer
from ipcrt.port.aport import open_port
from tests.locator.echo import Echo, EchoProxy, EchoServer
from tests.support.proc import open_fds

pytestmark = pytest.mark.anyio


def test_tells_of_this_process() -> None:
    account = process_account()
    assert (account["pid"], account["uid"]) == (os.getpid(), os.geteuid())
    assert account["fds"] == len(open_fds())
    assert account["fds_limit"] >= account["fds"]


def test_counts_descriptors_where_the_kernel_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    untold = os.stat("/proc/self")
    assert untold.st_size == 0

    def stat(path: str) -> os.stat_result:
        assert path == "/proc/self/fd"
        return untold

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", stat)
        fds = process_account()["fds"]
    assert fds == len(open_fds())


async def test_tells_of_the_busiest_clients() -> None:
    async with open_port() as port:
        who = Identity(7, 8, 9)
        bindings: list[ServerBinding[Echo]] = []
        proxies: list[EchoProxy] = []
        for _ in range(MAX_CLIENTS + 3):
            client, server = create_endpoints(Echo)
            bindings.append(ServerBinding(server, EchoServer(Peer(who, None)), port))
            proxies.append(EchoProxy(client, port))
        for _ in range(3):
            await proxies[-1].echo("x")
        await proxies[5].echo("x")
        limits = Limits(calls_in_flight=5)
        account = clients_account([(who, binding) for binding in bindings], limits)
        assert account["not_shown"] == 3
        assert account["limits"] == {"calls_in_flight": 5, "message_bytes": limits.message_bytes}
        clients = [account[f"client-{index + 1}"] for index in range(MAX_CLIENTS)]
        assert f"client-{MAX_CLIENTS + 1}" not in account
        assert clients[0] == {
            "pid": 7,
            "uid": 8,
            "calls_in_flight": 0,
            "backlog": 0,
            "received": 3,
            "sent": 3,
            "unhandled": 0,
            "backlog_bytes": 0,
            "unread_by_client": 0,
            "unread_by_us": 0,
        }
        assert clients[1] != clients[2]
        for proxy, binding in zip(proxies, bindings, strict=True):
            proxy.close()
            binding.close()
