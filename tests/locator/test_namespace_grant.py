from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.errors import (
    IpcError,
    NotFound,
    NotSupported,
    PeerClosed,
    ShouldWait,
    Status,
)
from ipcrt.locator import namespace_grant
from ipcrt.locator.connect import LocatorClient
from ipcrt.locator.namespace import LocatorAt, Namespace
from ipcrt.locator.namespace_grant import MAX_CHANNELS, Grant, ServedGrant
from ipcrt.locator.protocol import (
    LOCATOR_OPEN,
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
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.signals import Signals
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import split
from tests.locator.echo import NAME, Echo, EchoProxy, EchoServer
from tests.locator.stage import Stage
from tests.locator.test_namespace import fill
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio
CHILD = Identity(4321, 1, 2)


class Place:
    """A grant that is served to a child, which is played here: `client` is what it holds."""

    def __init__(self, port: AsyncPort, served: ServedGrant, client: LocatorClient) -> None:
        self.port = port
        self.served = served
        self.client = client

    async def outcome(self, name: str = NAME) -> str:
        """What becomes of a name that the child opens."""
        async with await self.client.open(EchoProxy, name) as echo:
            try:
                return await echo.echo("hello")
            except IpcError as error:
                return type(error).__name__


@asynccontextmanager
async def serving(grant: Grant) -> AsyncGenerator[Place]:
    client, server = create_endpoints(Locator)
    async with open_port() as port:
        with Process.open(os.getpid()) as process:
            served = ServedGrant(port, grant, CHILD, process)
            served.admit(server)
            async with LocatorProxy(client, port) as proxy:
                yield Place(port, served, LocatorClient(proxy, port, CHILD))
            served.close()
            served.close()


def asked(channel: Channel) -> tuple[str, Channel]:
    message = channel.read()
    ((_, _, _, body, _, _),) = split(message.data, len(message.handles))
    request = LOCATOR_OPEN.request.decode(body, message.handles)
    return request.name, request.server_end


@asynccontextmanager
async def directed(*names: str) -> AsyncGenerator[tuple[Place, Channel]]:
    """A grant of names that are passed on to the channel beside it."""
    near, far = create_endpoints(Locator)
    with Namespace({"/svc": near}) as source, far:
        async with serving(Grant(names, source=source)) as place:
            yield place, far.channel


async def test_what_was_granted_is_passed_on_and_no_end_is_kept() -> None:
    async with directed("a/B") as (place, upstream):
        before = open_fds()
        end = await place.client.open_end(Echo, "a/B")
        end.channel.write(b"early")
        await place.port.wait_one(upstream, Signals.READABLE)
        name, server_end = asked(upstream)
        with server_end, end:
            assert name == "a/B"
            assert server_end.read().data == b"early"
            assert set(open_fds()) - set(before) == {
                end.channel.fileno(),
                server_end.fileno(),
            }


async def test_nothing_else_is(caplog: pytest.LogCaptureFixture) -> None:
    async with directed("a/B") as (place, upstream):
        for name in ("a/C", "a/B/", "/svc/a/B", "a/b", ""):
            assert await place.outcome(name or "x") == "AccessDenied"
        with pytest.raises(ShouldWait):
            upstream.read()
        assert "child 4321: 'a/C' was not granted" in caplog.text


async def test_a_child_that_goes_on_asking_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Grant()) as place:
        for _ in range(20):
            assert await place.outcome() == "AccessDenied"
    assert len(caplog.records) == 9
    assert "what else is refused is not told" in caplog.text


async def test_the_parents_own_servers() -> None:
    async with serving(Grant(offers={NAME: EchoServer})) as place:
        assert await place.outcome() == "hello"
        async with await place.client.open(EchoProxy) as echo:
            told = await echo.describe()
        assert (told.pid, told.uid, told.gid) == (CHILD.pid, CHILD.uid, CHILD.gid)
        assert told.process_pid == os.getpid(), "the process that was lent"
        assert await place.outcome("x/Y") == "AccessDenied"


async def test_it_speaks_as_a_locator() -> None:
    grant = Grant(["b/B"], source=Namespace.of_locator("/none"), offers={"a/A": EchoServer})
    async with serving(grant) as place:
        client = place.client
        assert await client.names() == ["a/A", "b/B"]
        assert (await client.proxy.get_identity()).identity == CHILD
        outgoing, served = create_endpoints(Outgoing)
        with served:
            with pytest.raises(RegisterFailed) as register:
                await client.proxy.register(["x/Y"], outgoing)
            assert register.value.error is RegisterError.ACCESS_DENIED
            with pytest.raises(PeerClosed):
                served.channel.read()
        with Vmo.create(4096) as vmo:
            with pytest.raises(PublishFailed) as publish:
                await client.proxy.publish("a/A", "tree", vmo)
            assert publish.value.error is PublishError.NOT_REGISTERED
        assert (await client.proxy.get_trees(0)).trees == []
        with pytest.raises(TreeFailed) as tree:
            await client.proxy.get_tree(1)
        assert tree.value.error is TreeError.NOT_FOUND
        assert (await client.proxy.get_usage()).usages == []


