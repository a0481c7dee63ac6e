from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import IpcError, NoResources, NotFound, PeerClosed, Unavailable
from ipcrt.locator.connect import connect, connect_blocking
from ipcrt.locator.protocol import (
    Identity,
    Outgoing,
    OutgoingProxy,
    RegisterError,
    RegisterFailed,
)
from ipcrt.locator.service import Directory, Factory, Peer, ServiceLimits, provide
from ipcrt.objects.process import Process
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from tests.locator.echo import NAME, Echo, EchoBlockingProxy, EchoProxy, EchoServer
from tests.locator.stage import Stage
from tests.support.proc import open_fds
from tests.support.waiting import wait_until, wait_until_async

# ---------------------------------------------------------------------------------- the directory


class Desk:
    """A directory, and the locator's view of it."""

    def __init__(self, port: AsyncPort, directory: Directory) -> None:
        client, server = create_endpoints(Outgoing)
        self.port = port
        self.directory = directory
        self.binding = ServerBinding(server, directory, port)
        self.outgoing = OutgoingProxy(client, port)

    def open(self, name: str = NAME, uid: int = 1000) -> EchoProxy:
        client, server = create_endpoints(Echo)
        who = Identity(os.getpid(), uid, uid)
        with server:
            self.outgoing.open_now(name, server.channel, who, Process.open(os.getpid()))
        return EchoProxy(client, self.port)


@asynccontextmanager
async def opened(
    offers: Mapping[str, Factory] | None = None, limits: ServiceLimits | None = None
) -> AsyncGenerator[Desk, None]:
    async with open_port() as port:
        directory = Directory(port, {NAME: EchoServer} if offers is None else offers, limits)
        desk = Desk(port, directory)
        try:
            yield desk
        finally:
            desk.outgoing.close()
            desk.binding.close()


@pytest.mark.anyio
async def test_a_server_for_each_client() -> None:
    async with opened() as desk:
        async with desk.open(uid=1) as first, desk.open(uid=2) as second:
            assert (await first.describe()).uid == 1
            assert (await second.describe()).uid == 2
            assert desk.directory.statistics() == {"clients": 2, "calls_in_flight": 0}
        await wait_until_async(lambda: not desk.directory.statistics()["clients"])


@pytest.mark.anyio
async def test_a_name_that_is_not_on_offer() -> None:
    async with opened() as desk:
        before = open_fds()
        async with desk.open("other/Name") as refused:
            with pytest.raises(NotFound):
                await refused.echo("hello")
        assert open_fds() == before


@pytest.mark.anyio
@pytest.mark.parametrize(
    "limits", [ServiceLimits(clients=1), ServiceLimits(clients_per_uid=1)], ids=["all", "uid"]
)
async def test_more_clients_than_the_limit(limits: ServiceLimits) -> None:
    async with opened(limits=limits) as desk:
        async with desk.open() as first:
            assert await first.echo("hello") == "hello"
            before = open_fds()
            async with desk.open() as refused:
                with pytest.raises(NoResources):
                    await refused.echo("hello")
            assert open_fds() == before
            assert await first.echo("still here") == "still here"
        await wait_until_async(lambda: not desk.directory.statistics()["clients"])
        async with desk.open() as again:
            assert await again.echo("hello") == "hello"


@pytest.mark.anyio
async def test_the_limit_of_one_user_is_not_another_s() -> None:
    async with (
        opened(limits=ServiceLimits(clients_per_uid=1)) as desk,
        desk.open(uid=1) as first,
        desk.open(uid=2) as second,
    ):
        assert await first.echo("hello") == "hello"
        assert await second.echo("hello") == "hello"


