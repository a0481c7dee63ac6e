from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from ipcrt.errors import AccessDenied, BadHandle, PeerClosed
from ipcrt.objects import _scm
from ipcrt.objects.channel import Channel
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.rights import Rights
from tests.support.proc import open_fds

Pair = tuple[EventPair, EventPair]


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = EventPair.create()
    with near, far:
        yield near, far


def test_a_signal_sets_the_other_end_only(pair: Pair) -> None:
    near, far = pair
    near.signal_peer()
    assert far.is_signaled()
    assert far.is_signaled()
    assert not near.is_signaled()
    far.clear()
    far.clear()
    assert not far.is_signaled()


def test_signals_without_end_are_one_signal(pair: Pair) -> None:
    near, far = pair
    for _ in range(2000):
        near.signal_peer()
    assert far.is_signaled()
    far.clear()
    assert not far.is_signaled()


def test_the_peers_death_leaves_its_signal(pair: Pair) -> None:
    near, far = pair
    far.signal_peer()  # near will have been left with a signal unread, and far with none
    near.signal_peer()
    near.close()
    assert far.is_signaled()
    with pytest.raises(PeerClosed):
        far.signal_peer()
    far.clear()
    assert not far.is_signaled()
    far.clear()


def test_what_a_peer_sends_beside_signals_does_no_harm(pair: Pair) -> None:
    near, far = pair
    before = open_fds()
    with socket.socket(fileno=os.dup(near.fileno())) as sock:
        _scm.send(sock, bytes(60_000), [0, 0])
    assert far.is_signaled()
    far.clear()
    assert not far.is_signaled()
    assert open_fds() == before


def test_the_ends_name_each_other_after_a_journey(pair: Pair) -> None:
    near, far = pair
    koid = far.koid
    first, second = Channel.create()
    with first, second:
        first.write(b"end", [far])
        with EventPair.from_handle(second.read().handles[0]) as received:
            assert received.koid == koid == near.related_koid
            assert received.related_koid == near.koid
            assert received.rights == EventPair.DEFAULT_RIGHTS
            received.signal_peer()
    assert near.is_signaled()


def test_rights_are_asked_for(pair: Pair) -> None:
    near, _ = pair
    with near.duplicate(Rights.WAIT) as mute:
        for refused in (mute.signal_peer, mute.clear):
            with pytest.raises(AccessDenied):
                refused()


def test_a_closed_end_says_so(pair: Pair) -> None:
    near, _ = pair
    near.close()
    for refused in (near.signal_peer, near.clear, near.is_signaled):
        with pytest.raises(BadHandle):
            refused()


def test_a_port_that_holds_back_hears_of_a_clear(pair: Pair) -> None:
    near, far = pair
    heard: list[str] = []

    class Watch:
        def closing(self) -> None:
            pass

        def drained(self) -> None:
            heard.append("drained")

    far._watch = Watch()
    far._held_back = True
    near.signal_peer()
    far.clear()
    assert heard == ["drained"]
