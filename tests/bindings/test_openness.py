"""Every way to meet a method that one side does not know: who closes, who answers, who is told.

The sender's flexible bit decides together with the receiver's openness. Source: FIDL, RFC-0138.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ipcrt.bindings.ends import Protocol, create_endpoints
from ipcrt.bindings.errors import UnknownMethod
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.bindings.server import Server, ServerBinding
from ipcrt.bindings.tables import Event, Kind, Method, OneWay, Openness, ProtocolTable, TwoWay
from ipcrt.errors import IpcError, PeerClosed, RemoteProtocolError
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.port import Port
from tests.bindings.calc import Number, Text

KNOWN = TwoWay("test/Grown.Known", Number, Number, strict=True)

TOLERATED = {
    (Openness.OPEN, "flexible", Kind.TWO_WAY),
    (Openness.OPEN, "flexible", Kind.ONE_WAY),
    (Openness.OPEN, "flexible", Kind.EVENT),
    (Openness.AJAR, "flexible", Kind.ONE_WAY),
    (Openness.AJAR, "flexible", Kind.EVENT),
}
"""Everything else closes the channel."""

SIDES = [*itertools.product(Openness, ("strict", "flexible"))]
REQUESTS = [(*side, kind) for side in SIDES for kind in (Kind.ONE_WAY, Kind.TWO_WAY)]
EVENTS = [(*side, Kind.EVENT) for side in SIDES]


def _id(case: tuple[Openness, str, Kind]) -> str:
    return f"{case[0].name.lower()} {case[1]} {case[2].value}"


Case = tuple[Openness, str, Kind]

requests = pytest.mark.parametrize("case", REQUESTS, ids=_id)
events = pytest.mark.parametrize("case", EVENTS, ids=_id)


class Older(Protocol):
    """A protocol before something was added to it; its openness differs from test to test."""


class Newer(Protocol):
    """The same, afterwards."""


class NewerProxy(Proxy[Newer]):
    PROTOCOL = Newer


class NewerBlockingProxy(BlockingProxy[Newer]):
    PROTOCOL = Newer


class OlderProxy(Proxy[Older]):
    PROTOCOL = Older


class OlderBlockingProxy(BlockingProxy[Older]):
    PROTOCOL = Older


class Side:
    """What both servers and listeners write down."""

    def __init__(self) -> None:
        self.unknown: list[object] = []
        self.gone: list[IpcError] = []

    def known(self, value: int) -> Number:
        return Number(value)

    def client_gone(self, reason: IpcError) -> None:
        self.gone.append(reason)


class OlderServer(Side, Server[Older]):
    PROTOCOL = Older

    def unknown_method(self, ordinal: int, kind: Kind) -> None:
        self.unknown.append((ordinal, kind))


class NewerServer(Side, Server[Newer]):
    PROTOCOL = Newer


class OlderListener(Side):
    def unknown_event(self, ordinal: int) -> None:
        self.unknown.append(ordinal)


def _added(case: Case, monkeypatch: pytest.MonkeyPatch) -> Method[Any, Any]:
    """Answer the newer side's method, and have the tables differ by it."""
    openness, strictness, kind = case
    strict = strictness == "strict"
    sorts: dict[Kind, Method[Any, Any]] = {
        Kind.TWO_WAY: TwoWay("test/Grown.Added", Text, Number, strict=strict),
        Kind.ONE_WAY: OneWay("test/Grown.Added", Text, strict=strict),
        Kind.EVENT: Event("test/Grown.Added", Text, strict=strict),
    }
    added = sorts[kind]
    older = ProtocolTable("test/Grown", openness, (KNOWN,))
    newer = ProtocolTable("test/Grown", Openness.OPEN, (KNOWN, added))
    monkeypatch.setattr(Older, "TABLE", older, raising=False)
    monkeypatch.setattr(Newer, "TABLE", newer, raising=False)
    return added


def _serve_older(port: Port) -> tuple[Any, OlderServer, ServerBinding[Older]]:
    client, end = create_endpoints(Older)
    server = OlderServer()
    return client, server, ServerBinding(end, server, port)


def _serve_newer(port: Port) -> tuple[Any, ServerBinding[Newer]]:
    client, end = create_endpoints(Newer)
    return client, ServerBinding(end, NewerServer(), port)


def _check_server(case: Case, added: Method[Any, Any], server: OlderServer) -> None:
    """Check whom the server was told of, and why it closed."""
    if case in TOLERATED:
        assert server.unknown == [(added.ordinal, case[2])]
        assert server.gone == []
    else:
        assert server.unknown == []
        [reason] = server.gone
        assert isinstance(reason, RemoteProtocolError)
        assert f"test/Grown has no method {added.ordinal:#x}" in str(reason)


