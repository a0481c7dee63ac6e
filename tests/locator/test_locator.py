from __future__ import annotations

import os
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
import pytest

from ipcrt.bindings.ends import ClientEnd
from ipcrt.errors import AccessDenied, NoResources, NotFound, Unavailable, WrongType
from ipcrt.locator.connect import LocatorClient, connect, try_connect
from ipcrt.locator.listener import Listener
from ipcrt.locator.locator import LocatorLimits, LocatorService
from ipcrt.locator.policy import Policy, Rule
from ipcrt.locator.protocol import Identity, Locator, LocatorProxy
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from tests.locator.echo import EchoProxy
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

WHOEVER = Policy([Rule(open=["*"], register=["*"])])


class Place:
    """A locator that listens in this process."""

    def __init__(self, port: AsyncPort, path: Path, limits: LocatorLimits | None) -> None:
        self.port = port
        self.path = path
        self.service = LocatorService(port, WHOEVER, limits)

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[LocatorClient, None]:
        """A client that has been served once."""
        async with connect(self.path, port=self.port) as client:
            await client.proxy.get_identity()
            yield client

    def dialled(self) -> Channel:
        """A connection, perhaps in the backlog still."""
        channel = try_connect(os.fspath(self.path))
        assert channel is not None
        return channel

    def connected(self) -> LocatorProxy:
        """A client that is connected, and perhaps in the backlog still."""
        return LocatorProxy(ClientEnd[Locator](self.dialled()), self.port)

    def clients(self) -> int:
        return self.service.statistics()["clients"]


@asynccontextmanager
async def opened(
    directory: Path, limits: LocatorLimits | None = None
) -> AsyncGenerator[Place, None]:
    path = directory / "locator"
    with Listener.bind(path) as listener, Handle(os.dup(listener.fileno())) as handle:
        async with open_port() as port:
            place = Place(port, path, limits)
            place.service.listen(handle)
            try:
                yield place
            finally:
                place.service.close()


# --------------------------------------------------------------------------------- who is let in


async def test_a_client_is_whom_the_kernel_says(tmp_path: Path) -> None:
    async with opened(tmp_path) as place, place.client() as client:
        identity = (await client.proxy.get_identity()).identity
        assert identity == Identity(os.getpid(), os.getuid(), os.getgid())
        assert place.service.statistics() == {"clients": 1, "uids": 1, "names": 0}
    assert place.service.statistics() == {"clients": 0, "uids": 0, "names": 0}


async def test_a_policy_is_for_those_that_come_after_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as place, place.client() as before:
        place.service.policy = Policy()
        async with place.client() as after, await after.open(EchoProxy) as echo:
            with pytest.raises(AccessDenied):
                await echo.echo("hello")
        async with await before.open(EchoProxy) as echo:
            with pytest.raises(NotFound):
                await echo.echo("hello")


async def test_a_thread_may_hand_a_channel_over(tmp_path: Path) -> None:
    async with opened(tmp_path) as place:
        near, far = Channel.create()
        add_channel = place.service.hand_over.add_channel
        await anyio.to_thread.run_sync(add_channel, far, 20.0)
        async with LocatorProxy(ClientEnd[Locator](near), place.port) as client:
            identity = (await client.get_identity()).identity
            assert identity == Identity(os.getpid(), os.getuid(), os.getgid())
        await wait_until_async(lambda: not place.clients())


async def test_what_has_no_peer_stays_with_whoever_gave_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as place:
        with Event.create() as event, Channel(event.take()) as posing:
            add_channel = place.service.hand_over.add_channel
            with pytest.raises(WrongType):
                await anyio.to_thread.run_sync(add_channel, posing, 20.0)
            assert not posing.closed
        async with place.client():
            assert place.clients() == 1


async def test_a_thread_is_told_of_a_limit_and_keeps_its_channel(tmp_path: Path) -> None:
    async with opened(tmp_path, LocatorLimits(clients_per_uid=1)) as place, place.client():
        near, far = Channel.create()
        with near, far:
            add_channel = place.service.hand_over.add_channel
            with pytest.raises(NoResources, match=r"2 connections of .*, limit 1"):
                await anyio.to_thread.run_sync(add_channel, far, 20.0)
            far.write(b"mine")
            assert near.read().data == b"mine"


