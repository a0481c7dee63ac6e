"""A locator is restarted under its clients, as `systemctl restart` does it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket

import pytest

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.errors import PeerClosed, Unavailable
from ipcrt.locator.connect import connect_blocking
from ipcrt.locator.connector import connect_through_blocking
from ipcrt.locator.protocol import (
    LOCATOR_GET_IDENTITY,
    ConnectorBlockingProxy,
    Locator,
    LocatorBlockingProxy,
    Outgoing,
)
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.port.signals import Signals, observe
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE, HEADER
from tests.locator.echo import NAME, Echo, EchoBlockingProxy
from tests.locator.stage import IDENTITY_CALL, Stage
from tests.locator.supervisor import Supervise
from tests.support.proc import open_fds
from tests.support.waiting import wait_until


def answered(client: socket.socket) -> list[int]:
    """The txids of the replies in the next packet; none at the end."""
    packet = client.recv(1 << 17)
    found: list[int] = []
    while packet:
        txid, length, *_ = HEADER.unpack_from(packet)
        found.append(txid)
        packet = packet[HEADER.size + length :]
    return found


# ---- what is kept


def test_a_client_keeps_its_channel(stage: Stage, supervise: Supervise) -> None:
    """What it asks meanwhile is answered after."""
    supervisor = supervise()
    with stage.raw() as raw, connect_blocking(stage.path) as client:
        for _ in range(2):
            assert supervisor.stop() == 0
            raw.send(IDENTITY_CALL)
            supervisor.start()
            assert answered(raw) == [1]
            assert client.names() == []
            assert client.proxy.get_identity().identity == client.identity
    assert supervisor.log() == ""


def test_each_call_is_answered_once(stage: Stage, supervise: Supervise) -> None:
    """Some are read before the end, and some after it."""
    supervisor = supervise()
    with stage.raw() as client:
        client.send(IDENTITY_CALL)
        assert answered(client) == [1]
        for first in range(2, 1202, 100):
            packet = b"".join(
                encode(txid, LOCATOR_GET_IDENTITY.ordinal, FLEXIBLE, b"")
                for txid in range(first, first + 100)
            )
            client.send(packet)
            if first == 402:
                assert supervisor.locator is not None
                supervisor.locator.kill(signal.SIGTERM)
        assert supervisor.ended() == 0
        supervisor.start()
        told: list[int] = []
        while len(told) < 1200:
            told.extend(answered(client))
        assert told == list(range(2, 1202))


def test_a_service_stays_registered(stage: Stage, supervise: Supervise) -> None:
    supervisor = supervise()
    service = stage.service()
    with connect_blocking(stage.path) as locator:
        for _ in range(2):
            assert supervisor.stop() == 0
            with locator.open(EchoBlockingProxy) as echo:
                supervisor.start()
                assert echo.describe().pid == os.getpid()
        assert locator.names() == [NAME]
    service.kill(signal.SIGTERM)
    assert service.line() == ""  # it has registered once


def test_a_client_keeps_what_it_has_handed_over(stage: Stage, supervise: Supervise) -> None:
    """Nor is a descriptor left behind, here or in the store."""
    supervisor = supervise()
    stage.service()
    with (
        connect_blocking(stage.path) as client,
        client.another() as another,
        client.open(ConnectorBlockingProxy) as connector,
    ):
        counts: list[int] = []
        third = LocatorBlockingProxy(connect_through_blocking(connector, Locator), client.port)
        with third:
            for _ in range(2):
                assert supervisor.locator is not None
                counts.append(len(open_fds(supervisor.locator.pid)))
                supervisor.restart()
                assert supervisor.stored == []
                for each in (another, third):
                    assert each.get_identity().identity == client.identity
        fourth = LocatorBlockingProxy(connect_through_blocking(connector, Locator), client.port)
        with fourth:
            assert fourth.get_identity().identity == client.identity
    assert supervisor.log() == ""
    assert len(set(counts)) == 1


def test_trees_are_kept_also_of_those_that_have_gone(stage: Stage, supervise: Supervise) -> None:
    supervisor = supervise()

    def trees() -> dict[str, bool]:
        return {each.service: each.alive for each in reader.proxy.get_trees(0).trees}

    with (
        connect_blocking(stage.path) as reader,
        connect_blocking(stage.path) as service,
        Vmo.from_bytes(b"content") as vmo,
        contextlib.ExitStack() as served,
    ):
        vmo.seal(Seals.SHRINK | Seals.GROW)
        for name in ("test/Gone", "test/Here"):
            client, server = create_endpoints(Outgoing)
            served.enter_context(server)
            service.proxy.register([name], client)
            service.proxy.publish(name, "tree", vmo.duplicate())
            if name == "test/Gone":
                server.close()
        supervisor.restart()
        assert trees() == {"test/Gone": False, "test/Here": True}
        service.proxy.publish("test/Here", "another", vmo.duplicate())  # it is still its own
        served.close()
        wait_until(lambda: not any(trees().values()))
        supervisor.restart()
        assert trees() == {"test/Gone": False, "test/Here": False}
        assert supervisor.log() == ""
        for tree in reader.proxy.get_trees(0).trees:
            with reader.proxy.get_tree(tree.number).vmo as kept:
                assert kept.read(0, 7) == b"content"


# ---- what cannot be kept


def test_who_does_not_take_its_answers_is_closed_in_time(
    stage: Stage, supervise: Supervise
) -> None:
    supervisor = supervise()
    with stage.raw() as stuck, connect_blocking(stage.path) as locator:
        stuck.settimeout(1)
        with contextlib.suppress(TimeoutError):  # until the locator reads no more of it
            while True:
                stuck.send(IDENTITY_CALL)
        stuck.settimeout(20)
        supervisor.restart()
        assert locator.names() == []
        with contextlib.suppress(ConnectionResetError):
            while answered(stuck):
                pass


def test_what_waits_for_a_service_that_does_not_take_it_is_closed(
    stage: Stage, supervise: Supervise
) -> None:
    """Each end has reached the service, or has closed; and so has the service's own channel."""
    supervisor = supervise()
    outgoing, directory = create_endpoints(Outgoing)
    with (
        connect_blocking(stage.path) as locator,
        contextlib.ExitStack() as stack,
        socket.socket(fileno=directory.take_channel().take()) as service,
    ):
        locator.proxy.register([NAME], outgoing)
        ends: list[ClientEnd[Echo]] = []
        while not ends or not _closed(ends[-1]):  # one more than may wait is refused
            ends.append(stack.enter_context(locator.open_end(Echo, NAME)))
            locator.names()
        supervisor.restart()
        assert locator.names() == []
        arrived = 0
        while service.recvmsg(4096)[0]:
            arrived += 1
        assert 0 < arrived < len(ends) - 1
        assert [_closed(end) for end in ends] == [True] * len(ends)


def _closed(end: ClientEnd[Echo]) -> bool:
    return bool(observe(end.channel, Signals.PEER_GONE) & (Signals.PEER_GONE | Signals.READABLE))


def test_a_locator_that_is_killed_fails_calls_at_once(stage: Stage, supervise: Supervise) -> None:
    """Whether it had read them or not."""
    supervisor = supervise()
    with stage.raw() as client, connect_blocking(stage.path) as locator:
        for _ in range(200):
            client.send(IDENTITY_CALL)
        assert supervisor.stop(signal.SIGKILL) == -signal.SIGKILL
        with contextlib.suppress(ConnectionResetError):
            while answered(client):
                pass
        with pytest.raises(PeerClosed):
            locator.names()
    assert supervisor.stored == []


def test_whom_there_is_no_room_for_is_told(stage: Stage, supervise: Supervise) -> None:
    supervisor = supervise(keep=2)  # one, and the record
    with connect_blocking(stage.path) as first, connect_blocking(stage.path) as second:
        supervisor.restart()
        fates: list[str] = []
        for client in (first, second):
            try:
                client.names()
                fates.append("kept")
            except Unavailable:
                fates.append("told")
        assert sorted(fates) == ["kept", "told"]
