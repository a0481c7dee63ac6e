"""What only plain threads can get wrong."""

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
from ipcrt.port.blocking import BlockingPort, BlockingWaiter, wait_many, wait_one
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals

KEY = 7


def test_a_plain_thread_cannot_await() -> None:
    waiter = BlockingWaiter[None]()

    async def use() -> None:
        await waiter

    coroutine = use()
    with pytest.raises(BadState, match="run_until"):
        coroutine.send(None)


def test_receivers_and_deadlines_are_served_while_the_port_waits() -> None:
    got: list[str] = []
    with BlockingPort() as port, Event.create() as event:
        key = port.new_key()
        port.bind(key, lambda _: got.append("receiver"))
        port.wait_async(event, key, Signals.SIGNALED)
        port.deadlines.add(0.001, event.signal)
        port.deadlines.add(0.005, lambda: port.queue(Packet(KEY)))
        assert port.wait(20).key == KEY
        assert got == ["receiver"]
        port.unbind(key)


def test_deadlines_are_served_though_events_never_cease() -> None:
    told: list[int] = []
    with BlockingPort() as port, Event.create() as event:
        event.signal()
        port.add_reader(event, lambda: None)
        port.deadlines.add(0.01, lambda: told.append(1))
        with pytest.raises(TimedOut):
            port.wait(0.05)
        assert told
        port.remove_reader(event)


def test_run_until_gives_a_waiter_up_when_it_raises() -> None:
    with BlockingPort() as port:
        waiter = port.create_waiter()
        with pytest.raises(TimedOut):
            port.run_until(waiter, 0)
        assert waiter.done()


def test_a_receiver_that_closes_the_port_ends_the_wait() -> None:
    with BlockingPort() as port:
        port.bind(KEY, lambda _: port.close())
        port.queue(Packet(KEY))
        with pytest.raises(Canceled):
            port.wait(20)
        with pytest.raises(BadState):
            port.run_until(port.create_waiter())


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
def test_a_signal_interrupts_a_wait_and_the_port_goes_on() -> None:
    with BlockingPort() as port:
        with pytest.raises(Interrupted):
            port.wait()
        port.queue(Packet(KEY))
        assert port.wait(20).key == KEY


@pytest.mark.usefixtures("interrupt")
def test_a_signal_interrupts_wait_one() -> None:
    with Event.create() as event, pytest.raises(Interrupted):
        wait_one(event, Signals.SIGNALED)


def test_an_interruption_in_a_receiver_loses_no_packets() -> None:
    def stop(packet: Packet) -> None:
        raise Interrupted

    with BlockingPort() as port:
        port.bind(KEY, stop)
        for key in (KEY, KEY + 1, KEY + 2):
            port.queue(Packet(key))
        with pytest.raises(Interrupted):
            port.dispatch()
        assert [port.wait(20).key for _ in range(2)] == [KEY + 1, KEY + 2]


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
