"""What ends a wait that needs no port; the waits themselves are in test_waiting."""

from __future__ import annotations

from ipcrt.objects.event import Event
from ipcrt.port.interrupter import Interrupter
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from tests.support.proc import open_fds


def test_it_owns_a_descriptor_once_something_has_waited() -> None:
    before = open_fds()
    interrupter = Interrupter()
    assert not interrupter.interrupt()
    assert open_fds() == before
    with Event.create() as event:
        event.signal()
        wait_one(event, Signals.SIGNALED, 20, interrupter)
    assert len(open_fds()) == len(before) + 1
    assert not interrupter.interrupt()
    interrupter.close()
    interrupter.close()
    assert open_fds() == before


def test_an_interrupt_is_not_kept_for_a_later_wait() -> None:
    with Interrupter() as interrupter, Event.create() as event:
        interrupter.fileno()
        interrupter.waits.going["wait"] = None
        assert interrupter.interrupt()
        assert not interrupter.waits.going
        event.signal()
        assert wait_one(event, Signals.SIGNALED, 20, interrupter) == Signals.SIGNALED
        interrupter.hush()
