from __future__ import annotations

import os

import pytest

from ipcrt.errors import AccessDenied, BadHandle
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.rights import Rights

FULL = (1 << 64) - 2


def test_an_event_is_set_and_cleared() -> None:
    with Event.create() as event:
        assert not event.is_signaled()
        event.clear()
        for _ in range(3):
            event.signal()
            assert event.is_signaled()
        event.clear()
        assert not event.is_signaled()


def test_every_duplicate_is_the_same_bit() -> None:
    with Event.create() as event, event.duplicate() as second:
        second.signal()
        assert event.is_signaled()
        event.clear()
        assert not second.is_signaled()
        assert second.koid == event.koid


def test_a_received_event_is_the_same_bit() -> None:
    near, far = Channel.create()
    with Event.create() as event, near, far:
        near.write(b"event", [event.duplicate()])
        with Event.from_handle(far.read().handles[0]) as received:
            received.signal()
        assert event.is_signaled()


@pytest.mark.parametrize("blocking", [False, True])
def test_nothing_waits_though_a_peer_filled_it_and_let_it_block(*, blocking: bool) -> None:
    with Event.create() as event:
        os.eventfd_write(event.fileno(), FULL)
        os.set_blocking(event.fileno(), blocking)
        event.signal()
        os.set_blocking(event.fileno(), blocking)
        event.clear()
        event.clear()
        assert not event.is_signaled()


def test_rights_are_asked_for() -> None:
    with Event.create() as event, event.duplicate(Rights.WAIT) as mute:
        for refused in (mute.signal, mute.clear):
            with pytest.raises(AccessDenied):
                refused()
        assert not mute.is_signaled()


def test_a_closed_event_says_so() -> None:
    event = Event.create()
    event.close()
    for refused in (event.signal, event.clear, event.is_signaled):
        with pytest.raises(BadHandle):
            refused()
