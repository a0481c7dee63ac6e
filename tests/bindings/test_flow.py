"""Flow control: who does not read stalls itself alone, and who is gone is noticed all the same."""

from __future__ import annotations

import os
import signal
import socket
import tracemalloc

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.ends import ServerEnd, create_endpoints
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.errors import IpcError, PeerClosed, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from tests.bindings import hand
from tests.bindings.calc import (
    ADD,
    ECHO,
    HANG,
    NOTE,
    ON_NOTE,
    Calc,
    CalcProxy,
    CalcServer,
    Number,
    Pair,
    Text,
    pair,
    serve,
)
from tests.bindings.hand import Tiny, TinyServer, raw, serve_turns
from tests.support.proc import open_fds
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until_async

PAIR = b"\x92\x02\x03"
TEXT = b"\x91\xa1x"
MEBIBYTE = 1 << 20

# Sends calls whenever one fits and reads nothing, until it is told to stop; then it fills its queue
# once more. It lives until it is killed.
STALLED = """
import select, sys
from ipcrt.errors import ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.objects.vmo import Vmo
from tests.bindings.hand import raw
import tests.bindings.calc as calc

channel = Channel(int(sys.argv[1]))
data = raw(1, getattr(calc, sys.argv[2]), eval(sys.argv[3]))
told_to_stop = False
while True:
    try:
        channel.write(data)
    except ShouldWait:
        if told_to_stop:
            print("stopped", flush=True)
            sys.stdin.read()
        told_to_stop = bool(select.select([sys.stdin], [], [], 0.005)[0])
"""


def stalled_client(
    spawn_python: Spawner, method: str, body: bytes
) -> tuple[ServerEnd[Calc], Child]:
    """A client in a process of its own that calls and calls and never reads."""
    client, end = create_endpoints(Calc)
    with client:
        number = client.channel.fileno()
        os.set_inheritable(number, True)
        child = spawn_python(STALLED, number, method, repr(body), pass_fds=[number])
    return end, child


def feed(child: Child) -> None:
    """Have a stalled client fill its queue once more, and stop."""
    child.send("stop")
    assert child.line() == "stopped"


# ------------------------------------------------------------------------------ clients that stall


@pytest.mark.anyio
@pytest.mark.parametrize("method, body", [("ADD", PAIR), ("HANG", b"")], ids=["add", "hang"])
async def test_a_stalled_client_is_bounded_and_others_are_served(
    spawn_python: Spawner, method: str, body: bytes
) -> None:
    async with open_port() as port:
        end, child = stalled_client(spawn_python, method, body)
        server = serve(end, port, Limits(calls_in_flight=16))
        assert server.binding is not None
        binding = server.binding
        await wait_until_async(lambda: not binding._connection._reading)
        feed(child)
        client, other = pair(port)
        async with client:
            for number in range(100):
                assert await client.add(number, 1) == number + 1
        counts = binding.statistics()
        assert counts["calls_in_flight"] <= 16
        assert counts["backlog"] <= 1
        assert not binding._connection._reading
        child.kill()
        await wait_until_async(lambda: server.gone)
        await wait_until_async(lambda: not any(binding.statistics().values()))
        assert [type(reason) for reason in server.gone] == [PeerClosed]
        assert other.binding is not None
        await other.binding.wait_closed()


@pytest.mark.anyio
async def test_replies_that_nobody_reads_take_no_more_memory_than_one() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Calc)
        with client.take_channel() as peer:
            server = serve(end, port)
            assert server.binding is not None
            data = raw(1, ECHO, b"\x91\xc6" + MEBIBYTE.to_bytes(4, "big") + bytes(MEBIBYTE))
            tracemalloc.start()
            try:
                for _ in range(300):
                    try:
                        peer.write(data)
                    except ShouldWait:
                        await anyio.lowlevel.checkpoint()
                await wait_until_async(lambda: server.binding.statistics()["backlog"])  # type: ignore[union-attr]
                size, _ = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert size < 8 * MEBIBYTE
            assert server.binding.statistics()["backlog"] == 1
            server.binding.close()