# ---- a client calls what its server does not know


@requests
@pytest.mark.anyio
async def test_a_server_that_does_not_know_a_method(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: Any = _added(case, monkeypatch)
    async with open_port() as port:
        client, server, binding = _serve_older(port)
        with binding:
            async with NewerProxy(client, port) as proxy:
                if case[2] is Kind.ONE_WAY:
                    await proxy._send(added, Text("hi"))
                else:
                    error = UnknownMethod if case in TOLERATED else PeerClosed
                    with pytest.raises(error):
                        await proxy._call(added, Text("hi"), 5)
                if case in TOLERATED:
                    assert await proxy._call(KNOWN, Number(3), 5) == Number(3)
                else:
                    with pytest.raises(PeerClosed):
                        await proxy._call(KNOWN, Number(3), 5)
                assert binding.closed is not (case in TOLERATED)
                _check_server(case, added, server)


@requests
def test_a_server_on_a_plain_thread_that_does_not_know_a_method(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: Any = _added(case, monkeypatch)
    with BlockingPort() as port:
        client, server, binding = _serve_older(port)
        with binding, NewerBlockingProxy(client, port) as proxy:
            if case[2] is Kind.ONE_WAY:
                proxy._send(added, Text("hi"))
            else:
                error = UnknownMethod if case in TOLERATED else PeerClosed
                with pytest.raises(error):
                    proxy._call(added, Text("hi"), 5)
            if case in TOLERATED:
                assert proxy._call(KNOWN, Number(3), 5) == Number(3)
            else:
                with pytest.raises(PeerClosed):
                    proxy._call(KNOWN, Number(3), 5)
            assert binding.closed is not (case in TOLERATED)
            _check_server(case, added, server)


# ---- a server sends what its client does not know


@events
@pytest.mark.anyio
async def test_a_client_that_does_not_know_an_event(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: Any = _added(case, monkeypatch)
    listener = OlderListener()
    async with open_port() as port:
        client, binding = _serve_newer(port)
        with binding:
            async with OlderProxy(client, port, listener) as proxy:
                binding.send_event(added, Text("hi"))
                if case in TOLERATED:
                    assert await proxy._call(KNOWN, Number(3), 5) == Number(3)
                else:
                    with pytest.raises(RemoteProtocolError, match="has no event"):
                        await proxy._call(KNOWN, Number(3), 5)
                assert proxy.closed is not (case in TOLERATED)
                assert listener.unknown == ([added.ordinal] if case in TOLERATED else [])


@events
def test_a_client_on_a_plain_thread_that_does_not_know_an_event(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: Any = _added(case, monkeypatch)
    listener = OlderListener()
    with BlockingPort() as port:
        client, binding = _serve_newer(port)
        with binding, OlderBlockingProxy(client, port, listener) as proxy:
            binding.send_event(added, Text("hi"))
            if case in TOLERATED:
                assert proxy._call(KNOWN, Number(3), 5) == Number(3)
            else:
                with pytest.raises(RemoteProtocolError, match="has no event"):
                    proxy._call(KNOWN, Number(3), 5)
            assert proxy.closed is not (case in TOLERATED)
            assert listener.unknown == ([added.ordinal] if case in TOLERATED else [])


# ---- what is known, in the wrong direction or with the wrong txid, is no newer contract


@pytest.mark.parametrize("openness", Openness)
def test_a_request_that_comes_as_an_event_is_no_unknown_event(
    openness: Openness, monkeypatch: pytest.MonkeyPatch
) -> None:
    _added((openness, "flexible", Kind.EVENT), monkeypatch)
    listener = OlderListener()
    backwards: Any = Event("test/Grown.Known", Number)
    with BlockingPort() as port:
        client, binding = _serve_newer(port)
        with binding, OlderBlockingProxy(client, port, listener) as proxy:
            binding.send_event(backwards, Number(3))
            with pytest.raises(RemoteProtocolError, match="has no event"):
                proxy._call(KNOWN, Number(3), 5)
    assert listener.unknown == []


def test_a_listener_that_fails_over_an_unknown_event_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    added: Any = _added((Openness.OPEN, "flexible", Kind.EVENT), monkeypatch)

    class Clumsy:
        def unknown_event(self, ordinal: int) -> None:
            raise KeyError(ordinal)

    with BlockingPort() as port:
        client, binding = _serve_newer(port)
        with binding, OlderBlockingProxy(client, port, Clumsy()) as proxy:
            binding.send_event(added, Text("hi"))
            assert proxy._call(KNOWN, Number(3), 5) == Number(3)
    assert "the listener for unknown events failed" in caplog.text
