"""What comes after what: messages, the handlers that they start, events and replies."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.ends import Protocol, create_endpoints
from ipcrt.bindings.proxy import Proxy
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.bindings.tables import Event, OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.errors import Status, Unavailable
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.header import EPITAPH_ORDINAL, MORE
from tests.bindings import hand
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

ROUNDS = 20
"""trio tosses a coin for each turn: so often that both sides show."""


class Tag(Struct, frozen=True):
    number: int


class Log(Protocol):
    """Notes down what comes, at once or later."""


QUICK = OneWay("test/Log.Quick", Tag)
SLOW = OneWay("test/Log.Slow", Tag)
QUICK_CALL = TwoWay("test/Log.QuickCall", Tag, Tag, strict=True)
SLOW_CALL = TwoWay("test/Log.SlowCall", Tag, Tag, strict=True)
STUCK = TwoWay("test/Log.Stuck", Tag, Tag, strict=True)
ON_TAG = Event("test/Log.OnTag", Tag)
Log.TABLE = ProtocolTable(
    "test/Log", Openness.CLOSED, (QUICK, SLOW, QUICK_CALL, SLOW_CALL, STUCK, ON_TAG)
)
Kind = OneWay[Tag] | TwoWay[Tag, Tag]
KINDS: tuple[Kind, ...] = (QUICK, SLOW, QUICK_CALL, SLOW_CALL)


class LogServer(Server[Log]):
    PROTOCOL = Log

    def __init__(self, port: AsyncPort) -> None:
        self.port = port
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.binding: ServerBinding[Log] | None = None

    def quick(self, number: int) -> None:
        self.begun.append(number)
        self.ended.append(number)

    async def slow(self, number: int) -> None:
        self.begun.append(number)
        await anyio.lowlevel.checkpoint()
        self.ended.append(number)

    def quick_call(self, number: int) -> Tag:
        self.quick(number)
        assert self.binding is not None
        self.binding.send_event(ON_TAG, Tag(number))
        return Tag(number)

    async def slow_call(self, number: int) -> Tag:
        await self.slow(number)
        assert self.binding is not None
        await self.binding.send_event_wait(ON_TAG, Tag(number))
        return Tag(number)

    async def stuck(self, number: int) -> Tag:
        self.begun.append(number)
        await anyio.sleep_forever()
        return Tag(number)


class LogProxy(Proxy[Log]):
    PROTOCOL = Log

    async def quick(self, number: int) -> None:
        await self._send(QUICK, Tag(number))

    async def slow(self, number: int) -> None:
        await self._send(SLOW, Tag(number))

    async def quick_call(self, number: int) -> int:
        return (await self._call(QUICK_CALL, Tag(number), 20)).number

    async def slow_call(self, number: int) -> int:
        return (await self._call(SLOW_CALL, Tag(number), 20)).number


class Listener:
    def __init__(self) -> None:
        self.heard: list[int] = []

    def on_tag(self, number: int) -> None:
        self.heard.append(number)


def served(port: AsyncPort, limits: Limits | None = None) -> tuple[Channel, LogServer]:
    client, end = create_endpoints(Log)
    server = LogServer(port)
    server.binding = ServerBinding(end, server, port, limits)
    return client.take_channel(), server


def message(kind: Kind, number: int) -> bytes:
    body = b"\x91" + bytes([number])
    return hand.raw(number if isinstance(kind, TwoWay) else 0, kind, body)


async def finish(server: LogServer, peer: Channel, count: int) -> None:
    await wait_until_async(lambda: len(server.ended) == count)
    peer.close()
    assert server.binding is not None
    await server.binding.wait_closed()


MIXTURES = [*itertools.product(KINDS, repeat=3)]


@pytest.mark.parametrize("together", [True, False], ids=["one packet", "packets"])
async def test_handlers_begin_in_the_order_of_their_messages(together: bool) -> None:
    async with open_port() as port:
        for mixture in MIXTURES * (ROUNDS // 10):
            peer, server = served(port)
            packets = [message(kind, number) for number, kind in enumerate(mixture, 1)]
            if together:
                peer.write(b"".join(packets))
            else:
                for packet in packets[:-1]:
                    peer.write(packet[:7] + bytes([packet[7] | MORE]) + packet[8:])
                peer.write(packets[-1])
            await finish(server, peer, 3)
            assert server.begun == [1, 2, 3], mixture


@pytest.mark.parametrize("limit", [1, 2, 7, 256])
async def test_a_long_packet_of_all_kinds_keeps_its_order(limit: int) -> None:
    async with open_port() as port:
        for _ in range(ROUNDS // 4):
            peer, server = served(port, Limits(calls_in_flight=limit))
            kinds = [*KINDS * 30]
            peer.write(b"".join(message(kind, number) for number, kind in enumerate(kinds, 1)))
            await finish(server, peer, len(kinds))
            assert server.begun == [*range(1, len(kinds) + 1)]


async def test_messages_behind_a_handler_that_is_cancelled_early_are_handled() -> None:
    """The client is gone at once: calls are cancelled, what is one-way is heard to its end."""
    async with open_port() as port:
        firsts: tuple[Kind, ...] = (SLOW, SLOW_CALL, STUCK)
        seconds: tuple[Kind, ...] = (QUICK, SLOW, STUCK)
        for mixture in itertools.product(firsts, seconds, (QUICK,)):
            for _ in range(4):
                peer, server = served(port)
                peer.write(b"".join(message(kind, n) for n, kind in enumerate(mixture, 1)))
                peer.close()
                assert server.binding is not None
                await server.binding.wait_closed()
                await wait_until_async(lambda: not any(server.binding.statistics().values()))  # type: ignore[union-attr]  # noqa: B023
                assert server.begun == sorted(server.begun)
                one_way = {n for n, kind in enumerate(mixture, 1) if kind in (QUICK, SLOW)}
                assert one_way <= {*server.ended}


async def test_a_task_sends_in_its_order_and_calls_return_behind_their_events() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Log)
        server = LogServer(port)
        server.binding = ServerBinding(end, server, port)
        listener = Listener()
        async with LogProxy(client, port, listener) as proxy:
            numbers: Sequence[int] = range(1, 41)
            for number in numbers:
                if number % 4 == 0:
                    await proxy.slow(number)
                elif number % 4 == 1:
                    await proxy.quick(number)
                elif number % 4 == 2:
                    assert await proxy.slow_call(number) == number
                    assert listener.heard[-1] == number
                else:
                    assert await proxy.quick_call(number) == number
                    assert listener.heard[-1] == number
        await server.binding.wait_closed()
        await wait_until_async(lambda: len(server.ended) == len(numbers))
        assert server.begun == [*numbers]


async def test_an_epitaph_is_heard_behind_all_that_was_sent_before() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Log)
        listener = Listener()
        with end.take_channel() as peer:
            async with LogProxy(client, port, listener) as proxy:
                results: list[int | type[Exception]] = []

                async def call(number: int) -> None:
                    try:
                        results.append(await proxy.quick_call(number))
                    except Unavailable as error:
                        results.append(type(error))

                async with anyio.create_task_group() as tasks:
                    for number in (1, 2):
                        tasks.start_soon(call, number)
                    await wait_until_async(lambda: proxy.statistics()["calls"] == 2)
                    peer.write(
                        hand.raw(0, ON_TAG, b"\x91\x07")
                        + hand.raw(2, QUICK_CALL, b"\x91\x63")
                        + hand.raw(0, ON_TAG, b"\x91\x08")
                        + encode_epitaph(Status.UNAVAILABLE)
                    )
                assert listener.heard == [7, 8]
                assert sorted(results, key=str) == [99, Unavailable]
                with pytest.raises(Unavailable):
                    await proxy.quick(1)


async def test_a_server_that_closes_in_a_handler_answers_nothing_behind_its_epitaph() -> None:
    async with open_port() as port:
        peer, server = served(port)

        class Closing(LogServer):
            def quick(self, number: int) -> None:
                assert self.binding is not None
                self.binding.close(Status.UNAVAILABLE)

        server.__class__ = Closing
        with peer:
            peer.write(b"".join(message(kind, n) for n, kind in enumerate(KINDS[::-1], 1)))
            assert server.binding is not None
            await server.binding.wait_closed()
            said: list[hand.Raw] = []

            def has_hung_up() -> bool:
                said.extend(hand.received(peer))
                return hand.hung_up(peer)

            await wait_until_async(has_hung_up)
            ordinals = [ordinal for _, ordinal, _, _ in said]
            assert ordinals[-1] == EPITAPH_ORDINAL
            assert ordinals.count(EPITAPH_ORDINAL) == 1
