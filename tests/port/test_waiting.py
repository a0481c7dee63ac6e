"""Waiting for handles without a port."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator
from types import FrameType

import pytest

from ipcrt.errors import AccessDenied, BadHandle, BadState, Canceled, InvalidArgs, TimedOut
from ipcrt.objects.event import Event
from ipcrt.objects.rights import Rights
from ipcrt.objects.socket import Socket
from ipcrt.port.interrupter import Interrupter
from ipcrt.port.interrupts import Scope
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_many, wait_one
from tests.port.scene import AsyncScene, story
from tests.support.moments import raise_at_each_moment
from tests.support.waiting import wait_until


class Interrupted(BaseException):
    pass


@pytest.fixture
def interrupt() -> Generator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, old)


@pytest.mark.usefixtures("interrupt")
def test_a_signal_interrupts_wait_one() -> None:
    with Event.create() as event, pytest.raises(Interrupted):
        wait_one(event, Signals.SIGNALED)


def test_wait_many_refuses_what_cannot_be_waited_for() -> None:
    with pytest.raises(InvalidArgs):
        wait_many([])
    closed = Event.create()
    closed.close()
    with pytest.raises(BadHandle):
        wait_one(closed, Signals.SIGNALED)
    with Event.create().replace(Rights.SIGNAL) as event, pytest.raises(AccessDenied):
        wait_one(event, Signals.SIGNALED)


@pytest.mark.parametrize("timeout", [None, 1e8, float("inf")])
def test_wait_one_waits_for_a_very_long_time(timeout: float | None) -> None:
    with Event.create() as event:
        thread = threading.Timer(0.02, event.signal)
        thread.start()
        assert wait_one(event, Signals.SIGNALED, timeout) == Signals.SIGNALED
        thread.join()


def test_wait_one_does_not_spin_on_news_that_serve_nobody() -> None:
    """A half-close, while the full one is waited for, keeps poll(2) from sleeping."""
    near, far = Socket.create()
    with near, far:
        far.shutdown_write()
        begin = time.thread_time()
        with pytest.raises(TimedOut):
            wait_one(near, Signals.PEER_CLOSED, 0.2)
        assert time.thread_time() - begin < 0.1


@pytest.mark.parametrize("timeout", [None, 20.0])
def test_another_thread_interrupts_wait_one(timeout: float | None) -> None:
    with Event.create() as event, Interrupter() as interrupter:
        thread = threading.Thread(target=wait_until, args=(interrupter.interrupt,))
        thread.start()
        with pytest.raises(Canceled, match="interrupted by another thread"):
            wait_one(event, Signals.SIGNALED, timeout, interrupter)
        thread.join()
        with pytest.raises(TimedOut):
            wait_one(event, Signals.SIGNALED, 0.001, interrupter)
        event.signal()
        assert wait_one(event, Signals.SIGNALED, 20, interrupter) == Signals.SIGNALED


def test_a_signal_leaves_no_wait_whenever_it_comes() -> None:
    with Event.create() as event, Interrupter() as interrupter:
        event.signal()
        interrupter.fileno()  # it is made once, in a moment of its own
        moments = 0
        for moments in raise_at_each_moment(  # noqa: B007
            lambda: wait_one(event, Signals.SIGNALED, 20, interrupter)
        ):
            assert not interrupter.waits.going
        assert moments > 10
        assert not interrupter.interrupt()


def test_a_scope_ends_what_waits_in_it_and_what_would() -> None:
    scope = Scope()
    outcomes: list[str] = []

    def work(event: Event) -> None:
        for _ in range(2):
            with pytest.raises(Canceled):
                wait_one(event, Signals.SIGNALED)
            outcomes.append("canceled")

    with Event.create() as event:
        thread = threading.Timer(0.02, scope.cancel)
        thread.start()
        scope.run(work, event)
        thread.join()
    assert outcomes == ["canceled"] * 2


@story
async def test_nothing_waits_where_a_loop_runs(loop_scene: AsyncScene) -> None:
    with Event.create() as event:
        with pytest.raises(BadState, match="call_blocking"):
            wait_one(event, Signals.SIGNALED, 0.1)
        with pytest.raises(BadState, match="event loop"):
            wait_many([(event, Signals.SIGNALED)])
        with pytest.raises(TimedOut):
            wait_one(event, Signals.SIGNALED, 0)
        event.signal()
        assert wait_one(event, Signals.SIGNALED, 0) == Signals.SIGNALED
