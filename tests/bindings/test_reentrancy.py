"""Handlers and listeners that turn on what calls them, and ports that close under them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.ends import ClientEnd, Protocol, create_endpoints
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.bindings.server import Server, ServerBinding
from ipcrt.bindings.tables import Event, OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.errors import BadHandle, BadState, Canceled, IpcError, PeerClosed, Status, Unavailable
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.port import Port
from tests.bindings import hand
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

anyio_test = pytest.mark.anyio


class Word(Struct, frozen=True):
    word: str


class Back(Protocol):
    """What a client serves for its server."""


ASK = TwoWay("test/Back.Ask", Word, Word, strict=True)
Back.TABLE = ProtocolTable("test/Back", Openness.CLOSED, (ASK,))


class Ring(Struct, frozen=True):
    end: ClientEnd[Back]


class Turn(Protocol):
    """Does whatever its test wants it to."""


NOW = TwoWay("test/Turn.Now", Word, Word, strict=True)
LATER = TwoWay("test/Turn.Later", Word, Word, strict=True)
SAY = OneWay("test/Turn.Say", Word)
SAY_LATER = OneWay("test/Turn.SayLater", Word)
CALL_BACK = TwoWay("test/Turn.CallBack", Ring, Word, strict=True)
ON_WORD = Event("test/Turn.OnWord", Word)
Turn.TABLE = ProtocolTable(
    "test/Turn", Openness.CLOSED, (NOW, LATER, SAY, SAY_LATER, CALL_BACK, ON_WORD)
)


class TurnProxy(Proxy[Turn]):
    PROTOCOL = Turn

    async def now(self, word: str) -> str:
        return (await self._call(NOW, Word(word), 20)).word

    async def later(self, word: str) -> str:
        return (await self._call(LATER, Word(word), 20)).word

    async def say(self, word: str) -> None:
        await self._send(SAY, Word(word))

    async def say_later(self, word: str) -> None:
        await self._send(SAY_LATER, Word(word))

    async def call_back(self, end: ClientEnd[Back]) -> str:
        return (await self._call(CALL_BACK, Ring(end), 20)).word


class TurnBlockingProxy(BlockingProxy[Turn]):
    PROTOCOL = Turn

    def now(self, word: str) -> str:
        return (self._call(NOW, Word(word), 20)).word


class BackProxy(Proxy[Back]):
    PROTOCOL = Back

    async def ask(self, word: str) -> str:
        return (await self._call(ASK, Word(word), 20)).word


class BackServer(Server[Back]):
    PROTOCOL = Back

    def ask(self, word: str) -> Word:
        return Word(word[::-1])


class TurnServer(Server[Turn]):
    PROTOCOL = Turn

    def __init__(self, port: Port, act: Callable[[TurnServer], object]) -> None:
        self.port = port
        self.act = act
        self.steps: list[str] = []
        self.gone: list[IpcError] = []

    def bind(self, end: object) -> ServerBinding[Turn]:
        self.binding: ServerBinding[Turn] = ServerBinding(end, self, self.port)  # type: ignore[arg-type]
        return self.binding

    def now(self, word: str) -> Word:
        self.act(self)
        return Word(word)

    async def later(self, word: str) -> Word:
        self.act(self)
        self.steps.append("acted")
        await anyio.lowlevel.checkpoint()
        self.steps.append("went on")
        return Word(word)

    def say(self, word: str) -> None:
        self.steps.append(word)
        self.act(self)

    async def say_later(self, word: str) -> None:
        self.steps.append(word)
        self.act(self)

    async def call_back(self, end: ClientEnd[Back]) -> Word:
        assert isinstance(self.port, AsyncPort)
        async with BackProxy(end, self.port) as client:
            return Word(await client.ask("abc"))

    def client_gone(self, reason: IpcError) -> None:
        self.gone.append(reason)
        self.on_gone()

    def on_gone(self) -> None:
        """For a test to replace."""


class Listener:
    def __init__(self, act: Callable[[str], object]) -> None:
        self.act = act
        self.heard: list[str] = []

    def on_word(self, word: str) -> None:
        self.heard.append(word)
        self.act(word)


def close_all(servers: list[TurnServer]) -> None:
    for server in servers:
        server.binding.close()


def nothing(*_: object) -> None:
    """Do nothing."""


# ----------------------------------------------------------------------------------------- servers


@anyio_test
@pytest.mark.parametrize("how", ["now", "later"])
async def test_a_handler_that_closes_its_binding(how: str) -> None:
    async with open_port() as port:
        client, end = create_endpoints(Turn)
        server = TurnServer(port, lambda me: me.binding.close(Status.UNAVAILABLE))
        server.bind(end)
        async with TurnProxy(client, port) as proxy:
            with pytest.raises(Unavailable):
                await getattr(proxy, how)("hi")
            with pytest.raises(Unavailable):
                await proxy.say("hi")
        await server.binding.wait_closed()
        await wait_until_async(lambda: not any(server.binding.statistics().values()))
        assert [type(reason) for reason in server.gone] == [PeerClosed]
        assert server.steps == ([] if how == "now" else ["acted"]), "cancelled at its next wait"


@anyio_test
async def test_a_handler_that_calls_its_client_back() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Turn)
        back, served = create_endpoints(Back)
        server = TurnServer(port, nothing)
        server.bind(end)
        with ServerBinding(served, BackServer(), port) as binding:
            async with TurnProxy(client, port) as proxy:
                with anyio.fail_after(20):
                    assert await proxy.call_back(back) == "cba"
            await binding.wait_closed()
        await server.binding.wait_closed()


@anyio_test
async def test_client_gone_may_close_others() -> None:
    async with open_port() as port:
        servers = [TurnServer(port, nothing) for _ in range(3)]
        clients = [create_endpoints(Turn) for _ in servers]
        for server, (_, end) in zip(servers, clients, strict=True):
            server.bind(end)
            server.on_gone = lambda: close_all(servers)  # type: ignore[method-assign]
        clients[0][0].close()
        for server in servers:
            await server.binding.wait_closed()
        for client, _ in clients:
            client.close()


@anyio_test
async def test_a_handler_that_closes_its_port() -> None:
    async with open_port() as outer:
        client, end = create_endpoints(Turn)
        before = open_fds()
        with BlockingPort() as port:
            server = TurnServer(port, lambda me: me.port.close())
            server.later = server.now  # type: ignore[method-assign, assignment]
            server.say_later = server.say  # type: ignore[method-assign, assignment]
            server.call_back = server.now  # type: ignore[method-assign, assignment]
            server.bind(end)
            async with TurnProxy(client, outer) as proxy, anyio.create_task_group() as tasks:

                async def call() -> None:
                    with pytest.raises(PeerClosed):
                        await proxy.now("hi")

                tasks.start_soon(call)
                await anyio.lowlevel.checkpoint()
                while not port.closed:
                    port.dispatch()
                    await anyio.lowlevel.checkpoint()
        assert [type(reason) for reason in server.gone] == [Canceled]
        assert len(open_fds()) == len(before) - 2


# ----------------------------------------------------------------------------------------- clients


@anyio_test
async def test_a_listener_that_closes_its_proxy() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Turn)
        with end.take_channel() as peer:
            listener = Listener(lambda _: proxy.close())
            async with TurnProxy(client, port, listener) as proxy:
                peer.write(
                    b"".join(hand.raw(0, ON_WORD, b"\x91\xa1" + word) for word in (b"a", b"b"))
                )
                with pytest.raises(Canceled):
                    await proxy.now("hi")
                assert listener.heard == ["a"]
                with pytest.raises(BadHandle):
                    await proxy.now("hi")


def test_a_listener_that_closes_a_blocking_proxy() -> None:
    client, end = create_endpoints(Turn)
    with end.take_channel() as peer, BlockingPort() as port:
        listener = Listener(lambda _: proxy.close())
        with TurnBlockingProxy(client, port, listener) as proxy:
            peer.write(hand.raw(0, ON_WORD, b"\x91\xa1a"))
            with pytest.raises(Canceled):
                proxy.now("hi")
        assert port.statistics()["watched_handles"] == 0


@anyio_test
async def test_a_listener_that_moves_its_end_away() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Turn)
        moved: list[ClientEnd[Turn] | BadState] = []

        def move(_: str) -> None:
            try:
                moved.append(proxy.into_client_end())
            except BadState as error:
                moved.append(error)

        server = TurnServer(port, nothing)
        with end.take_channel() as peer:
            listener = Listener(move)
            async with TurnProxy(client, port, listener) as proxy:
                word = b"\x91\xa1a"
                peer.write(hand.raw(0, ON_WORD, word) + hand.raw(0, ON_WORD, word))
                peer.write(hand.raw(0, ON_WORD, b"\x91\xa1c"))
                await wait_until_async(lambda: len(moved) == 2)
            assert isinstance(moved[0], BadState), "the packet holds another message"
            assert isinstance(moved[1], ClientEnd)
            listener = Listener(nothing)
            async with TurnProxy(moved[1], port, listener) as again:
                await wait_until_async(lambda: listener.heard == ["c"])
                assert not again.closed
        assert not server.gone


@anyio_test
async def test_a_listener_that_starts_calls() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Turn)
        server = TurnServer(port, lambda me: me.binding.send_event(ON_WORD, Word("event")))
        server.bind(end)
        answers: list[str] = []

        async def call() -> None:
            answers.append(await proxy.later("from the listener"))

        listener = Listener(lambda _: port.spawn(call(), "call") if len(answers) < 3 else None)
        async with TurnProxy(client, port, listener) as proxy:
            assert await proxy.now("first") == "first"
            await wait_until_async(lambda: len(answers) >= 3)
            await wait_until_async(lambda: not proxy.statistics()["calls"])
        await server.binding.wait_closed()


# -------------------------------------------------------------------------------- ports that close


@anyio_test
@pytest.mark.parametrize("steps", range(6))
async def test_a_port_that_closes_leaves_nothing_open_and_nobody_waiting(
    steps: int, caplog: pytest.LogCaptureFixture
) -> None:
    before = open_fds()
    ends: list[BaseException] = []
    servers: list[TurnServer] = []
    proxies: list[TurnProxy] = []
    async with anyio.create_task_group() as tasks, open_port() as port:
        client, end = create_endpoints(Turn)
        server = TurnServer(port, nothing)
        server.bind(end)
        servers.append(server)
        proxy = TurnProxy(client, port)
        proxies.append(proxy)

        async def call(how: str) -> None:
            try:
                await getattr(proxy, how)("hi")
            except IpcError as error:
                ends.append(error)

        for how in ("later", "say_later", "say", "later", "say_later"):
            tasks.start_soon(call, how)
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
    assert servers[0].binding.closed
    assert proxies[0].closed
    assert len(servers[0].gone) == 1
    assert open_fds() == before
    assert all(isinstance(error, IpcError) for error in ends)
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]
