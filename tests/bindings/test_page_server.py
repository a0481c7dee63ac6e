"""Tear-off iterators, served from Python's."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.page_server import serve_pages
from ipcrt.bindings.server import Limits
from ipcrt.errors import BadState, IpcError, PeerClosed, Status
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.signals import Signals
from ipcrt.wire.frames import encode
from tests.bindings.calc import Calc
from tests.bindings.hand import received
from tests.bindings.walks import GET, Walk, WalkBlockingProxy, WalkProxy

WORDS = [f"word {number}" for number in range(10)]
PAGES = [WORDS[0:4], WORDS[4:8], WORDS[8:10]]


@pytest.mark.anyio
async def test_the_pages_come_and_the_channel_closes() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Walk)
        binding = serve_pages(end, Walk, WORDS, port)
        async with WalkProxy(client, port) as walk:
            assert [await walk.get() for _ in range(3)] == PAGES
            assert not binding.closed
            assert await walk.get() == []
            await binding.wait_closed()
            with pytest.raises(PeerClosed):
                await walk.get()


@pytest.mark.anyio
async def test_pages_may_be_asked_for_ahead() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Walk)
        pages: dict[int, list[str]] = {}

        async def get(walk: WalkProxy, number: int) -> None:
            pages[number] = await walk.get()

        async with WalkProxy(client, port) as walk, anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(get, walk, number)
                await anyio.lowlevel.checkpoint()
            serve_pages(end, Walk, WORDS, port)
        assert sorted(pages.values()) == [[], *PAGES]


class Endless:
    """Words without end; knows whether anybody still goes over them."""

    def __init__(self) -> None:
        self.given = 0
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        try:
            while True:
                self.given += 1
                yield "again"
        finally:
            self.ended = True


@pytest.mark.anyio
async def test_a_client_that_has_enough_ends_the_walk() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Walk)
        words = Endless()
        binding = serve_pages(end, Walk, words, port)
        async with WalkProxy(client, port) as walk:
            assert await walk.get() == ["again"] * 4
        await binding.wait_closed()
        assert words.ended
        assert words.given == 5


@pytest.mark.anyio
async def test_a_walk_that_breaks_tells_so(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Iterator[str]:
        yield from WORDS[:5]
        raise KeyError("lost the way")

    async with open_port() as port:
        client, end = create_endpoints(Walk)
        with serve_pages(end, Walk, broken(), port):
            async with WalkProxy(client, port) as walk:
                assert await walk.get() == WORDS[:4]
                for _ in range(2):
                    with pytest.raises(IpcError) as caught:
                        await walk.get()
                    assert caught.value.status is Status.INTERNAL
    assert "lost the way" in caplog.text


@pytest.mark.anyio
async def test_the_last_page_is_not_closed_over() -> None:
    """Where it has to wait for room, the channel stays open until the client has read it."""
    async with open_port() as port:
        waited = 0
        for count in range(1, 120, 7):
            client, end = create_endpoints(Walk)
            with socket.socket(fileno=os.dup(end.channel.fileno())) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # room for a few packets
            with client, serve_pages(end, Walk, "x" * 4 * count, port, Limits(600)) as binding:
                gets = (encode(txid, GET.ordinal, 0, b"") for txid in range(1, count + 2))
                client.channel.write(b"".join(gets))
                with anyio.move_on_after(0.05):
                    await binding.wait_closed()
                waited += binding.statistics()["backlog"] > 0
                replies = 0
                while replies <= count:
                    await port.wait_one(client.channel, Signals.READABLE)
                    replies += len(received(client.channel))
        assert waited


@pytest.mark.anyio
async def test_what_is_no_iterator_is_refused() -> None:
    async with open_port() as port:
        _, end = create_endpoints(Calc)
        with end, _, pytest.raises(TypeError, match="test/Calc is no iterator"):
            serve_pages(end, Calc, [], port)


@pytest.mark.anyio
async def test_a_port_that_is_closed_serves_none() -> None:
    words = Endless()
    items = iter(words)
    next(items)
    port = await closed_port()
    client, end = create_endpoints(Walk)
    with client, end, pytest.raises(BadState):
        serve_pages(end, Walk, items, port)
    assert words.ended


async def closed_port() -> AsyncPort:
    async with open_port() as port:
        return port


def test_a_plain_thread_serves_pages_too() -> None:
    with BlockingPort() as port:
        client, end = create_endpoints(Walk)
        binding = serve_pages(end, Walk, WORDS, port)
        with WalkBlockingProxy(client, port) as walk:
            assert [walk.get() for _ in range(4)] == [*PAGES, []]
            with pytest.raises(PeerClosed):
                walk.get()
        assert binding.closed
