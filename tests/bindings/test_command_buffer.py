"""Command buffers: few messages, in order, each within the limits."""

from __future__ import annotations

import anyio
import pytest

from ipcrt.bindings.command_buffer import BlockingCommandBuffer, CommandBuffer
from ipcrt.bindings.ends import Protocol, create_endpoints
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.bindings.server import Server, ServerBinding
from ipcrt.bindings.tables import Openness, ProtocolTable
from ipcrt.errors import LocalProtocolError, OutOfRange, PeerClosed
from ipcrt.objects.event import Event
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from tests.bindings.commands import (
    COMMIT,
    ENQUEUE,
    ENQUEUE_FEW,
    Command,
    CommandPoke,
    CommandProd,
    CommandRing,
    Enqueue,
    EnqueueFew,
    Poke,
)


class Sink(Protocol):
    """Takes commands."""


Sink.TABLE = ProtocolTable("test/Sink", Openness.OPEN, (ENQUEUE, ENQUEUE_FEW, COMMIT))


class SinkProxy(Proxy[Sink]):
    PROTOCOL = Sink

    async def enqueue(self, commands: list[Command]) -> None:
        await self._send(ENQUEUE, Enqueue(commands))

    async def enqueue_few(self, commands: list[Command]) -> None:
        await self._send(ENQUEUE_FEW, EnqueueFew(commands))

    async def commit(self) -> None:
        await self._call(COMMIT, None, 5)


class SinkBlockingProxy(BlockingProxy[Sink]):
    PROTOCOL = Sink

    def enqueue(self, commands: list[Command]) -> None:
        self._send(ENQUEUE, Enqueue(commands))

    def commit(self) -> None:
        self._call(COMMIT, None, 5)


class SinkServer(Server[Sink]):
    PROTOCOL = Sink

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.commands: list[Command] = []

    def enqueue(self, commands: list[Command]) -> None:
        self.batches.append(len(commands))
        self.commands += commands

    def enqueue_few(self, commands: list[Command]) -> None:
        self.enqueue(commands)

    def commit(self) -> None:
        for command in self.commands:
            if isinstance(command, CommandRing):
                command.value.close()


def poke(number: int) -> Command:
    return CommandPoke(Poke(number, number))


@pytest.mark.anyio
async def test_many_commands_few_messages() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Sink)
        server = SinkServer()
        with ServerBinding(end, server, port):
            async with SinkProxy(client, port) as sink:
                buffer = CommandBuffer[Command](ENQUEUE, sink.enqueue)
                for number in range(1000):
                    await buffer.add(poke(number))
                assert (len(buffer), buffer.messages) == (1000, 0)
                await buffer.commit(sink.commit)
                assert server.batches == [1000]
                assert server.commands == [poke(number) for number in range(1000)]
                await buffer.commit(sink.commit)  # nothing waits: no message
                assert server.batches == [1000]


@pytest.mark.anyio
async def test_a_message_leaves_before_its_bytes_run_out() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Sink)
        server = SinkServer()
        with ServerBinding(end, server, port):
            async with SinkProxy(client, port) as sink:
                with CommandBuffer[Command](ENQUEUE, sink.enqueue) as buffer:
                    for number in range(100):
                        await buffer.add(CommandProd(f"{number:2}" + "x" * 10_000))
                    assert len(buffer) == 4
                    await buffer.commit(sink.commit)
                assert server.batches == [6] * 16 + [4]
                words = [c.value[:2] for c in server.commands if isinstance(c, CommandProd)]
                assert words == [f"{number:2}" for number in range(100)]


@pytest.mark.anyio
async def test_a_message_leaves_before_its_handles_run_out() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Sink)
        server = SinkServer()
        with ServerBinding(end, server, port):
            async with SinkProxy(client, port) as sink:
                with CommandBuffer[Command](ENQUEUE, sink.enqueue) as buffer:
                    for _ in range(130):
                        await buffer.add(CommandRing(Event.create()))
                    await buffer.commit(sink.commit)
                assert server.batches == [64, 64, 2]


@pytest.mark.anyio
async def test_the_contracts_bound_counts() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Sink)
        server = SinkServer()
        with ServerBinding(end, server, port):
            async with SinkProxy(client, port) as sink:
                buffer = CommandBuffer[Command](ENQUEUE_FEW, sink.enqueue_few)
                for number in range(8):
                    await buffer.add(poke(number))
                await buffer.commit(sink.commit)
                assert server.batches == [3, 3, 2]
                assert buffer.messages == 3


@pytest.mark.anyio
async def test_what_never_leaves_is_closed() -> None:
    async def send(commands: list[Command]) -> None:
        del commands

    event = Event.create()
    buffer = CommandBuffer[Command](ENQUEUE, send)
    await buffer.add(CommandRing(event))
    assert [event.closed] == [False]
    buffer.close()
    assert event.closed
    assert (len(buffer), buffer.messages) == (0, 0)


@pytest.mark.anyio
async def test_a_send_that_fails_leaves_no_handle_open() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Sink)
        end.close()
        async with SinkProxy(client, port) as sink:
            events = [Event.create() for _ in range(65)]
            buffer = CommandBuffer[Command](ENQUEUE, sink.enqueue)
            for event in events[:-1]:
                await buffer.add(CommandRing(event))
            with pytest.raises(PeerClosed):
                await buffer.add(CommandRing(events[-1]))
            assert all(event.closed for event in events)
            assert (len(buffer), buffer.messages) == (0, 0)


@pytest.mark.anyio
async def test_a_send_that_is_cancelled_leaves_no_handle_open() -> None:
    event = Event.create()

    async def stuck(commands: list[Command]) -> None:
        del commands
        await anyio.sleep_forever()

    buffer = CommandBuffer[Command](ENQUEUE, stuck)
    await buffer.add(CommandRing(event))
    with anyio.move_on_after(0.01):
        await buffer.flush()
    assert event.closed
    assert buffer.messages == 0


@pytest.mark.anyio
async def test_a_command_that_cannot_be_sent_is_refused_at_once() -> None:
    sent: list[Command] = []

    async def send(commands: list[Command]) -> None:
        sent.extend(commands)

    buffer = CommandBuffer[Command](ENQUEUE, send)
    await buffer.add(poke(1))
    with pytest.raises(OutOfRange):
        await buffer.add(CommandProd("x" * 70_000))
    with pytest.raises(LocalProtocolError):
        await buffer.add(CommandProd("x" * 100_001))
    await buffer.flush()
    assert sent == [poke(1)]


def test_a_plain_thread_has_one_too() -> None:
    with BlockingPort() as port:
        client, end = create_endpoints(Sink)
        server = SinkServer()
        with ServerBinding(end, server, port), SinkBlockingProxy(client, port) as sink:
            with BlockingCommandBuffer[Command](ENQUEUE, sink.enqueue) as buffer:
                for _ in range(70):
                    buffer.add(CommandRing(Event.create()))
                buffer.commit(sink.commit)
            assert server.batches == [64, 6]
            event = Event.create()
            buffer.add(CommandRing(event))
            sink.close()
            with pytest.raises(Exception, match="closed"):
                buffer.flush()
            assert event.closed
