"""What only plain threads can get wrong."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Generator, Sequence
from types import FrameType

import pytest

from ipcrt.errors import AccessDenied, BadHandle, BadState, Canceled, InvalidArgs, TimedOut
from ipcrt.objects.channel import PATIENCE_S, Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
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


class Direct:
    """A direct reader that sleeps in its channel's receive; what it reads is in `got`."""

    def __init__(self, channel: Channel, port: BlockingPort) -> None:
        self.received = 0
        self.got: list[bytes] = []
        self.naps = 0
        self.told: Callable[[None], object] = lambda _: None
        self.channel = channel
        self._read = channel.receiver(port.receive_buffer, 1000)
        self._sleep = channel.receiver(port.receive_buffer, 1000, patient=True)
        channel.be_patient()
        port.add_reader(channel, self.read, direct=self)

    def read(self) -> bool:
        return self._take(self._read())

    def nap(self) -> bool:
        self.naps += 1
        return self._take(self._sleep())

    def spin(self, until: float) -> bool:
        packet = self._read()
        while packet is None and time.monotonic() < until:
            packet = self._read()
        return self._take(packet)

    def _take(self, packet: tuple[bytes, Sequence[Handle]] | None) -> bool:
        if packet is not None:
            self.got.append(packet[0])
            self.told(None)
        return packet is not None


@pytest.fixture
def direct() -> Generator[tuple[BlockingPort, Direct, Channel]]:
    near, far = Channel.create()
    with BlockingPort() as port, near, far:
        yield port, Direct(near, port), far


Scene = tuple[BlockingPort, Direct, Channel]


@pytest.mark.parametrize("timeout", [-1, 20])
def test_the_only_reader_sleeps_by_itself(direct: Scene, timeout: float) -> None:
    port, reader, far = direct
    timer = threading.Timer(0.002, far.write, (b"news",))
    timer.start()
    port.dispatch(timeout)
    assert (reader.got, reader.naps) == ([b"news"], 1)
    timer.join()


def test_who_sleeps_for_long_sleeps_in_the_poller(direct: Scene) -> None:
    port, reader, far = direct
    timer = threading.Timer(0.1, far.write, (b"news",))
    timer.start()
    port.dispatch(-1)
    assert (reader.got, reader.naps) == ([b"news"], 1)
    timer.join()


def test_a_nap_shortens_the_sleep_that_follows(direct: Scene) -> None:
    port, reader, _ = direct
    begun = time.monotonic()
    port.dispatch(0.1)
    assert time.monotonic() - begun >= 0.1 - 2 * PATIENCE_S
    assert (reader.got, reader.naps) == ([], 1)


def test_nobody_naps_while_something_else_may_happen(direct: Scene) -> None:
    port, reader, far = direct
    with Event.create() as event:
        port.wait_async(event, KEY, Signals.SIGNALED)
        timer = threading.Timer(0.002, event.signal)
        timer.start()
        assert port.wait(20).key == KEY
        timer.join()
    port.wait_async(far, KEY, Signals.WRITABLE)
    assert port.wait(20).key == KEY
    port.deadlines.add(PATIENCE_S, lambda: port.queue(Packet(KEY)))
    assert port.wait(20).key == KEY
    with pytest.raises(TimedOut):
        port.wait(PATIENCE_S)
    assert reader.naps == 0


def test_what_is_queued_is_told_though_messages_never_cease(direct: Scene) -> None:
    port, reader, far = direct
    for _ in range(100):
        far.write(b"news")
    port.queue(Packet(KEY))
    assert port.wait(20).key == KEY
    assert len(reader.got) <= 1


def test_what_another_thread_queues_is_told_though_the_port_naps(direct: Scene) -> None:
    port, _, _ = direct
    timer = threading.Timer(0.002, port.queue, (Packet(KEY),))
    timer.start()
    assert port.wait(20).key == KEY
    timer.join()


