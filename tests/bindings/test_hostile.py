"""A peer that sends anything at all: it loses its channel, we lose nothing, nobody else notices."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcrt.bindings.client import Client
from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.bindings.proxy import Proxy
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.errors import IpcError, PeerClosed, RemoteProtocolError
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.channel import AsyncChannel
from tests.bindings import garbage
from tests.bindings.calc import File, Number, Pair
from tests.bindings.hand import ADD, GIVE, ON_FILE, Tiny, TinyServer, null, serve_turns
from tests.support.proc import open_fds
from tests.support.processes import Spawner
from tests.support.waiting import wait_until_async

ATTACKS = range(1000)
"""Their seeds. Every day each loop bears a third of them."""
LIMITS = Limits(calls_in_flight=8, message_bytes=100_000)


class Closing(TinyServer):
    """Closes what it is given, and answers every file with an event of it."""

    binding: ServerBinding[Tiny] | None = None

    def give(self, file: Handle) -> File:
        assert self.binding is not None
        self.binding.send_event(ON_FILE, File(Handle(os.dup(file.fileno()))))
        return File(file)

    def keep(self, file: Handle) -> None:
        file.close()


class TinyProxy(Proxy[Tiny]):
    PROTOCOL = Tiny

    async def add(self, a: int, b: int) -> Number:
        return await self._call(ADD, Pair(a, b), 20)


def serve(port: AsyncPort | BlockingPort) -> tuple[Closing, Channel]:
    """A server, and its client's bare channel."""
    client, end = create_endpoints(Tiny)
    server = Closing()
    server.binding = ServerBinding(end, server, port, LIMITS)
    return server, client.take_channel()


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Nothing that a peer sends is an error of ours."""
    yield
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, f"logged: {errors[0].getMessage()}"


def expect_one_reason(server: Closing, end: str, caplog: pytest.LogCaptureFixture) -> None:
    """A channel that we closed is one line in the log; one that the peer closed is none."""
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    (reason,) = server.gone
    if end == "answered":
        assert type(reason) is PeerClosed
        assert not said
    else:
        assert type(reason) is RemoteProtocolError
        assert len(said) == 1
        assert str(reason) in said[0]


@pytest.mark.anyio
async def test_anything_from_another_process(
    spawn_python: Spawner,
    caplog: pytest.LogCaptureFixture,
    anyio_backend: tuple[str, dict[str, bool]],
) -> None:
    name, options = anyio_backend
    await attack(
        spawn_python, caplog, ATTACKS[("asyncio", "trio").index(name) + 2 * bool(options) :: 3]
    )


@pytest.mark.slow
@pytest.mark.anyio
async def test_everything_from_another_process(
    spawn_python: Spawner, caplog: pytest.LogCaptureFixture
) -> None:
    await attack(spawn_python, caplog, ATTACKS)


async def attack(spawn_python: Spawner, caplog: pytest.LogCaptureFixture, seeds: range) -> None:
    control, theirs = Channel.create()
    os.set_inheritable(theirs.fileno(), True)
    spawn_python.module("tests.bindings.garbage", theirs.fileno(), pass_fds=[theirs.fileno()])
    theirs.close()
    ends = {"answered": 0, "hung up": 0}
    async with open_port() as port, AsyncChannel(control, port) as ask:
        end = ClientEnd[Tiny](serve(port)[1])
        async with TinyProxy(end, port) as friend:
            assert await friend.add(1, 1) == Number(2)
            before = open_fds()
            for seed in seeds:
                caplog.clear()
                server, peer = serve(port)
                await ask.write(b"%d" % seed, [peer])
                assert await friend.add(seed, 1) == Number(seed + 1)
                outcome = (await ask.read(20)).data.decode()
                await wait_until_async(lambda: server.gone)  # noqa: B023
                await wait_until_async(lambda: open_fds() == before)
                expect_one_reason(server, outcome, caplog)
                ends[outcome] += 1
            assert await friend.add(1, 1) == Number(2)
    assert min(ends.values()) > len(seeds) // 10, ends


KINDS = sorted(garbage.KINDS)
PACKETS: st.SearchStrategy[list[garbage.Packet]] = st.one_of(
    st.integers(0).map(garbage.packets),
    st.lists(
        st.tuples(
            st.binary(min_size=1, max_size=300), st.lists(st.sampled_from(KINDS), max_size=2)
        ),
        max_size=3,
    ),
)
FUZZED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def send_all(peer: Channel, packets: list[garbage.Packet]) -> None:
    with socket.socket(fileno=os.dup(peer.fileno())) as sock:
        for packet in packets:
            try:
                garbage.send(sock, packet)
            except PeerClosed:
                return


@FUZZED
@given(PACKETS)
def test_any_packets_to_a_server(
    caplog: pytest.LogCaptureFixture, packets: list[garbage.Packet]
) -> None:
    caplog.clear()
    before = open_fds()
    with BlockingPort() as port:
        server, peer = serve(port)
        with peer:
            for packet in packets:
                send_all(peer, [packet])
                serve_turns(port)
            outcome = "hung up" if server.gone else "answered"
        serve_turns(port)
        expect_one_reason(server, outcome, caplog)
    assert open_fds() == before


@FUZZED
@given(PACKETS)
def test_any_packets_to_a_client(
    caplog: pytest.LogCaptureFixture, packets: list[garbage.Packet]
) -> None:
    caplog.clear()
    before = open_fds()
    ours, peer = Channel.create()
    with BlockingPort() as port, peer:
        client = Client(ours, port, Tiny.TABLE)
        calls = [client.begin(ADD, Pair(1, 2), None), client.begin(ADD, Pair(3, 4), None)]
        given_up = client.begin(GIVE, File(null()), None)
        client.give_up(given_up)
        send_all(peer, packets)
        serve_turns(port)
        for call in calls:
            if call.waiter.done():
                with contextlib.suppress(IpcError):
                    client.result(call)
            else:
                client.give_up(call)
        breach = type(client.connection.error) is RemoteProtocolError
        said = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert len(said) == breach
        client.close()
    assert open_fds() == before