FEW = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96))
from tests.locator.echo import main
main()
"""


def test_a_service_with_few_descriptors(stage: Stage) -> None:
    stage.locator()
    service = stage.spawn(FEW, stage.path, capture_stderr=True)
    assert service.line() == "registered"
    with connect_blocking(stage.path) as locator, contextlib.ExitStack() as stack:
        clients: list[EchoBlockingProxy] = []
        with contextlib.suppress(NoResources):
            while len(clients) < 96:
                clients.append(stack.enter_context(locator.open(EchoBlockingProxy)))
                clients[-1].echo("hello")
        assert 20 < len(clients) < 48  # each is two descriptors: its channel and its process
        for _ in range(20):
            with locator.open(EchoBlockingProxy) as echo, pytest.raises(NoResources):
                echo.echo("hello")
        for client in clients[:-1]:
            assert client.echo("still here") == "still here"
        assert locator.names() == [NAME]
    with connect_blocking(stage.path) as locator, locator.open(EchoBlockingProxy) as echo:
        while echo.crowd().clients > 1:
            pass
    assert "not registered" not in service.errors()


class Incomplete:
    """No server at all."""

    PROTOCOL = Echo


@pytest.mark.anyio
@pytest.mark.parametrize("mistake", ["raises", "no server"])
async def test_a_factory_that_fails(mistake: str, caplog: pytest.LogCaptureFixture) -> None:
    def make(peer: Peer) -> EchoServer:
        if mistake == "raises":
            raise RuntimeError(f"nobody is at home for {peer.identity.uid}")
        return Incomplete()  # type: ignore[return-value]

    async with opened({NAME: make, "good/Echo": EchoServer}) as desk:
        before = open_fds()
        async with desk.open() as refused:
            with pytest.raises(IpcError, match="INTERNAL"):
                await refused.echo("hello")
        assert open_fds() == before
        async with desk.open("good/Echo") as echo:
            assert await echo.echo("hello") == "hello"
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


@pytest.mark.anyio
async def test_the_clients_process_is_closed_with_it() -> None:
    peers: list[Peer] = []

    def make(peer: Peer) -> EchoServer:
        peers.append(peer)
        return EchoServer(peer)

    async with opened({NAME: make}) as desk:
        async with desk.open() as echo:
            assert not (await echo.describe()).ended
        process = peers[0].process
        assert process is not None
        await wait_until_async(lambda: process.closed)


@pytest.mark.anyio
async def test_clients_outlive_the_locators_channel() -> None:
    async with opened() as desk, desk.open() as echo:
        assert await echo.echo("before") == "before"
        desk.outgoing.close()
        await desk.binding.wait_closed()
        assert await echo.echo("after") == "after"


# -------------------------------------------------------------------------------------- registering


@pytest.mark.anyio
async def test_no_locator_at_the_first_try(stage: Stage) -> None:
    async with open_port() as port:
        with pytest.raises(Unavailable):
            await provide(port, {NAME: EchoServer}, path=stage.path)


@pytest.mark.anyio
async def test_providing_until_cancelled(stage: Stage) -> None:
    daemon = stage.locator()
    told: list[str] = []
    async with open_port() as port:

        async def on_registered() -> None:
            told.append("awaited")

        cancel = port.spawn(
            provide(port, {NAME: EchoServer}, path=stage.path, on_registered=on_registered), "echo"
        )
        async with connect(stage.path, port=port) as locator:
            while not await locator.names():
                await port.sleep(0.001)
            async with await locator.open(EchoProxy) as echo:
                assert await echo.echo("hello") == "hello"
            cancel()
            while await locator.names():
                await port.sleep(0.001)
    assert told == ["awaited"]
    daemon.settle()


@pytest.mark.anyio
async def test_a_name_that_is_taken(stage: Stage) -> None:
    stage.locator()
    stage.service()
    async with open_port() as port:
        before = open_fds()
        with pytest.raises(RegisterFailed) as caught:
            await provide(port, {NAME: EchoServer}, path=stage.path)
        assert caught.value.error is RegisterError.ALREADY_REGISTERED
        assert open_fds() == before


@pytest.mark.anyio
async def test_names_that_no_locator_takes_leave_nothing_open(stage: Stage) -> None:
    stage.locator()
    async with open_port() as port:
        before = open_fds()
        for names in (["x" * 256], [f"a/{number}" for number in range(65)], []):
            with pytest.raises(IpcError):
                await provide(port, dict.fromkeys(names, EchoServer), path=stage.path)
            assert open_fds() == before


def test_of_two_services_that_race_for_a_name_one_wins(stage: Stage) -> None:
    stage.locator()
    for _ in range(3):
        racers = [stage.service(registered=False) for _ in range(2)]
        lines = {racer.line(): racer for racer in racers}
        assert set(lines) == {"registered", ""}
        assert lines[""].wait() == 1
        assert "RegisterFailed: ALREADY_REGISTERED" in lines[""].errors()
        with connect_blocking(stage.path) as locator:
            with locator.open(EchoBlockingProxy) as echo:
                assert echo.crowd().server_pid == lines["registered"].pid
            lines["registered"].kill()
            while locator.names():
                pass


# ----------------------------------------------------------------------- the locator goes and comes


def test_services_come_back_to_a_new_locator_by_themselves(stage: Stage) -> None:
    first = stage.locator()
    service = stage.service()
    with connect_blocking(stage.path) as locator, locator.open(EchoBlockingProxy) as echo:
        server = echo.crowd().server_pid
        first.child.kill()
        first.child.wait()
        with pytest.raises(PeerClosed):
            locator.names()
        assert echo.echo("without a locator") == "without a locator"
        stage.locator(alone=False)
        assert service.line() == "registered"
        with connect_blocking(stage.path) as again, again.open(EchoBlockingProxy) as other:
            assert other.crowd().server_pid == server
        assert echo.echo("all the time") == "all the time"


def test_a_service_whose_name_is_taken_meanwhile_waits_for_its_turn(stage: Stage) -> None:
    first = stage.locator()
    service = stage.service()
    with connect_blocking(stage.path) as locator, locator.open(EchoBlockingProxy) as echo:
        assert echo.echo("hello") == "hello"
        service.kill(signal.SIGSTOP)
        first.child.kill()
        first.child.wait()
        stage.locator(alone=False)
        rival = stage.service()
        service.kill(signal.SIGCONT)
        assert echo.echo("patience") == "patience"
        wait_until(lambda: "not registered: ALREADY_REGISTERED" in service.errors())
        assert echo.echo("still mine") == "still mine"
        rival.kill()
        assert service.line() == "registered"


# ------------------------------------------------------------------------------------- diagnostics


class Shown:
    """Diagnostics that only take note."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.closed = 0

    def lazy(self, name: str, pull: Callable[[], Mapping[str, object]], /) -> Shown:
        assert pull()
        self.names.append(name)
        return self

    def close(self) -> None:
        self.closed += 1

    def duplicate_vmo(self) -> Vmo:
        vmo = Vmo.from_bytes(b"tree")
        vmo.seal(Seals.SHRINK | Seals.GROW)
        return vmo


