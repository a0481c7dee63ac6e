"""Calls on ports that look for news before they sleep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
import uvloop

from ipcrt.bindings.connection import Connection
from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.errors import NotSupported, PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.busy_poll import MAX_US, VARIABLE
from ipcrt.wire.frames import Body
from tests.bindings import hand
from tests.bindings.calc import ADD, Calc, CalcBlockingProxy, CalcProxy, CalcServer
from tests.bindings.forked import processes, serve

CALLS = 20
LOOPS = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
NewLoop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientEnd[Calc]]:
    """A client end whose server is a process of its own, which spins, too."""
    end, server_end = create_endpoints(Calc)
    with processes() as start, end.take_channel() as channel:
        monkeypatch.setenv(VARIABLE, "100")
        start(serve, CalcServer, [server_end])
        monkeypatch.delenv(VARIABLE)
        server_end.close()
        yield ClientEnd[Calc](channel)


@LOOPS
def test_a_reply_is_found_before_the_loop_sleeps(served: ClientEnd[Calc], loop: NewLoop) -> None:
    async def play() -> dict[str, int]:
        async with open_port(busy_poll_us=MAX_US) as port, CalcProxy(served, port) as proxy:
            for number in range(CALLS):
                assert await proxy.add(number, 1) == number + 1
            await port.checkpoint()  # the last reply has woken us before it was counted
            return port.statistics()

    with asyncio.Runner(loop_factory=loop) as runner:
        found = runner.run(play())
    assert found["spins"] == found["spins_found"] == CALLS


def test_a_reply_is_found_before_a_thread_sleeps(served: ClientEnd[Calc]) -> None:
    with BlockingPort(busy_poll_us=MAX_US) as port, CalcBlockingProxy(served, port) as proxy:
        for number in range(CALLS):
            assert proxy.add(number, 1) == number + 1
        found = port.statistics()
    assert found["spins"] == found["spins_found"] >= CALLS


@LOOPS
def test_other_tasks_run_while_a_reply_is_looked_for(loop: NewLoop) -> None:
    async def play() -> None:
        async with open_port(busy_poll_us=100_000) as port:
            end, server_end = create_endpoints(Calc)
            channel = server_end.take_channel()
            async with CalcProxy(end, port) as proxy:
                call = asyncio.create_task(proxy.add(1, 2))
                turns = 0
                while not port.statistics()["spins"]:
                    await asyncio.sleep(0)
                    turns += 1
                assert turns > 20
                call.cancel()
            channel.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(play())


@LOOPS
def test_an_idle_port_uses_no_time(served: ClientEnd[Calc], loop: NewLoop) -> None:
    async def play() -> float:
        async with open_port(busy_poll_us=1000) as port, CalcProxy(served, port) as proxy:
            await proxy.add(1, 2)
            begun = time.process_time()
            await asyncio.sleep(0.5)
            return time.process_time() - begun

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(play()) < 0.1


def test_an_idle_thread_uses_no_time(served: ClientEnd[Calc]) -> None:
    with BlockingPort(busy_poll_us=1000) as port, CalcBlockingProxy(served, port) as proxy:
        proxy.add(1, 2)
        begun = time.process_time()
        port.dispatch(0.5)
        assert time.process_time() - begun < 0.1


@LOOPS
def test_spins_that_find_nothing_are_given_up(loop: NewLoop) -> None:
    async def play() -> int:
        async with open_port(busy_poll_us=1) as port:
            end, server_end = create_endpoints(Calc)
            channel = server_end.take_channel()
            async with CalcProxy(end, port) as proxy:
                for txid in range(1, 101):
                    call = asyncio.create_task(proxy.add(1, 2))
                    for _ in range(10):
                        await asyncio.sleep(0)
                    channel.write(hand.raw(txid, ADD, b"\x91\x03"))
                    assert await call == 3
            channel.close()
            return port.statistics()["spins"]

    with asyncio.Runner(loop_factory=loop) as runner:
        assert 8 <= runner.run(play()) < 30


async def _connected(port: AsyncPort) -> tuple[Connection, Channel]:
    near, far = Channel.create()

    def take(txid: int, ordinal: int, flags: int, body: Body, handles: Sequence[Handle]) -> None:
        raise NotImplementedError

    connection = Connection("test", near, port, take, lambda _: None)
    connection.resume()
    return connection, far


@LOOPS
def test_nobody_looks_while_messages_are_held_back(loop: NewLoop) -> None:
    async def play() -> None:
        async with open_port(busy_poll_us=1000) as port:
            connection, far = await _connected(port)
            with far:
                assert connection.outbox.hold()
                assert not connection.spin(time.monotonic() + 3600)
                connection.outbox.release()
                connection.pause()
                assert not connection.spin(time.monotonic() + 3600)
            connection.close(PeerClosed("over"))
            assert not connection.spin(time.monotonic() + 3600)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(play())


def test_trio_refuses_what_it_cannot_do_and_bears_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import trio

    async def play() -> None:
        with pytest.raises(NotSupported, match="trio"):
            async with open_port(busy_poll_us=50):
                pass
        monkeypatch.setenv(VARIABLE, "50")
        async with open_port() as port, open_port(busy_poll_us=0):
            assert "spins" not in port.statistics()

    trio.run(play)
