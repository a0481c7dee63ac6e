from __future__ import annotations

import os

import pytest

from ipcrt.errors import BadHandle, NotSupported
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.port.poller import OUTSIDE, Poller
from ipcrt.port.signals import GONE, IN, OUT, READ_HANGUP


def test_the_mask_is_what_is_reported() -> None:
    poller = Poller()
    near, far = Channel.create()
    with near, far:
        far.write(b"news")
        fd = near.fileno()
        for before, mask, expected in (
            (OUTSIDE, IN, [(fd, IN)]),
            (IN, OUT, [(fd, OUT)]),
            (OUT, IN | OUT, [(fd, IN | OUT)]),
            (IN | OUT, 0, []),
            (0, OUTSIDE, []),
            (OUTSIDE, IN, [(fd, IN)]),
        ):
            poller.arm(fd, before, mask)
            assert poller.poll(0) == expected
    poller.close()


def test_an_empty_mask_reports_a_hang_up_and_none_does_not() -> None:
    poller = Poller()
    near, far = Channel.create()
    with near:
        poller.arm(near.fileno(), OUTSIDE, 0)
        far.close()
        ((_, events),) = poller.poll(0)
        assert events & GONE
        assert not events & READ_HANGUP
        poller.arm(near.fileno(), 0, OUTSIDE)
        assert poller.poll(0) == []
    poller.close()


def test_leaving_never_fails() -> None:
    poller = Poller()
    with Event.create() as event:
        poller.arm(event.fileno(), IN, OUTSIDE)
        number = event.fileno()
    poller.arm(number, IN, OUTSIDE)
    poller.close()


def test_entering_twice_changes_the_mask() -> None:
    poller = Poller()
    with Event.create() as event:
        event.signal()
        poller.arm(event.fileno(), OUTSIDE, 0)
        poller.arm(event.fileno(), OUTSIDE, IN)
        assert poller.poll(0) == [(event.fileno(), IN)]
    poller.close()


def test_what_cannot_be_polled_is_told() -> None:
    poller = Poller()
    fd = os.open(__file__, os.O_RDONLY | os.O_CLOEXEC)
    with pytest.raises(NotSupported, match="no signals"):
        poller.arm(fd, OUTSIDE, IN)
    os.close(fd)
    with pytest.raises(BadHandle):
        poller.arm(fd, OUTSIDE, IN)
    poller.close()


def test_more_than_a_turns_events_are_told_in_several_turns() -> None:
    poller = Poller()
    events = [Event.create() for _ in range(200)]
    for event in events:
        event.signal()
        poller.arm(event.fileno(), OUTSIDE, IN)
    seen: set[int] = set()
    turns = 0
    while len(seen) < 200:
        seen |= {fd for fd, _ in poller.poll(0)}
        turns += 1
    assert turns > 1, "one turn must not starve the loop"
    for event in events:
        event.close()
    poller.close()