@pytest.mark.anyio
async def test_what_shows_a_service_is_published_whenever_it_registers(stage: Stage) -> None:
    daemon = stage.locator(alone=False)
    shown = Shown()
    async with open_port() as port:
        registered = 0

        def count() -> None:
            nonlocal registered
            registered += 1

        async def serve() -> None:
            offers = {NAME: EchoServer, "a/B": EchoServer}
            await provide(port, offers, path=stage.path, on_registered=count, inspect=shown)

        stop = port.spawn(serve(), "service")
        await wait_until_async(lambda: registered == 1)
        async with connect(stage.path, port=port) as client:
            [tree] = (await client.proxy.get_trees(0)).trees
            assert (tree.service, tree.name, tree.alive) == (NAME, "inspect", True)
        daemon.child.kill()
        daemon.child.wait()
        stage.locator(alone=False)
        await wait_until_async(lambda: registered == 2)
        async with connect(stage.path, port=port) as client:
            assert [each.alive for each in (await client.proxy.get_trees(0)).trees] == [True]
        assert (shown.names, shown.closed) == (["service", "port"], 0)
        stop()
        await wait_until_async(lambda: shown.closed == 2)


@pytest.mark.anyio
async def test_a_tree_that_the_locator_refuses_costs_the_service_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.locator(alone=False)

    class Bad(Shown):
        def duplicate_vmo(self) -> Vmo:
            return Vmo.from_bytes(b"not sealed")

    async with open_port() as port:
        registered: list[bool] = []

        async def serve() -> None:
            offers = {NAME: EchoServer}
            told = registered.append
            await provide(
                port, offers, path=stage.path, on_registered=lambda: told(True), inspect=Bad()
            )

        port.spawn(serve(), "service")
        await wait_until_async(lambda: registered)
        async with (
            connect(stage.path, port=port) as client,
            await client.open(EchoProxy) as echo,
        ):
            assert await echo.echo("hello") == "hello"
    assert "diagnostics are not published: INVALID_TREE" in caplog.text


@pytest.mark.anyio
async def test_an_account_tells_of_clients_and_limits() -> None:
    limits = ServiceLimits(clients=5, clients_per_uid=4)
    async with opened(limits=limits) as desk, desk.open() as echo:
        await echo.echo("x")
        account = desk.directory.account()
        assert account["clients"] == 1
        assert account["limits"] == {
            "clients": 5,
            "clients_per_uid": 4,
            "queued_bytes_per_uid": 1 << 25,
        }
        assert account["uids"] == {
            "closed": 0,
            "uid-1000": {"clients": 1, "calls_in_flight": 0, "queued_bytes": 0},
            "not_shown": 0,
        }
        clients = account["clients_by_load"]
        assert isinstance(clients, dict)
        assert clients["client-1"]["received"] == 1
