"""How calls fail, process to process: domain, framework and transport errors, and epitaphs.

Whatever goes wrong in a handler, none of its text crosses the wire.
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator

import anyio
import pytest

from ipcrt.bindings.errors import DomainError, UnknownMethod
from ipcrt.errors import IpcError, PeerClosed, RemoteProtocolError, Status, error_for
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE, HEADER_BYTES
from tests.bindings.evolution.clients import LOOPS, Client, Stations, open_stations
from tests.bindings.evolution.samples import MODULES
from tests.bindings.evolution.server import SECRET

PAIRS = [*itertools.product(MODULES, MODULES)]
OLD_TO_NEW = (1, 2)

pairs = pytest.mark.parametrize(
    "pair", PAIRS, ids=[f"client {client} server {server}" for client, server in PAIRS]
)
loops = pytest.mark.parametrize("loop", LOOPS)


@pytest.fixture(scope="module")
def stations() -> Iterator[Stations]:
    with open_stations() as found:
        yield found


# ---- domain errors


@loops
@pairs
def test_a_domain_error_is_a_typed_exception_also_where_its_value_is_new(
    pair: tuple[int, int], loop: str, stations: Stations
) -> None:
    ours, theirs = pair

    async def story(client: Client) -> None:
        with pytest.raises(client.module.RefusalFailed) as caught:
            await client.ask("refuse")
        error = caught.value.error
        assert isinstance(error, client.module.Refusal)
        assert error == theirs
        assert error.is_unknown is (pair == OLD_TO_NEW)
        assert str(caught.value) == ("UNKNOWN_2" if error.is_unknown else error.name)
        assert not isinstance(caught.value, UnknownMethod)
        assert await client.ask("saw") == ""

    stations.play(story, client=ours, server=theirs, loop=loop)


@loops
@pairs
def test_a_strict_error_that_has_grown_ends_the_channel(
    pair: tuple[int, int], loop: str, stations: Stations
) -> None:
    ours, theirs = pair

    async def story(client: Client) -> None:
        if pair == OLD_TO_NEW:
            with pytest.raises(RemoteProtocolError):
                await client.ask("judge")
            assert client.proxy.closed
            return
        with pytest.raises(client.module.VerdictFailed) as caught:
            await client.ask("judge")
        assert caught.value.error == -theirs
        assert await client.ask("saw") == ""

    stations.play(story, client=ours, server=theirs, loop=loop)


# ---- what is no domain error


@loops
def test_errors_of_the_domain_of_the_framework_and_of_the_transport_are_apart(
    loop: str, stations: Stations
) -> None:
    async def story(client: Client) -> None:
        found: dict[str, IpcError] = {}
        for method in ("refuse", "crash", "bygone", "judge"):
            with pytest.raises(IpcError) as caught:
                await client.ask(method)
            found[method] = caught.value
        kinds = {method: type(error) for method, error in found.items()}
        assert kinds == {
            "refuse": client.module.RefusalFailed,
            "crash": type(error_for(Status.INTERNAL, "")),
            "bygone": UnknownMethod,
            "judge": RemoteProtocolError,
        }
        domain = [method for method, error in found.items() if isinstance(error, DomainError)]
        assert domain == ["refuse"]
        assert found["crash"].status == Status.INTERNAL
        assert SECRET not in "".join(map(str, found.values()))

    stations.play(story, client=1, server=2, loop=loop)


TOLD = {
    "saw": b"\x91\xa0",
    "refuse": b"\x92\x02\x02",
    "judge": b"\x92\x02\xfe",
    "bygone": b"\x92\x03\xfe",
}
"""What the newer server answers, and no byte more."""


@loops
def test_nothing_that_a_handler_raises_crosses_the_wire(loop: str, stations: Stations) -> None:
    methods = {m.name: m for m in MODULES[1].Station.TABLE.requests.values()}
    with socket.socket(fileno=stations.connect(2, loop).take_channel().take()) as peer:
        peer.settimeout(20)
        for name, body in TOLD.items():
            method = methods[name]
            peer.send(encode(7, method.ordinal, method.flags, b""))
            assert peer.recv(65536) == encode(7, method.ordinal, method.flags, body)
        peer.send(encode(7, methods["crash"].ordinal, FLEXIBLE, b""))
        answer = peer.recv(65536)
        assert answer[:4] == b"\x07\0\0\0"
        assert answer[8:] == b"\xff" * 8 + b"\xff"  # an epitaph of this call, INTERNAL
        assert len(answer) == HEADER_BYTES + 1
        peer.send(encode(0, 77, 0, b""))  # strict and unknown: closed without a word
        assert peer.recv(65536) == b""


# ---- epitaphs

STATUSES = [Status.UNAVAILABLE, Status.ACCESS_DENIED, Status.NO_RESOURCES]


@loops
@pytest.mark.parametrize("status", STATUSES, ids=lambda status: str(status.name))
def test_an_epitaph_fails_the_call_in_flight_and_all_later_ones(
    status: Status, loop: str, stations: Stations
) -> None:
    async def story(client: Client) -> None:
        kind = type(error_for(status, ""))
        assert kind is not PeerClosed
        await client.ask("leave", int(status))
        for method in ("wait", "saw", "wait"):
            with pytest.raises(kind, match=status.name) as caught:
                await client.ask(method)
            assert caught.value.status == status
        with pytest.raises(kind, match=status.name):
            await client.ask("leave", 0)
        assert client.proxy.closed

    stations.play(story, client=2, server=2, loop=loop)


@pytest.mark.parametrize("loop", [loop for loop in LOOPS if loop != "blocking"])
def test_an_epitaph_fails_all_calls_in_flight(loop: str, stations: Stations) -> None:
    failed: list[IpcError] = []

    async def story(client: Client) -> None:
        async def wait() -> None:
            with pytest.raises(IpcError) as caught:
                await client.ask("wait")
            failed.append(caught.value)

        await client.ask("leave", int(Status.UNAVAILABLE))
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(wait)

    stations.play(story, client=1, server=2, loop=loop)
    assert [error.status for error in failed] == [Status.UNAVAILABLE] * 10
    assert len({id(error) for error in failed}) == 10  # nobody shares a traceback


@loops
def test_an_epitaph_ends_one_client_alone(loop: str, stations: Stations) -> None:
    async def story(client: Client) -> None:
        await client.ask("leave", int(Status.UNAVAILABLE))
        with pytest.raises(IpcError):
            await client.ask("wait")

    async def other(client: Client) -> None:
        assert await client.ask("pass_colour", client.module.Colour.RED) == 1

    stations.play(story, client=1, server=1, loop=loop)
    stations.play(other, client=1, server=1, loop=loop)