async def test_more_channels_of_the_same_child() -> None:
    async with serving(Grant(offers={NAME: EchoServer})) as place:
        more = [await place.client.another() for _ in range(MAX_CHANNELS - 1)]
        with pytest.raises(HandOverFailed) as failed:
            await place.client.another()
        assert failed.value.error is HandOverError.TOO_MANY_CLIENTS
        assert (await more[0].get_identity()).identity == CHILD
        for each in more:
            each.close()
        await wait_until_async(lambda: sum(not b.closed for b in place.served._bindings) == 1)
        (await place.client.another()).close()


async def test_a_child_that_floods_waits_in_its_own_queue() -> None:
    """The directory behind the parent reads nothing: the parent takes one thing at a time."""
    async with directed("a/B") as (place, upstream):
        before = len(open_fds())
        sent: list[ClientEnd[Echo]] = []
        end, server_end = create_endpoints(Echo)
        for _ in range(5000):
            try:
                place.client.proxy.open_now("a/B", server_end.take_channel())
            except ShouldWait:
                end.close()
                break
            sent.append(end)
            end, server_end = create_endpoints(Echo)
            await place.port.sleep(0)
        else:
            pytest.fail("a flood that nothing stops")
        assert len(sent) < 1000, "two queues and one at work"
        assert len(open_fds()) <= before + len(sent) + 1
        for each in sent:
            each.close()
        del upstream


async def test_a_directory_that_stays_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace_grant, "_LONGEST_WAIT_S", 0.02)
    near, far = create_endpoints(Locator)
    with Namespace({"/svc": near}) as source, far:
        ends = fill(source)
        async with serving(Grant([NAME, "x/Y"], source=source)) as place:
            assert await place.outcome() == "Unavailable"
            asked(far.channel)[1].close()
            end = await place.client.open_end(Echo, "x/Y")
            await wait_until_async(lambda: drained(far.channel) == "x/Y")
            end.close()
        for each in ends:
            each.close()


def drained(channel: Channel) -> str:
    """Read all there is; answer the last name that was asked for."""
    last = ""
    while True:
        try:
            last, end = asked(channel)
        except ShouldWait:
            return last
        end.close()


async def test_a_directory_that_has_gone() -> None:
    async with directed("a/B") as (place, upstream):
        upstream.close()
        assert await place.outcome("a/B") == "Unavailable"
    async with directed("a/B") as (place, upstream):
        upstream.write(encode_epitaph(Status.ACCESS_DENIED))
        upstream.close()
        assert await place.outcome("a/B") == "AccessDenied"


async def test_a_name_that_has_left_the_source() -> None:
    source = Namespace({"/svc": LocatorAt("/none")})
    async with serving(Grant(["a/B"], source=source)) as place:
        assert await place.outcome("a/B") == "Unavailable", "no locator listens there"
        source.close()
        assert await place.outcome("a/B") == "NotFound"


async def test_a_child_that_speaks_nonsense() -> None:
    client, server = create_endpoints(Locator)
    async with serving(Grant(offers={NAME: EchoServer})) as place:
        assert place.served.admit(server)
        with client:
            client.channel.write(b"nonsense")
            await place.port.wait_one(client.channel, Signals.PEER_CLOSED)
        assert await place.outcome() == "hello", "its other channel is served"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_through_a_locator_that_is_restarted(stage: Stage) -> None:
    daemon = stage.locator()
    stage.service()
    grant = Grant([NAME, "x/Y"], source=Namespace.of_locator(stage.path))
    async with serving(grant) as place:
        assert await place.outcome() == "hello"
        assert await place.outcome("x/Y") == "NotFound", "the locator's own word"
        assert await place.outcome("z/Z") == "AccessDenied"
        async with await place.client.open(EchoProxy) as echo:
            assert (await echo.describe()).pid == os.getpid(), "the parent's identity"
        before = open_fds()
        assert await place.outcome() == "hello"
        assert open_fds() == before, "one connection for all"
        daemon.child.kill()
        daemon.child.wait()
        assert await place.outcome() == "Unavailable"
        stage.locator(alone=False)
        stage.service(registered=False)
        outcome = ""
        while outcome != "hello":
            outcome = await place.outcome()
            assert outcome in ("hello", "NotFound", "PeerClosed")


async def test_what_cannot_be_granted() -> None:
    with pytest.raises(NotFound, match="no namespace is said"):
        Grant(["a/B"])
    with pytest.raises(NotFound, match="not in this namespace"):
        Grant(["a/B"], source=Namespace())
    client, server = create_endpoints(Echo)
    with (
        server,
        Namespace({NAME: client}) as source,
        pytest.raises(NotSupported, match="one open end"),
    ):
        Grant([NAME], source=source)
