"""A blocking call from its request to its result, whatever interrupts it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator

import pytest

from ipcrt._speedups.chosen import ACTIVE
from ipcrt.bindings.ends import create_endpoints
from ipcrt.errors import BadState, Canceled, LocalProtocolError, PeerClosed, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.interrupts import Scope
from tests.bindings.calc import ADD, Calc, CalcBlockingProxy
from tests.bindings.hand import raw, received
from tests.support.moments import raise_at_each_moment
from tests.support.waiting import wait_until

THREE = b"\x91\x03"


class Scene:
    """A proxy, and the other end of its channel."""

    def __init__(self, proxy: CalcBlockingProxy, port: BlockingPort, peer: Channel) -> None:
        self.proxy = proxy
        self.port = port
        self.peer = peer

    def answer(self, *txids: int) -> None:
        """Have these replies come."""
        for txid in txids:
            self.peer.write(raw(txid, ADD, THREE))

    def counts(self) -> list[int]:
        counts = self.proxy.statistics() | self.port.statistics()
        return [counts[each] for each in ("calls", "calls_given_up", "deadlines")]


@pytest.fixture(params=[0, 1_000], ids=["naps", "spins"])
def scene(request: pytest.FixtureRequest) -> Generator[Scene]:
    client, server = create_endpoints(Calc)
    with (
        server.take_channel() as peer,
        BlockingPort(request.param) as port,
        CalcBlockingProxy(client, port) as proxy,
    ):
        yield Scene(proxy, port, peer)


def test_a_call_answers_what_came(scene: Scene) -> None:
    scene.answer(1, 2)
    assert [scene.proxy.add(1, 2), scene.proxy.add(2, 1, timeout=None)] == [3, 3]
    assert [body for *_, body in received(scene.peer)] == [b"\x92\x01\x02", b"\x92\x02\x01"]
    assert scene.counts() == [0, 0, 0]


def test_a_call_whose_deadline_passes_is_given_up(scene: Scene) -> None:
    with pytest.raises(TimedOut):
        scene.proxy.add(1, 2, timeout=0.001)
    assert scene.counts() == [0, 1, 0]
    scene.answer(1, 2)  # the first is late
    assert scene.proxy.add(1, 2) == 3
    assert scene.counts() == [0, 0, 0]


def test_a_request_that_is_none_is_not_sent(scene: Scene) -> None:
    with pytest.raises(LocalProtocolError):
        scene.proxy.add("one", 2)  # type: ignore[arg-type]
    assert not received(scene.peer)
    assert scene.counts() == [0, 0, 0]


def test_a_peer_that_goes_ends_the_call(scene: Scene) -> None:
    threading.Timer(0.002, scene.peer.close).start()
    with pytest.raises(PeerClosed):
        scene.proxy.add(1, 2)
    wait_until(lambda: threading.active_count() == 1)


def test_a_port_that_is_closed_meanwhile_ends_the_call(scene: Scene) -> None:
    scene.port.deadlines.add(0.001, scene.port.close)
    with pytest.raises(Canceled):
        scene.proxy.add(1, 2, timeout=None)
    with pytest.raises(BadState, match="closed"):
        scene.proxy.add(1, 2)


def test_another_thread_interrupts_it_and_may_not_call(scene: Scene) -> None:
    refusals: list[Exception] = []

    def interrupt() -> None:
        wait_until(scene.proxy.interrupt)
        try:
            scene.proxy.add(1, 2)
        except BadState as error:
            refusals.append(error)

    for txid in (1, 3, 5):
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(Canceled, match="interrupted"):
            scene.proxy.add(1, 2)
        thread.join()
        assert scene.counts() == [0, 1, 0]
        scene.answer(txid, txid + 1)
        assert scene.proxy.add(1, 2) == 3
    assert len(refusals) == 3
    assert not scene.proxy.interrupt()


def test_a_scope_ends_the_calls_in_it(scene: Scene) -> None:
    scope = Scope()
    timer = threading.Timer(0.002, scope.cancel)
    timer.start()
    with pytest.raises(Canceled):
        scope.run(scene.proxy.add, 1, 2)
    timer.join()
    scene.answer(1, 2)
    assert scene.proxy.add(1, 2) == 3


def test_a_signal_leaves_no_wait_and_no_call_whenever_it_comes(scene: Scene) -> None:
    peer = socket.socket(fileno=scene.peer.take())

    def serve() -> None:
        with peer:
            while request := peer.recv(64):
                peer.send(raw(int.from_bytes(request[:4], "little"), ADD, THREE))

    thread = threading.Thread(target=serve)
    thread.start()
    moments = 0
    for moments in raise_at_each_moment(lambda: scene.proxy.add(1, 2)):  # noqa: B007
        assert not scene.port._waits.going
        assert scene.proxy.add(1, 2) == 3
    assert moments
    if ACTIVE:  # without the extension a reply may get lost, but never a descriptor
        assert scene.counts() == [0, 0, 0]
    scene.proxy.close()
    thread.join()
