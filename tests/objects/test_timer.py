from __future__ import annotations

import os
import time

import pytest

from ipcrt.errors import AccessDenied, BadHandle, OutOfRange, ShouldWait
from ipcrt.objects import _syscalls
from ipcrt.objects.rights import Rights
from ipcrt.objects.timer import Timer
from tests.support.waiting import wait_until

FAR_NS = 3600 * 10**9


def fired(timer: Timer) -> bool:
    return _syscalls.is_readable(timer.fileno())


@pytest.mark.parametrize("deadline_ns", [-1, 0, 1])
def test_a_deadline_that_is_past_fires_at_once(deadline_ns: int) -> None:
    with Timer.create() as timer:
        timer.set(deadline_ns)
        wait_until(lambda: fired(timer))
        assert timer.read() == 1
        with pytest.raises(ShouldWait):
            timer.read()


def test_a_timer_fires_at_its_deadline_and_not_before() -> None:
    with Timer.create() as timer:
        deadline_ns = time.monotonic_ns() + 20_000_000
        timer.set(deadline_ns)
        while not fired(timer):
            pass
        assert time.monotonic_ns() >= deadline_ns
        assert timer.read() == 1


def test_cancel_unsets_and_clears() -> None:
    with Timer.create() as timer:
        timer.cancel()
        timer.set(1)
        wait_until(lambda: fired(timer))
        timer.cancel()
        with pytest.raises(ShouldWait):
            timer.read()


def test_a_new_deadline_replaces_the_old_one_and_its_signal() -> None:
    with Timer.create() as timer:
        timer.set(1)
        wait_until(lambda: fired(timer))
        timer.set(time.monotonic_ns() + FAR_NS)
        assert not fired(timer)
        timer.set(1)
        wait_until(lambda: fired(timer))


def test_a_timer_may_block_for_others_but_not_for_us() -> None:
    with Timer.create() as timer:
        os.set_blocking(timer.fileno(), True)
        with pytest.raises(ShouldWait):
            timer.read()


def test_the_last_deadline_there_is() -> None:
    with Timer.create() as timer:
        timer.set((1 << 63) - 1)
        assert not fired(timer)
        with pytest.raises(OutOfRange):
            timer.set(1 << 63)


def test_rights_are_asked_for() -> None:
    with Timer.create() as timer, timer.duplicate(Rights.WAIT) as mute:
        for refused in (lambda: mute.set(1), mute.cancel, mute.read):
            with pytest.raises(AccessDenied):
                refused()


def test_a_closed_timer_says_so() -> None:
    timer = Timer.create()
    timer.close()
    for refused in (lambda: timer.set(1), timer.cancel, timer.read):
        with pytest.raises(BadHandle):
            refused()
