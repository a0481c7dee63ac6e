from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ipcrt.errors import RemoteProtocolError, ShouldWait
from ipcrt.objects.fifo import Fifo
from ipcrt.port.signals import Signals, observe
from ipcrt.shm.ring_bell import check_bell, create_bell, hear_bell, ring_bell


@pytest.fixture
def bell() -> Iterator[tuple[Fifo, Fifo]]:
    made = create_bell()
    with made[0], made[1]:
        yield made


def test_what_is_rung_is_heard_once(bell: tuple[Fifo, Fifo]) -> None:
    near, far = bell
    assert ring_bell(near)
    assert observe(far) & Signals.READABLE
    assert hear_bell(far)
    assert not observe(far) & Signals.READABLE
    assert hear_bell(far)


def test_it_rings_both_ways(bell: tuple[Fifo, Fifo]) -> None:
    for near, far in (bell, bell[::-1]):
        ring_bell(near)
        assert observe(far) & Signals.READABLE


def test_a_bell_that_nobody_hears_can_be_rung_for_ever(bell: tuple[Fifo, Fifo]) -> None:
    near, far = bell
    assert all(ring_bell(near) for _ in range(1000))
    assert hear_bell(far)
    assert not observe(far) & Signals.READABLE


def test_both_are_told_that_the_other_is_gone(bell: tuple[Fifo, Fifo]) -> None:
    near, far = bell
    ring_bell(near)
    near.close()
    assert not ring_bell(far)
    assert hear_bell(far), "what was rung comes first"
    assert not hear_bell(far)


def test_another_bell_is_refused(bell: tuple[Fifo, Fifo]) -> None:
    near, far = bell
    with socket.socket(fileno=near.take()) as raw:
        raw.send(b"ding")
        with pytest.raises(RemoteProtocolError):
            hear_bell(far)


def test_who_never_stops_ringing_is_not_heard_for_ever(bell: tuple[Fifo, Fifo]) -> None:
    near, far = bell
    with socket.socket(fileno=near.take()) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        for _ in range(200):
            raw.send(b"\1", socket.MSG_DONTWAIT)
        assert hear_bell(far)
        assert observe(far) & Signals.READABLE
        far.read(136)
        with pytest.raises(ShouldWait):
            far.read()


def test_a_fifo_of_other_elements_is_no_bell(bell: tuple[Fifo, Fifo]) -> None:
    check_bell(bell[0])
    other = Fifo.create(2, 8)
    with other[0], other[1], pytest.raises(RemoteProtocolError, match="8-byte"):
        check_bell(other[0])
