from __future__ import annotations

import contextlib
import gc
import logging
import os
import resource
import weakref
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import pytest

from ipcrt.bindings.ends import ClientEnd, ServerEnd, create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import (
    AccessDenied,
    LocalProtocolError,
    NoResources,
    NotFound,
    PeerClosed,
    ShouldWait,
    Status,
    Unavailable,
)
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.limits import Resource
from ipcrt.locator.locator import LocatorLimits, LocatorService
from ipcrt.locator.policy import Namespace, Policy
from ipcrt.locator.protocol import (
    MAX_ENTRIES,
    HandOverError,
    HandOverFailed,
    Identity,
    Locator,
    LocatorProxy,
    Outgoing,
    PublishError,
    PublishFailed,
    RegisterError,
    RegisterFailed,
    TreeError,
    TreeFailed,
)
from ipcrt.locator.service import Directory
from ipcrt.locator.session import Session, refuse
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from tests.locator.echo import NAME, Echo, EchoProxy, EchoServer
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

EVERYTHING = Namespace(("*",), ("*",))


class Club:
    """A locator in this process, clients that are whom the test says, and services."""

    def __init__(self, port: AsyncPort, limits: LocatorLimits | None) -> None:
        self.port = port
        self.service = LocatorService(port, Policy.default(), limits)
        self._bindings: list[ServerBinding[Outgoing]] = []
        self._ends: list[ServerEnd[Outgoing]] = []

    def client(self, namespace: Namespace = EVERYTHING, uid: int = 1000) -> LocatorProxy:
        client, server = create_endpoints(Locator)
        who = Credentials(os.getpid(), uid, uid, frozenset())
        assert self.service.admit(server, Session(self.service, who, namespace))
        return LocatorProxy(client, self.port)

    def directory(self, *names: str) -> ClientEnd[Outgoing]:
        """A service's outgoing directory, served here."""
        client, server = create_endpoints(Outgoing)
        self.serve(server, *names)
        return client

    def serve(self, end: ServerEnd[Outgoing], *names: str) -> None:
        offers = dict.fromkeys(names or (NAME,), EchoServer)
        self._bindings.append(ServerBinding(end, Directory(self.port, offers), self.port))

    def stalled(self) -> tuple[ClientEnd[Outgoing], ServerEnd[Outgoing]]:
        """An outgoing directory that nobody serves yet."""
        client, server = create_endpoints(Outgoing)
        self._ends.append(server)
        return client, server

    def kill_services(self) -> None:
        for binding in self._bindings:
            binding.close()
        for end in self._ends:
            end.close()

    def close(self) -> None:
        self.service.close()
        self.kill_services()


@asynccontextmanager
async def opened(limits: LocatorLimits | None = None) -> AsyncGenerator[Club, None]:
    async with open_port() as port:
        club = Club(port, limits)
        try:
            yield club
        finally:
            club.close()


async def open_echo(proxy: LocatorProxy, port: AsyncPort, name: str = NAME) -> EchoProxy:
    client, server = create_endpoints(Echo)
    await proxy.open(name, server.take_channel())
    return EchoProxy(client, port)


