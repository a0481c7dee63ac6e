"""What only plain threads can get wrong."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Generator, Sequence
from types import FrameType

import pytest

from ipcrt.errors import BadState, Canceled, TimedOut
from ipcrt.objects.channel import PATIENCE_S, Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.blocking_waiter import BlockingWaiter
from ipcrt.port.interrupts import Scope
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals
from tests.port.scene import AsyncScene, story
from tests.support.waiting import apart, wait_until

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


def test_a_reader_that_can_wait_need_not_nap(direct: Scene) -> None:
    """As where a server with one client listens for others."""
    port, reader, far = direct
    told: list[int] = []
    with Event.create() as event:

        def tell() -> None:
            event.clear()
            told.append(1)

        port.add_reader(event, tell)
        port.let_wait(event)
        look_no_more(port)
        far.write(b"news")
        port.dispatch(-1)
        assert (reader.got, reader.naps) == ([b"news"], 1)
        event.signal()
        port._looked = time.monotonic()
        reader.told = lambda _: far.write(b"more")
        far.write(b"first")
        while not told:
            port.dispatch(-1)
        port.wait_async(event, KEY, Signals.SIGNALED)
        look_no_more(port)
        naps = reader.naps
        port.dispatch(-1)  # what is waited for in another way, too, cannot wait
        assert reader.naps == naps


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


# ---------------------------------------------------------------------------------- interrupted


def interrupt_soon(port: BlockingPort) -> threading.Thread:
    """Interrupt the port as soon as it waits."""
    thread = threading.Thread(target=wait_until, args=(port.interrupt,))
    thread.start()
    return thread


@pytest.mark.parametrize("busy_poll_us", [0, 1_000_000])
@pytest.mark.parametrize("timeout", [None, 20.0])
def test_another_thread_interrupts_a_wait(busy_poll_us: int, timeout: float | None) -> None:
    with BlockingPort(busy_poll_us) as port:
        for _ in range(3):
            thread = interrupt_soon(port)
            with pytest.raises(Canceled, match="interrupted by another thread"):
                port.wait(timeout)
            thread.join()
            waiter = port.create_waiter()
            thread = interrupt_soon(port)
            with pytest.raises(Canceled, match="interrupted"):
                port.run_until(waiter, timeout)
            thread.join()
            assert waiter.done()
        assert not port.interrupt()
        port.queue(Packet(KEY))
        assert port.wait(20).key == KEY


@pytest.mark.parametrize("busy_poll_us", [0, 1_000_000])
def test_another_thread_interrupts_a_nap_and_a_spin(busy_poll_us: int) -> None:
    near, far = Channel.create()
    with BlockingPort(busy_poll_us) as port, near, far:
        reader = Direct(near, port)
        for number in range(1, 4):
            thread = interrupt_soon(port)
            begun = time.monotonic()
            with pytest.raises(Canceled, match="interrupted"):
                port.wait()
            thread.join()
            assert time.monotonic() - begun < 0.9, "a spin of a second is not waited for"
            far.write(b"news")
            port.run_until(_read(reader, number), 20, reader)
        assert reader.got == [b"news"] * 3
        assert not port._waits.going


def _read(reader: Direct, number: int) -> BlockingWaiter[None]:
    waiter: BlockingWaiter[None] = BlockingWaiter()

    def told(_: None) -> None:
        if len(reader.got) >= number:
            waiter.set_result(None)

    reader.told = told
    return waiter


def test_a_wait_that_has_ended_is_not_interrupted(direct: Scene) -> None:
    port, _, _ = direct
    assert not port.interrupt()
    with pytest.raises(TimedOut):
        port.wait(0.001)
    assert not port.interrupt()
    port.close()
    assert not port.interrupt()


def test_the_innermost_wait_is_interrupted() -> None:
    outcomes: list[str] = []

    def wait_inside(packet: Packet) -> None:
        thread = threading.Thread(
            target=wait_until, args=(lambda: len(port._waits.going) == 2 and port.interrupt(),)
        )
        thread.start()
        try:
            port.wait()
        except Canceled:
            outcomes.append("inner")
        thread.join()
        port.queue(Packet(KEY + 1))

    with BlockingPort() as port:
        port.bind(KEY, wait_inside)
        port.queue(Packet(KEY))
        assert port.wait(20).key == KEY + 1
    assert outcomes == ["inner"]


def test_a_signals_handler_may_interrupt(direct: Scene) -> None:
    """It runs inside the very wait that it ends, and does not raise."""
    port, _, _ = direct
    told: list[bool] = []

    def interrupt_here(number: int, frame: FrameType | None) -> None:
        told.append(port.interrupt())

    old = signal.signal(signal.SIGALRM, interrupt_here)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(Canceled):
            port.wait(20)
    finally:
        signal.signal(signal.SIGALRM, old)
    assert told == [True]


@story
async def test_nothing_waits_where_a_loop_runs(loop_scene: AsyncScene) -> None:
    with BlockingPort() as port:
        for wait in (
            port.wait,
            lambda: port.run_until(port.create_waiter(), 1),
            lambda: port.dispatch(-1),
            lambda: port.dispatch(0.1),
        ):
            with pytest.raises(BadState, match="call_blocking"):
                wait()
        with pytest.raises(TimedOut):
            port.wait(0)
        port.dispatch()


# ---------------------------------------------------------------------------------- other threads


def test_a_port_that_was_let_go_is_the_next_threads() -> None:
    with BlockingPort() as port:
        port.let_go()
        apart(take_up_and_let_go, port)
        port.check()
        with pytest.raises(BadState, match="own thread"):
            apart(port.check)


def take_up_and_let_go(port: BlockingPort) -> None:
    with pytest.raises(TimedOut):
        port.wait(0)
    port.let_go()


def test_a_port_that_waits_is_not_let_go() -> None:
    refusals: list[BadState] = []

    def let_go(packet: Packet) -> None:
        with pytest.raises(BadState, match="waits") as refusal:
            port.let_go()
        refusals.append(refusal.value)
        port.queue(Packet(KEY + 1))

    with BlockingPort() as port:
        port.bind(KEY, let_go)
        port.queue(Packet(KEY))
        port.wait(20)
    assert refusals


def test_a_port_taken_up_in_a_scope_is_let_go_with_it() -> None:
    with BlockingPort() as port:
        port.let_go()
        for _ in range(3):
            apart(Scope().run, port.check)
        port.check()
        with pytest.raises(BadState, match="own thread"):
            apart(Scope().run, port.check)