@pytest.mark.anyio
async def test_events_for_a_stalled_client_wait_in_their_order() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Calc)
        server = serve(end, port)
        binding = server.binding
        assert binding is not None
        with client.take_channel() as peer:
            unread = hand.fill(binding.channel)
            heard: list[bytes] = []
            with anyio.fail_after(20):
                async with anyio.create_task_group() as tasks:
                    for number in range(20):
                        text = Text(str(number))
                        tasks.start_soon(binding.send_event_wait, ON_NOTE, text)
                        while binding.statistics()["backlog"] <= number:
                            await anyio.lowlevel.checkpoint()
                    with pytest.raises(ShouldWait, match="20 messages wait"):
                        binding.send_event(ON_NOTE, Text("now"))
                    while len(heard) < unread + 20:
                        heard += [body for *_, body in hand.received(peer)]
                        await anyio.lowlevel.checkpoint()
        told = [body[2:].decode() for body in heard[unread:]]
        assert told == [str(number) for number in range(20)]
        await binding.wait_closed()


# ------------------------------------------------------------------------------ servers that stall


@pytest.mark.anyio
async def test_tasks_wait_for_a_stalled_server_in_their_order() -> None:
    async with open_port() as port:
        near, far = create_endpoints(Calc)
        client, server = CalcProxy(near, port), Summing(port)
        server.binding = ServerBinding(far, server, port)
        server.binding._connection.pause()
        hand.fill(client._client.connection.channel)
        async with client:
            with anyio.fail_after(20):
                async with anyio.create_task_group() as tasks:
                    for number in range(30):
                        if number % 3:
                            tasks.start_soon(client.note, str(number))
                        else:
                            tasks.start_soon(client.sum, Vmo.from_bytes(bytes([number])))
                        while client.statistics()["backlog"] <= number:
                            await anyio.lowlevel.checkpoint()
                    server.binding._regulate()
            assert await client.add(1, 2) == 3
        assert server.notes == [str(number) for number in range(30)]
        await server.binding.wait_closed()


class Summing(CalcServer):
    """Notes what it is asked to sum."""

    def sum(self, vmo: Vmo, tag: int) -> Number:
        with vmo:
            self.notes.append(str(vmo.read(0, 1)[0]))
            return Number(tag)


class TinyProxy(BlockingProxy[Tiny]):
    PROTOCOL = Tiny

    def add(self, a: int, b: int, *, timeout: float | None = DEFAULT_TIMEOUT) -> Number:
        return self._call(hand.ADD, Pair(a, b), timeout)

    def say(self, text: str) -> None:
        self._send(hand.SAY, Text(text))


def test_a_plain_thread_waits_for_a_stalled_server() -> None:
    client, end = create_endpoints(Tiny)
    with BlockingPort() as port, TinyProxy(client, port) as proxy:
        sent = hand.fill(proxy._client.connection.channel)
        port.deadlines.add(0.01, lambda: None)
        server = TinyServer()
        with BlockingPort() as other:  # stands for the server's thread: served by our deadlines
            binding = ServerBinding(end, server, other)

            def serve_later() -> None:
                other.dispatch()
                if not binding.closed:
                    port.deadlines.add(0.001, serve_later)

            serve_later()
            proxy.say("hi")
            assert proxy.add(1, 2) == Number(3)
            assert server.said[sent:] == ["hi"]
            binding.close()


# ------------------------------------------------------------------------------- clients that die


def call(txid: int) -> bytes:
    return raw(txid, HANG, b"")