def test_a_deadline_that_comes_nearer_is_kept_though_messages_never_cease(direct: Scene) -> None:
    port, reader, far = direct
    port.deadlines.add(3600, lambda: None)
    stop: BlockingWaiter[None] = BlockingWaiter()

    def stop_now() -> None:
        stop.set_result(None)

    def go_on() -> bool:
        if not reader.received:
            port.deadlines.add(0.03, stop_now)
        reader.received += 1
        far.write(b"more")
        return True

    reader.nap = lambda: reader.read() and go_on()  # type: ignore[method-assign]
    far.write(b"first")
    port.run_until(stop, 20)


@pytest.fixture
def beside(direct: Scene) -> Generator[tuple[Direct, Channel]]:
    """A second reader on the same port, and its far end."""
    port, _, _ = direct
    near, far = Channel.create()
    with near, far:
        yield Direct(near, port), far


Beside = tuple[Direct, Channel]


def look_no_more(port: BlockingPort) -> None:
    """As if it had looked at all that is watched just now, however slow this machine is."""
    port._looked = math.inf


def wait_for(port: BlockingPort, reader: Direct, far: Channel) -> None:
    """Wait for a message that is there already."""
    waiter: BlockingWaiter[None] = BlockingWaiter()
    reader.told = waiter.set_result
    far.write(b"news")
    port.run_until(waiter, 20, reader)


def test_who_awaits_a_reply_naps_for_it_where_all_others_can_wait(
    direct: Scene, beside: Beside
) -> None:
    port, reader, far = direct
    other, there = beside
    port.let_wait(reader.channel)
    port.let_wait(other.channel)
    look_no_more(port)
    wait_for(port, reader, far)
    assert (reader.naps, other.naps) == (1, 0)
    wait_for(port, other, there)
    assert (reader.naps, other.naps) == (1, 1)
    far.write(b"more")
    port.dispatch(-1)  # whatever comes
    assert (reader.naps, other.naps) == (1, 1)
    assert reader.got == [b"news", b"more"]


def test_the_only_reader_that_cannot_wait_sleeps_by_itself(direct: Scene, beside: Beside) -> None:
    port, reader, far = direct
    other, there = beside
    port.let_wait(other.channel)
    look_no_more(port)
    wait_for(port, reader, far)
    far.write(b"more")
    port.dispatch(-1)
    assert (reader.naps, other.naps) == (2, 0)
    wait_for(port, other, there)  # nobody naps for another's message
    assert (reader.naps, other.naps) == (2, 0)


def test_nobody_naps_where_two_readers_cannot_wait(direct: Scene, beside: Beside) -> None:
    port, reader, far = direct
    look_no_more(port)
    wait_for(port, reader, far)
    assert (reader.naps, beside[0].naps) == (0, 0)


def test_who_can_wait_is_told_though_the_awaited_messages_never_cease(
    direct: Scene, beside: Beside
) -> None:
    port, reader, far = direct
    other, there = beside
    port.let_wait(reader.channel)
    port.let_wait(other.channel)
    reader.told = lambda _: far.write(b"more")
    far.write(b"first")
    stop: BlockingWaiter[None] = BlockingWaiter()
    other.told = stop.set_result
    there.write(b"at last")
    port._looked = time.monotonic()
    port.run_until(stop, 20, reader)
    assert other.got == [b"at last"]


@pytest.mark.usefixtures("interrupt")
def test_a_signal_interrupts_a_nap_and_the_port_goes_on(direct: Scene) -> None:
    port, reader, far = direct
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_S / 4)
    with pytest.raises(Interrupted):
        port.wait()
    assert reader.naps == 1
    far.write(b"news")
    port.dispatch(-1)
    assert reader.got == [b"news"]


def test_an_idle_port_uses_no_time(direct: Scene) -> None:
    port, _, _ = direct
    begun = time.thread_time()
    with pytest.raises(TimedOut):
        port.wait(0.5)
    assert time.thread_time() - begun < 0.05