@contextmanager
def no_more_descriptors() -> Generator[None, None, None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# -------------------------------------------------------------------------------------------- open


async def test_open_introduces_the_client_to_the_service() -> None:
    async with opened() as club, club.client() as service, club.client(uid=2000) as client:
        await service.register([NAME], club.directory())
        async with await open_echo(client, club.port) as echo:
            assert await echo.echo("hello") == "hello"
            told = await echo.describe()
        with Process.open(os.getpid()) as ourselves:
            assert told.process_koid == ourselves.koid
        assert (told.pid, told.uid, told.gid) == (os.getpid(), 2000, 2000)


async def test_calls_may_be_made_before_anybody_answers() -> None:
    async with opened() as club, club.client() as client:
        outgoing, end = club.stalled()
        await client.register([NAME], outgoing)
        async with await open_echo(client, club.port) as echo:
            club.port.deadlines.add(0.02, lambda: club.serve(end))
            assert await echo.echo("early") == "early"


async def test_what_policy_does_not_grant_is_denied(caplog: pytest.LogCaptureFixture) -> None:
    name = "ipcrt.test/Secret\n<3>forged\x1b[2J"
    async with (
        opened() as club,
        club.client(Namespace(("ipcrt.test/Echo",), ())) as client,
        await open_echo(client, club.port, name) as echo,
    ):
        with pytest.raises(AccessDenied):
            await echo.echo("hello")
    (record,) = caplog.records
    assert record.getMessage() == (
        f"client pid {os.getpid()} uid 1000: policy does not grant {name!r}"
    )


async def test_what_nobody_serves_is_not_found() -> None:
    async with (
        opened() as club,
        club.client() as client,
        await open_echo(client, club.port) as echo,
    ):
        with pytest.raises(NotFound):
            await echo.echo("hello")


async def test_a_service_that_has_gone_is_not_found() -> None:
    async with opened() as club, club.client() as client:
        await client.register([NAME], club.directory())
        club.kill_services()
        await wait_until_async(lambda: not club.service.statistics()["names"])
        async with await open_echo(client, club.port) as echo:
            with pytest.raises(NotFound):
                await echo.echo("hello")


async def opened_until_refused(club: Club, client: LocatorProxy) -> list[EchoProxy]:
    """Open the stalled service until the locator takes no more; the last one is refused."""
    opened: list[EchoProxy] = []
    while not opened or not opened[-1].closed:
        opened.append(await open_echo(client, club.port, "a/Stalled"))
        await client.get_identity()  # by now the locator has seen it, and an epitaph is there
        await club.port.sleep(0)
    return opened


async def test_a_stalled_service_costs_nothing_but_its_queue(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opened() as club, club.client() as client:
        await client.register(["a/Stalled"], club.stalled()[0])
        await client.register([NAME], club.directory())
        *waiting, refused = await opened_until_refused(club, client)
        held = len(open_fds())
        with pytest.raises(Unavailable):
            await refused.echo("hello")
        refused.close()
        for _ in range(50):
            async with await open_echo(client, club.port, "a/Stalled") as another:
                with pytest.raises(Unavailable):
                    await another.echo("hello")
        assert len(open_fds()) <= held
        async with await open_echo(client, club.port) as other:
            assert await other.echo("hello") == "hello"
        for each in waiting:
            each.close()
    assert "cannot open 'a/Stalled': 16 of its own wait already, the limit" in caplog.text


async def test_those_that_wait_are_served_when_there_is_room() -> None:
    async with opened() as club, club.client() as client, club.client() as neighbour:
        outgoing, end = club.stalled()
        await client.register(["a/Stalled"], outgoing)
        *waiting, refused = await opened_until_refused(club, client)
        refused.close()
        waiting.append(await open_echo(neighbour, club.port, "a/Stalled"))
        await neighbour.get_identity()
        club.serve(end, "a/Stalled")
        for each in waiting:
            assert await each.echo("at last") == "at last"
            each.close()
        assert all(not session._waiting for session in club.service._sessions)
        assert not club.service.ledger.held(1000, Resource.CALLS)
        async with await open_echo(client, club.port, "a/Stalled") as again:
            assert await again.echo("as ever") == "as ever"


async def test_only_so_many_may_wait_for_one_service(caplog: pytest.LogCaptureFixture) -> None:
    async with opened(LocatorLimits(waiting_for_service=3)) as club, club.client() as client:
        await client.register(["a/Stalled"], club.stalled()[0])
        for each in await opened_until_refused(club, client):
            each.close()
    assert "cannot open 'a/Stalled': 3 wait already, the limit" in caplog.text


async def test_those_that_wait_for_a_service_that_dies_are_told() -> None:
    async with opened() as club, club.client() as client:
        outgoing, end = club.stalled()
        before = len(open_fds())
        await client.register(["a/Stalled"], outgoing)
        waiting = await opened_until_refused(club, client)
        end.close()
        for each in waiting[:-1]:
            with pytest.raises(PeerClosed):
                await each.echo("hello")
        for each in waiting:
            each.close()
        assert all(not session._waiting for session in club.service._sessions)
        await wait_until_async(lambda: not club.service.statistics()["names"])
        assert len(open_fds()) == before - 2  # both ends of the directory


async def test_the_last_descriptors_are_not_for_those_that_wait() -> None:
    async with opened() as club, club.client() as client:
        await client.register(["a/Stalled"], club.stalled()[0])
        waiting = await opened_until_refused(club, client)
        for each in waiting:
            each.close()
        (session, *_) = club.service._sessions
        session._waiting = 0
        club.service._ceiling = 3
        async with await open_echo(client, club.port, "a/Stalled") as refused:
            with pytest.raises(NoResources):
                await refused.echo("hello")


async def test_no_descriptor_to_introduce_the_client_with() -> None:
    async with opened() as club:
        session = Session(
            club.service,
            Credentials(os.getpid(), 0, 0, frozenset()),
            EVERYTHING,
            Process.open(os.getpid()),
        )
        async with club.client() as client:
            await client.register([NAME], club.directory())
        end, server = create_endpoints(Echo)
        with no_more_descriptors():
            session.open(NAME, server.take_channel())
        session.release()
        async with EchoProxy(end, club.port) as echo:
            with pytest.raises(NoResources):
                await echo.echo("hello")


async def test_a_client_that_has_gone_is_not_introduced() -> None:
    async with opened() as club:
        who = Credentials(os.getpid(), 0, 0, frozenset())
        session = Session(club.service, who, EVERYTHING)  # not served any more
        async with club.client() as client:
            await client.register([NAME], club.directory())
        end, server = create_endpoints(Echo)
        session.open(NAME, server.take_channel())
        async with EchoProxy(end, club.port) as echo:
            with pytest.raises(PeerClosed):
                await echo.echo("hello")


# ---------------------------------------------------------------------------------------- register


@pytest.mark.parametrize(
    "name",
    ["", "name", "/", "a/", "/a", "a//b", "a b/c", "a/b c", "a/b\n", "a\0/b", "a/\u202eb", " a/b"],
)
async def test_invalid_names(name: str) -> None:
    async with opened() as club, club.client() as client:
        outgoing, end = club.stalled()
        with pytest.raises(RegisterFailed) as caught:
            await client.register(["good/Name", name], outgoing)
        assert caught.value.error is RegisterError.INVALID_NAME
        assert (await client.get_entries()).entries == []
        with pytest.raises(PeerClosed):
            end.channel.read()


async def test_nothing_is_no_offer() -> None:
    async with opened() as club, club.client() as client:
        outgoing, end = club.stalled()
        with pytest.raises(RegisterFailed) as caught:
            await client.register([], outgoing)
        assert caught.value.error is RegisterError.INVALID_NAME
        with pytest.raises(PeerClosed):
            end.channel.read()


async def test_a_name_that_is_too_long_is_not_even_sent() -> None:
    async with opened() as club, club.client() as client:
        await client.register(["a/" + "x" * 253], club.directory())
        with club.directory() as outgoing, pytest.raises(LocalProtocolError):
            await client.register(["a/" + "y" * 254], outgoing)


async def test_policy_says_who_may_offer_what(caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as club, club.client(Namespace(("*",), ("a/*",))) as client:
        await client.register(["a/One"], club.directory())
        with pytest.raises(RegisterFailed) as caught:
            await client.register(["a/Two", "b/One"], club.directory())
        assert caught.value.error is RegisterError.ACCESS_DENIED
        assert [entry.name for entry in (await client.get_entries()).entries] == ["a/One"]
    assert "policy does not let it offer 'b/One'" in caplog.text


async def test_a_name_has_one_service() -> None:
    async with opened() as club, club.client() as first, club.client() as second:
        await first.register([NAME, NAME], club.directory())
        with pytest.raises(RegisterFailed) as caught:
            await second.register(["other/Name", NAME], club.directory())
        assert caught.value.error is RegisterError.ALREADY_REGISTERED
        async with await open_echo(second, club.port) as echo:
            assert await echo.echo("still the first") == "still the first"


async def test_a_name_is_free_again_when_its_service_has_gone() -> None:
    async with opened() as club, club.client() as client:
        await client.register([NAME], club.directory())
        club.kill_services()
        await wait_until_async(lambda: not club.service.statistics()["names"])
        await client.register([NAME], club.directory())
        async with await open_echo(client, club.port) as echo:
            assert await echo.echo("again") == "again"


async def test_a_registration_outlives_the_channel_it_came_by() -> None:
    async with opened() as club:
        async with club.client() as service:
            await service.register([NAME], club.directory())
        async with club.client() as client, await open_echo(client, club.port) as echo:
            assert await echo.echo("hello") == "hello"


async def test_one_user_cannot_take_all_names() -> None:
    async with (
        opened(LocatorLimits(names_per_uid=3)) as club,
        club.client() as client,
        club.client(uid=2000) as other,
    ):
        await client.register(["a/One", "a/Two"], club.directory())
        with pytest.raises(RegisterFailed) as caught:
            await client.register(["a/Three", "a/Four"], club.directory())
        assert caught.value.error is RegisterError.TOO_MANY
        await client.register(["a/Three"], club.directory())
        await other.register(["b/One", "b/Two"], club.directory())


async def test_there_is_an_end_to_names() -> None:
    limits = LocatorLimits(names_per_uid=2 * MAX_ENTRIES)
    async with opened(limits) as club, club.client() as client:
        for number in range(0, MAX_ENTRIES, 64):
            names = [f"a/{each}" for each in range(number, number + 64)]
            await client.register(names, club.directory())
        with pytest.raises(RegisterFailed) as caught:
            await client.register(["one/More"], club.directory())
        assert caught.value.error is RegisterError.TOO_MANY
        assert len((await client.get_entries()).entries) == MAX_ENTRIES
        club.kill_services()
        await wait_until_async(lambda: not club.service.statistics()["names"])
        await client.register(["one/More"], club.directory())


async def test_the_last_descriptors_are_not_for_services() -> None:
    async with opened() as club, club.client() as client:
        club.service._ceiling = 3
        with pytest.raises(RegisterFailed) as caught:
            await client.register([NAME], club.directory())
        assert caught.value.error is RegisterError.TOO_MANY


# --------------------------------------------------------------------------------------- namespace


async def test_each_client_sees_its_own_namespace() -> None:
    async with (
        opened() as club,
        club.client(Namespace(("*",), ("*",))) as all_of_it,
        club.client(Namespace(("b/*", "x/*"), ())) as part,
        club.client(Namespace((), ())) as nothing,
    ):
        await all_of_it.register(["b/Two", "a/One", "b/One"], club.directory())
        seen = [
            [entry.name for entry in (await client.get_entries()).entries]
            for client in (all_of_it, part, nothing)
        ]
        assert seen == [["a/One", "b/One", "b/Two"], ["b/One", "b/Two"], []]


async def test_a_service_that_dies_leaves_the_namespace() -> None:
    async with opened() as club, club.client() as client:
        await client.register([NAME], club.directory())
        club.kill_services()
        while (await client.get_entries()).entries:
            await club.port.sleep(0.001)


async def test_identity() -> None:
    async with opened() as club, club.client(uid=4321) as client:
        identity = (await client.get_identity()).identity
        assert identity == Identity(os.getpid(), 4321, 4321)


# --------------------------------------------------------------------------------------- hand-over


async def test_a_channel_that_was_handed_over_keeps_the_callers_identity() -> None:
    async with opened() as club:
        end, server = create_endpoints(Locator)
        async with club.client(Namespace((NAME,), (NAME,)), uid=4321) as client:
            await client.hand_over(server)
            assert club.service.statistics()["clients"] == 2
        await wait_until_async(lambda: club.service.statistics()["clients"] == 1)
        async with LocatorProxy(end, club.port) as another:
            assert (await another.get_identity()).identity == Identity(os.getpid(), 4321, 4321)
            await another.register([NAME], club.directory())
            async with await open_echo(another, club.port) as echo:
                told = await echo.describe()
            with Process.open(os.getpid()) as ourselves:
                assert (told.uid, told.process_koid) == (4321, ourselves.koid)
            async with await open_echo(another, club.port, "other/Name") as echo:
                with pytest.raises(AccessDenied):
                    await echo.echo("hello")
        await wait_until_async(lambda: not club.service.statistics()["clients"])


async def test_a_hand_over_counts_as_a_client() -> None:
    async with opened(LocatorLimits(clients=1)) as club, club.client() as client:
        end, server = create_endpoints(Locator)
        with pytest.raises(HandOverFailed) as caught:
            await client.hand_over(server)
        assert caught.value.error is HandOverError.TOO_MANY_CLIENTS
        async with LocatorProxy(end, club.port) as refused:
            with pytest.raises(NoResources):
                await refused.get_identity()
        assert (await client.get_identity()).identity.uid == 1000


async def test_no_hand_over_while_shutting_down() -> None:
    async with opened() as club, club.client() as client:
        club.service.stopping = True
        end, server = create_endpoints(Locator)
        with end, pytest.raises(HandOverFailed) as caught:
            await client.hand_over(server)
        assert caught.value.error is HandOverError.SHUTTING_DOWN


# ------------------------------------------------------------------------------------------ the end


async def test_nothing_of_a_client_stays() -> None:
    async with opened() as club:
        async with club.client() as client:
            await client.get_identity()
            (session,) = club.service._sessions
            gone = weakref.ref(session)
            del session
        await wait_until_async(lambda: not club.service.statistics()["clients"])
        gc.collect()
        assert gone() is None
        assert not len(club.service.ledger)


@pytest.mark.parametrize("peer", ["gone", "full", "there"])
async def test_refusing_tells_why_where_somebody_can_hear_it(peer: str) -> None:
    near, far = Channel.create()
    with near, far:
        if peer == "gone":
            far.close()
        elif peer == "full":
            with contextlib.suppress(ShouldWait):
                while True:
                    near.write(b"x")
        refuse(near, Status.UNAVAILABLE)
        assert near.closed
        if peer == "there":
            async with open_port() as port, EchoProxy(ClientEnd(far), port) as echo:
                with pytest.raises(Unavailable):
                    await echo.echo("hello")


async def test_errors_in_opening_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with opened() as club, club.client() as client:
        outgoing, end = club.stalled()
        await client.register([NAME], outgoing)
        end.close()  # the locator may or may not have noticed
        async with await open_echo(client, club.port) as echo:
            with pytest.raises((NotFound, Unavailable)):
                await echo.echo("hello")
    assert len(caplog.records) <= 1


# -------------------------------------------------------------------------------------------- trees


def a_tree(content: bytes = b"content") -> Vmo:
    vmo = Vmo.from_bytes(content)
    vmo.seal(Seals.SHRINK | Seals.GROW)
    return vmo


async def test_a_tree_outlives_its_service() -> None:
    async with opened() as club, club.client() as service, club.client() as reader:
        await service.register([NAME], club.directory())
        await service.publish(NAME, "t", a_tree())
        [tree] = (await reader.get_trees(0)).trees
        assert (tree.service, tree.name, tree.alive) == (NAME, "t", True)
        assert tree.publisher == Identity(os.getpid(), 1000, 1000)
        club.kill_services()
        await wait_until_async(lambda: not club.service.statistics()["names"])
        [tree] = (await reader.get_trees(0)).trees
        assert not tree.alive
        assert (await reader.get_trees(tree.number)).trees == []
        with (await reader.get_tree(tree.number)).vmo as vmo:
            assert vmo.read(0, 7) == b"content"
            assert not vmo.rights & Rights.WRITE


async def test_a_tree_is_published_by_whoever_registered_the_service() -> None:
    async with opened() as club, club.client() as service, club.client() as other:
        before = len(open_fds())
        for client, name in ((service, NAME), (other, NAME), (other, "a/B")):
            with pytest.raises(PublishFailed) as caught:
                await client.publish(name, "t", a_tree())
            assert caught.value.error == PublishError.NOT_REGISTERED
            if client is service:
                await service.register([NAME], club.directory())
                before += 4  # the directory's two ends, the process, and what tells of its end
        assert club.service.keeper.statistics() == {"live": 0, "ended": 0}
        await wait_until_async(lambda: len(open_fds()) <= before)


async def test_a_tree_that_is_not_sealed_is_refused_and_closed() -> None:
    async with opened() as club, club.client() as service:
        await service.register([NAME], club.directory())
        before = len(open_fds())
        with pytest.raises(PublishFailed) as caught:
            await service.publish(NAME, "t", Vmo.from_bytes(b"x"))
        assert caught.value.error == PublishError.INVALID_TREE
        assert len(open_fds()) == before


async def test_nobody_sees_the_trees_of_another_user() -> None:
    async with (
        opened() as club,
        club.client() as service,
        club.client(uid=2000) as stranger,
        club.client(Namespace((), (), ("ipcrt.test/*",)), uid=2000) as named,
        club.client(Namespace((), ()), uid=0) as root,
    ):
        await service.register([NAME], club.directory())
        await service.publish(NAME, "t", a_tree())
        [tree] = (await service.get_trees(0)).trees
        assert (await stranger.get_trees(0)).trees == []
        with pytest.raises(TreeFailed) as caught:
            await stranger.get_tree(tree.number)
        assert caught.value.error == TreeError.NOT_FOUND
        for client in (named, root):
            assert (await client.get_trees(0)).trees == [tree]
            (await client.get_tree(tree.number)).vmo.close()


async def test_a_locator_with_its_descriptors_in_use_keeps_no_tree() -> None:
    async with opened() as club, club.client() as service:
        await service.register([NAME], club.directory())
        club.service._ceiling = 0
        with pytest.raises(PublishFailed) as caught:
            await service.publish(NAME, "t", a_tree())
        assert caught.value.error == PublishError.TOO_MANY


async def test_a_service_holds_descriptors_until_it_ends() -> None:
    async with opened() as club, club.client() as service:

        def held() -> int:
            return club.service.ledger.held(1000, Resource.FDS)

        assert held() == 1
        await service.register([NAME], club.directory())
        assert held() == 3
        for name in ("t", "u", "t"):
            await service.publish(NAME, name, a_tree())
        assert held() == 5, "one for each name"
        with pytest.raises(PublishFailed):
            await service.publish(NAME, "v", Vmo.from_bytes(b"x"))
        assert held() == 5
        club.kill_services()
        await wait_until_async(lambda: not club.service.statistics()["names"])
        assert held() == 1


async def test_a_tree_too_many_for_its_client(caplog: pytest.LogCaptureFixture) -> None:
    async with opened(LocatorLimits(fds_per_client=4)) as club, club.client() as service:
        await service.register([NAME], club.directory())
        await service.publish(NAME, "t", a_tree())
        with pytest.raises(PublishFailed) as caught:
            await service.publish(NAME, "u", a_tree())
        assert caught.value.error is PublishError.TOO_MANY
        await service.publish(NAME, "t", a_tree())
        assert "5 fds of client pid" in caplog.text