@pytest.mark.anyio
async def test_what_a_client_said_before_it_went_is_heard_to_the_end() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Calc)
        with client.take_channel() as peer:
            peer.write(raw(1, ADD, PAIR))
            for _ in range(5):
                peer.write(raw(0, NOTE, TEXT))
            peer.write(raw(2, ADD, PAIR))
            peer.write(raw(0, NOTE, b"\x91\xa4last"))
        server = serve(end, port)
        assert server.binding is not None
        await server.binding.wait_closed()
        assert server.notes == ["x"] * 5 + ["last"]
        assert [type(reason) for reason in server.gone] == [PeerClosed]


class Diarist(CalcServer):
    """Takes its time for each note."""

    async def note(self, text: str) -> None:
        for _ in range(5):
            assert isinstance(self.port, AsyncPort)
            await self.port.sleep(0.001)
        self.notes.append(text)


@pytest.mark.anyio
async def test_one_way_handlers_end_by_themselves_when_the_client_has_gone() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Calc)
        with client.take_channel() as peer:
            peer.write(raw(0, NOTE, TEXT))
            peer.write(call(1))
            server = Diarist(port)
            binding = server.binding = ServerBinding(end, server, port)
            await wait_until_async(lambda: server.hanging)
        await binding.wait_closed()
        assert server.notes == []
        await wait_until_async(lambda: not any(binding.statistics().values()))
        assert server.notes == ["x"]


@pytest.mark.anyio
async def test_a_client_that_dies_at_its_limit_is_noticed(spawn_python: Spawner) -> None:
    """Its calls hang, more are queued unread: nothing but the hang-up tells."""
    async with open_port() as port:
        end, child = stalled_client(spawn_python, "HANG", b"")
        server = serve(end, port, Limits(calls_in_flight=3))
        assert server.binding is not None
        await wait_until_async(lambda: len(server.hanging) == 3)
        feed(child)
        os.kill(child.pid, signal.SIGKILL)
        with anyio.fail_after(20):
            await server.binding.wait_closed()
        assert all(waiter.done() for waiter in server.hanging)
        await wait_until_async(lambda: not any(server.binding.statistics().values()))  # type: ignore[union-attr]


def test_a_client_that_dies_without_having_read_is_noticed(spawn_python: Spawner) -> None:
    """Its replies wait for room, more calls are queued unread."""
    before = open_fds()
    client, end = create_endpoints(Tiny)
    with client:
        number = client.channel.fileno()
        os.set_inheritable(number, True)
        source = STALLED.replace("tests.bindings.calc", "tests.bindings.hand")
        child = spawn_python(source, number, "ADD", repr(PAIR), pass_fds=[number])
    server = TinyServer()
    with BlockingPort() as port:
        binding = ServerBinding(end, server, port)
        while not binding.statistics()["backlog"]:
            port.dispatch(1)
        feed(child)
        serve_turns(port)
        assert binding.statistics()["backlog"] == 1
        added = len(server.added)
        child.kill()
        child.wait()
        while not binding.closed:
            port.dispatch(1)
        assert [type(reason) for reason in server.gone] == [PeerClosed]
        assert len(server.added) > added, "what it had sent was heard to the end"
        assert port.statistics()["watched_handles"] == 0
    child.close()
    assert open_fds() == before


# ------------------------------------------------------------------- messages that cannot be sent


def small_queue(channel: Channel) -> None:
    with socket.socket(fileno=os.dup(channel.fileno())) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)


@pytest.mark.anyio
async def test_a_small_queue_stops_no_message() -> None:
    async with open_port() as port:
        client, server = pair(port)
        assert server.binding is not None
        for channel in (client._client.connection.channel, server.binding.channel):
            small_queue(channel)
        async with client:
            for size in (1, 5000, 60_000, 100_000):
                assert len(await client.echo(bytes(size))) == size
            errors: list[IpcError] = []

            async def echo(size: int) -> None:
                try:
                    assert len(await client.echo(bytes(size))) == size
                except IpcError as error:
                    errors.append(error)

            with anyio.fail_after(20):
                async with anyio.create_task_group() as tasks:
                    for size in range(0, 6000, 60):
                        tasks.start_soon(echo, size)
            assert not errors
        await server.binding.wait_closed()