# ------------------------------------------------------------------------------------------ limits


@pytest.mark.parametrize(
    "limits", [LocatorLimits(clients=2), LocatorLimits(clients_per_uid=2)], ids=["all", "uid"]
)
async def test_more_clients_than_the_limit_are_told_so(
    tmp_path: Path, limits: LocatorLimits, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path, limits) as place, place.client() as first:
        async with place.client():
            for _ in range(3):
                async with place.connected() as refused:
                    with pytest.raises(NoResources):
                        await refused.get_identity()
            assert (await first.proxy.get_identity()).identity.pid == os.getpid()
            assert len(caplog.records) == 3
            assert all("limit 2" in record.getMessage() for record in caplog.records)
        await wait_until_async(lambda: place.clients() == 1)
        async with place.client():
            assert place.clients() == 2


async def test_the_last_descriptors_are_not_for_clients(tmp_path: Path) -> None:
    async with opened(tmp_path) as place, place.client() as first:
        place.service._ceiling = 3
        async with place.connected() as refused:
            with pytest.raises(NoResources):
                await refused.get_identity()
        assert (await first.proxy.get_identity()).identity.pid == os.getpid()


# ------------------------------------------------------------------------------------------ the end


async def test_closing_tells_everybody(tmp_path: Path) -> None:
    async with opened(tmp_path) as place, place.client() as client:
        near, far = Channel.create()
        with near, far:
            place.service.close()
            place.service.close()
            with pytest.raises(Unavailable):
                await client.proxy.get_identity()
            with pytest.raises(Unavailable):
                await anyio.to_thread.run_sync(place.service.hand_over.add_channel, far, 20.0)
        assert place.service.statistics() == {"clients": 0, "uids": 0, "names": 0}


async def test_closing_leaves_those_in_the_backlog_to_a_successor(tmp_path: Path) -> None:
    async with opened(tmp_path) as place:
        waiting = place.connected()
        place.service.close()
        async with waiting:
            with pytest.raises(TimeoutError):
                await waiting.get_identity(timeout=0.05)
            (listener,) = [fd for fd, name in open_fds().items() if is_listening(fd, name)][:1]
            successor = LocatorService(place.port, WHOEVER)
            with Handle(os.dup(listener)) as handle:
                successor.listen(handle)
                assert (await waiting.get_identity()).identity.pid == os.getpid()
                successor.close()


def is_listening(fd: int, name: str) -> bool:
    if not name.startswith("socket:"):
        return False
    with socket.socket(fileno=os.dup(fd)) as sock:
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


# ------------------------------------------------------------------------- what it tells of itself


class Shown:
    """Diagnostics that only take note."""

    def __init__(self) -> None:
        self.pulls: dict[str, Callable[[], Mapping[str, object]]] = {}

    def lazy(self, name: str, pull: Callable[[], Mapping[str, object]], /) -> Shown.Closable:
        self.pulls[name] = pull
        return Shown.Closable()

    class Closable:
        def close(self) -> None: ...

    def duplicate_vmo(self) -> Vmo:
        vmo = Vmo.from_bytes(b"tree")
        vmo.seal(Seals.SHRINK | Seals.GROW)
        return vmo


async def test_it_tells_of_itself_as_a_service_does(tmp_path: Path) -> None:
    async with opened(tmp_path) as place, place.client() as client:
        shown = Shown()
        place.service.show(shown)
        [tree] = (await client.proxy.get_trees(0)).trees
        assert (tree.service, tree.alive) == ("ipcrt.locator/Locator", True)
        assert tree.publisher == Identity(os.getpid(), os.geteuid(), os.getegid())
        account = shown.pulls["locator"]()
        assert account["clients"] == 1
        assert account["trees"] == {"live": 1, "ended": 0}
        assert set(shown.pulls) == {"locator", "port"}
        clients = account["clients_by_load"]
        assert isinstance(clients, dict)
        assert clients["client-1"]["pid"] == os.getpid()
        assert clients["client-1"]["received"] >= 3
