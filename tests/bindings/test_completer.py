"""Completers: answers that come later, once, or never."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.completer import Completer
from ipcrt.bindings.ends import Protocol, create_endpoints
from ipcrt.bindings.proxy import Proxy
from ipcrt.bindings.server import Server, ServerBinding
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.errors import BadState, IpcError, Status
from ipcrt.objects.event import Event
from ipcrt.port.aport import AsyncPort, open_port
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


class Number(Struct, frozen=True):
    number: int


class Token(Struct, frozen=True):
    token: Event


class Desk(Protocol):
    """Answers when it likes."""


ASK = TwoWay("test/Desk.Ask", Number, Number, strict=True)
BORROW = TwoWay("test/Desk.Borrow", type(None), Token, strict=True)
TELL = OneWay("test/Desk.Tell", Number, strict=True)
Desk.TABLE = ProtocolTable("test/Desk", Openness.CLOSED, (ASK, BORROW, TELL))


class DeskProxy(Proxy[Desk]):
    PROTOCOL = Desk

    async def ask(self, number: int) -> int:
        return (await self._call(ASK, Number(number), 5)).number

    async def borrow(self) -> Event:
        return (await self._call(BORROW, None, 5)).token

    async def tell(self, number: int) -> None:
        await self._send(TELL, Number(number))


class DeskServer(Server[Desk]):
    PROTOCOL = Desk

    def __init__(self) -> None:
        self.kept: list[Completer[Number]] = []
        self.borrowed: list[Completer[Token]] = []
        self.given: Completer[Number] | None = None
        self.canceled = 0

    def _count(self) -> None:
        self.canceled += 1

    def ask(self, number: int) -> Answer[Number]:
        if self.given is not None:
            return self.given
        self.kept.append(Completer(self._count))
        return self.kept[-1]

    def borrow(self) -> Answer[Token]:
        self.borrowed.append(Completer())
        return self.borrowed[-1]

    def tell(self, number: int) -> Answer[None]:
        completer = Completer[None]()
        completer.reply(None)
        return completer


@asynccontextmanager
async def desk(
    server: DeskServer,
) -> AsyncGenerator[tuple[DeskProxy, ServerBinding[Desk], AsyncPort], None]:
    async with open_port() as port:
        client, end = create_endpoints(Desk)
        async with DeskProxy(client, port) as proxy:
            with ServerBinding(end, server, port) as binding:
                yield proxy, binding, port


async def test_answers_in_any_order_and_from_any_task() -> None:
    server, answers = DeskServer(), dict[int, int]()
    async with desk(server) as (proxy, _, _), anyio.create_task_group() as tasks:

        async def ask(number: int) -> None:
            answers[number] = await proxy.ask(number)

        async def answer() -> None:
            await wait_until_async(lambda: len(server.kept) == 3)
            for place in (2, 0, 1):
                server.kept[place].reply(Number(place * 10))

        for number in range(3):
            tasks.start_soon(ask, number)
        tasks.start_soon(answer)
    assert sorted(answers.values()) == [0, 10, 20]
    assert server.canceled == 0


async def test_an_answer_before_the_handler_returns() -> None:
    server = DeskServer()
    server.given = Completer()
    server.given.reply(Number(7))
    async with desk(server) as (proxy, _, _):
        assert await proxy.ask(1) == 7
        await proxy.tell(1)
        with pytest.raises(IpcError) as caught:
            await proxy.ask(2)  # one completer answers one call
        assert caught.value.status is Status.INTERNAL


async def test_a_failure_is_the_handlers_own(caplog: pytest.LogCaptureFixture) -> None:
    server = DeskServer()
    server.given = Completer()
    server.given.fail(RuntimeError("secret"))
    async with desk(server) as (proxy, _, _):
        with pytest.raises(IpcError) as caught:
            await proxy.ask(1)
        assert caught.value.status is Status.INTERNAL
        assert "secret" not in str(caught.value)
        assert "secret" in caplog.text


async def test_only_one_answer() -> None:
    server = DeskServer()
    async with desk(server) as (proxy, _, _), anyio.create_task_group() as tasks:
        tasks.start_soon(proxy.ask, 1)
        await wait_until_async(lambda: bool(server.kept))
        server.kept[0].reply(Number(1))
        with pytest.raises(BadState, match="has been answered"):
            server.kept[0].reply(Number(2))
        with pytest.raises(BadState, match="has been answered"):
            server.kept[0].fail(ValueError())
        assert not server.kept[0].canceled


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_dropping_answers_with_an_error(elsewhere: bool) -> None:
    server = DeskServer()
    async with desk(server) as (proxy, _, port), anyio.create_task_group() as tasks:

        async def drop() -> None:
            await wait_until_async(lambda: bool(server.kept))
            if elsewhere:
                thread = threading.Thread(target=server.kept.clear)
                thread.start()
                thread.join()
            else:
                server.kept.clear()
            gc.collect()

        tasks.start_soon(drop)
        receivers = port._router.receivers
        with pytest.raises(IpcError) as caught:
            await proxy.ask(1)
        assert caught.value.status is Status.INTERNAL
        assert port._router.receivers == receivers  # nothing stays behind
        assert server.canceled == 0


async def test_dropped_while_its_client_goes() -> None:
    """The news of the drop is on its way when the call ends: it must find somebody."""
    server = DeskServer()
    async with desk(server) as (proxy, binding, port):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_ask_in_vain, proxy)
            await wait_until_async(lambda: bool(server.kept))
            server.kept.clear()
            binding.close()
        await anyio.sleep(0.01)
        assert server.canceled == 1
        assert port._router.queued == 0


async def _ask_in_vain(proxy: DeskProxy) -> None:
    with pytest.raises(IpcError):
        await proxy.ask(1)


async def test_when_the_client_goes_it_is_told_and_its_answer_closed() -> None:
    server = DeskServer()
    async with desk(server) as (proxy, _, _):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_ask_in_vain, proxy)
            tasks.start_soon(_borrow_in_vain, proxy)
            await wait_until_async(lambda: bool(server.kept and server.borrowed))
            assert not server.kept[0].canceled
            proxy.close()
        await wait_until_async(lambda: server.canceled == 1)
        assert server.kept[0].canceled
        assert server.borrowed[0].canceled
        server.kept[0].reply(Number(1))
        token = Event.create()
        server.borrowed[0].reply(Token(token))
        assert token.closed


async def _borrow_in_vain(proxy: DeskProxy) -> None:
    with pytest.raises(IpcError):
        await proxy.borrow()


async def test_a_hook_that_fails_keeps_nobody_from_ending(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = DeskServer()

    def fail() -> None:
        raise RuntimeError("hook")

    server.given = Completer(fail)
    async with desk(server) as (proxy, binding, _):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_ask_in_vain, proxy)
            await wait_until_async(lambda: bool(binding._running))
            binding.close()
        assert "on_canceled failed" in caplog.text
        assert not binding._running


class SlowDesk(DeskServer):
    SEQUENTIAL = True


@pytest.mark.parametrize("kind", [DeskServer, SlowDesk])
async def test_a_sequential_server_answers_one_before_it_hears_the_next(
    kind: type[DeskServer],
) -> None:
    server = kind()
    async with desk(server) as (proxy, _, _), anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(proxy.ask, number)
        await wait_until_async(lambda: bool(server.kept))
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        assert len(server.kept) == (1 if server.SEQUENTIAL else 3)
        answered = 0
        while answered < 3:
            for completer in server.kept[answered:]:
                completer.reply(Number(answered))
                answered += 1
            await anyio.lowlevel.checkpoint()
