from __future__ import annotations

import math
import os
import random
import signal
import threading
import time
from collections.abc import Iterator

import anyio
import anyio.to_thread
import pytest

from ipcrt.errors import (
    BadHandle,
    BadState,
    Canceled,
    IpcError,
    NoResources,
    PeerClosed,
    TimedOut,
    Unavailable,
    WrongType,
)
from ipcrt.locator.handover import HandOver, _Slot
from ipcrt.objects.channel import Channel
from ipcrt.objects.kind import koid_of
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from tests.support.waiting import wait_until

CROWD = 200


class Giver(threading.Thread):
    """A thread that gives one end of a pair away, and keeps what came of it."""

    def __init__(self, hand_over: HandOver, timeout: float | None = None) -> None:
        super().__init__()
        self.near, self.far = Channel.create()
        self.error: IpcError | None = None
        self._hand_over = hand_over
        self._timeout = timeout
        self.start()

    def run(self) -> None:
        try:
            self._hand_over.add_channel(self.near, self._timeout)
        except IpcError as error:
            self.error = error

    def still_owns(self) -> bool:
        """Whether the end is open, and still the other end of its pair."""
        if self.near.closed:
            return False
        self.near.write(b"mine")
        return self.far.read().data == b"mine"

    def close(self) -> None:
        self.join()
        self.near.close()
        self.far.close()


class Place:
    """A port that is served only when the test says so, and what was taken there."""

    def __init__(self) -> None:
        self.port = BlockingPort()
        self.taken: list[Channel] = []
        self.hand_over = HandOver(self.port, self.take)
        self.refusal: IpcError | None = None
        self.mistake: Exception | None = None
        self._givers: list[Giver] = []

    def take(self, channel: Channel) -> None:
        """Take a channel over, as the loop does."""
        if self.mistake is not None:
            raise self.mistake
        if self.refusal is not None:
            raise self.refusal
        self.taken.append(Channel(channel.take(), channel.rights))

    def giver(self, timeout: float | None = None) -> Giver:
        self._givers.append(Giver(self.hand_over, timeout))
        return self._givers[-1]

    def serve(self) -> None:
        """Serve the port once: whatever is queued, or nothing."""
        self.port.dispatch(0.01)

    def serve_until_done(self) -> None:
        while any(giver.is_alive() for giver in self._givers):
            self.serve()

    def check_owners(self, raw: dict[int, IpcError | None]) -> None:
        """As `check`; also of raw descriptors, by their koids."""
        for koid, error in raw.items():
            accepted = [channel for channel in self.taken if channel.koid == koid]
            assert len(accepted) == (error is None)
        self.check()

    def check(self) -> None:
        """Every channel has exactly one owner, and every giver knows which."""
        taken = {channel.related_koid for channel in self.taken}
        assert len(taken) == len(self.taken)
        for giver in self._givers:
            accepted = giver.far.koid in taken
            assert accepted is (giver.error is None)
            assert giver.still_owns() is not accepted

    def close(self) -> None:
        self.hand_over.stop()
        for giver in self._givers:
            giver.close()
        for channel in self.taken:
            channel.close()
        self.port.close()


@pytest.fixture
def place() -> Iterator[Place]:
    opened = Place()
    yield opened
    opened.close()


def test_accepted(place: Place) -> None:
    giver = place.giver()
    while giver.is_alive():
        place.serve()
    assert giver.error is None
    (channel,) = place.taken
    giver.far.write(b"hello")
    assert channel.read().data == b"hello"
    place.check()


def test_the_giver_waits_for_the_loop(place: Place) -> None:
    giver = place.giver()
    wait_until(lambda: place.port.statistics()["queued_packets"])
    assert giver.is_alive()
    assert not giver.near.closed
    place.serve_until_done()
    place.check()


def test_timed_out(place: Place) -> None:
    giver = place.giver(timeout=0.02)
    giver.join()
    assert isinstance(giver.error, TimedOut)
    place.serve()  # the packet is still there, and must not be believed
    assert place.taken == []
    place.check()


@pytest.mark.parametrize("timeout", [math.inf, 1e300, threading.TIMEOUT_MAX * 2])
def test_a_timeout_as_long_as_one_likes(place: Place, timeout: float) -> None:
    giver = place.giver(timeout)
    wait_until(lambda: place.port.statistics()["queued_packets"] or not giver.is_alive())
    place.serve_until_done()
    assert len(place.taken) == 1
    place.check()


def test_waiting_for_other_hand_overs_counts(place: Place) -> None:
    first = place.giver()
    wait_until(lambda: place.port.statistics()["queued_packets"])
    second = place.giver(timeout=0.02)
    second.join()
    assert isinstance(second.error, TimedOut)
    assert first.is_alive()
    place.serve_until_done()
    place.check()


def test_shutting_down(place: Place) -> None:
    waiting = place.giver()
    wait_until(lambda: place.port.statistics()["queued_packets"])
    lined_up = place.giver()
    place.hand_over.stop()
    late = place.giver()
    for giver in (waiting, lined_up, late):
        giver.join()
        assert isinstance(giver.error, Unavailable)
    place.serve()
    place.port.close()
    late = place.giver()
    late.join()
    assert isinstance(late.error, Unavailable)
    place.check()


def test_the_loops_own_thread_would_wait_for_itself(place: Place) -> None:
    near, far = Channel.create()
    with near, far:
        with pytest.raises(BadState):
            place.hand_over.add_channel(near)
        assert not near.closed


def test_a_channel_that_is_closed(place: Place) -> None:
    giver = place.giver()
    wait_until(lambda: place.port.statistics()["queued_packets"])
    giver.near.close()  # as another thread may, by mistake
    while giver.is_alive():
        place.serve()
    assert isinstance(giver.error, BadHandle)
    assert place.taken == []


def test_a_crowd(place: Place) -> None:
    givers = [place.giver() for _ in range(CROWD)]
    place.serve_until_done()
    assert all(giver.error is None for giver in givers)
    assert len(place.taken) == CROWD
    place.check()


def test_shutting_down_amid_a_crowd(place: Place) -> None:
    givers = [place.giver() for _ in range(CROWD)]
    while len(place.taken) < CROWD // 2:
        place.serve()
    place.hand_over.stop()
    for giver in givers:
        giver.join()
    assert sum(giver.error is None for giver in givers) >= CROWD // 2
    assert any(isinstance(giver.error, Unavailable) for giver in givers)
    place.check()


def test_a_crowd_in_a_hurry(place: Place) -> None:
    """Time runs out while the loop takes, at every moment that it can."""
    chance = random.Random(4)
    for _ in range(10):
        givers = [place.giver(chance.uniform(0, 0.004)) for _ in range(CROWD // 10)]
        while any(giver.is_alive() for giver in givers):
            place.serve()
            time.sleep(chance.uniform(0, 0.002))
    place.check()


def test_those_that_gave_up_leave_one_packet_in_all(place: Place) -> None:
    for _ in range(20):
        place.giver(timeout=0.001).join()
    assert place.port.statistics()["queued_packets"] == 1
    place.serve()
    assert place.taken == []
    last = place.giver()
    place.serve_until_done()
    assert last.error is None
    place.check()


def test_what_came_after_one_that_gave_up_is_taken_by_the_same_packet(place: Place) -> None:
    place.giver(timeout=0.001).join()
    second = place.giver()
    wait_until(lambda: place.hand_over._current is not None)
    place.serve()
    second.join()
    assert second.error is None
    place.check()


def test_a_refusal_is_the_givers_to_hear(place: Place) -> None:
    place.refusal = NoResources("full")
    giver = place.giver()
    while giver.is_alive():
        place.serve()
    assert giver.error is place.refusal
    place.check()


def test_a_loop_that_fails_gives_the_channel_back(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.mistake = ZeroDivisionError("our own")
    giver = place.giver()
    while giver.is_alive():
        place.serve()
    assert isinstance(giver.error, Canceled)
    assert "ZeroDivisionError: our own" in caplog.text
    place.check()


def test_the_loop_leaves_what_was_withdrawn_a_moment_ago() -> None:
    near, far = Channel.create()
    taken: list[Channel] = []
    with near, far:
        slot = _Slot(near)
        slot.settled = True
        slot.settle(taken.append)
        assert taken == []
        assert slot.error is None


# ------------------------------------------------------------------------------- raw descriptors


class FdGiver(threading.Thread):
    """A thread that gives a raw descriptor away, and keeps what came of it."""

    def __init__(self, hand_over: HandOver, timeout: float | None = None) -> None:
        super().__init__()
        near, self.far = Channel.create()
        self.fd = near.take()
        self.koid = koid_of(self.fd)
        self.error: IpcError | None = None
        self._hand_over = hand_over
        self._timeout = timeout
        self.start()

    def run(self) -> None:
        try:
            self._hand_over.add_fd(self.fd, self._timeout)
        except IpcError as error:
            self.error = error
            assert koid_of(self.fd) == self.koid, "still open, and the very same"
            os.close(self.fd)


def test_a_descriptor_is_closed_when_it_is_accepted(place: Place) -> None:
    giver = FdGiver(place.hand_over)
    while giver.is_alive():
        place.serve()
    assert giver.error is None
    (channel,) = place.taken
    assert channel.koid == giver.koid
    with pytest.raises(BadHandle):
        koid_of(giver.fd)
    assert not os.get_inheritable(channel.fileno())
    giver.far.write(b"hello")
    assert channel.read().data == b"hello"
    giver.far.close()


def test_a_descriptor_that_is_not_accepted_stays(place: Place) -> None:
    giver = FdGiver(place.hand_over, 0.02)
    giver.join()
    assert isinstance(giver.error, TimedOut)
    place.serve()
    place.hand_over.stop()
    late = FdGiver(place.hand_over)
    late.join()
    assert isinstance(late.error, Unavailable)
    for each in (giver, late):
        with pytest.raises(PeerClosed):
            each.far.read()
        each.far.close()
    assert place.taken == []


def test_what_is_no_channel_is_not_even_tried(place: Place) -> None:
    errors: list[IpcError] = []

    def give(fd: int) -> None:
        try:
            place.hand_over.add_fd(fd)
        except IpcError as error:
            errors.append(error)

    with open("/dev/null", "rb") as file:
        for fd in (file.fileno(), 999_999, -1):
            thread = threading.Thread(target=give, args=[fd])
            thread.start()
            thread.join()
        assert not file.closed
        os.fstat(file.fileno())
    assert [type(error) for error in errors] == [WrongType, BadHandle, BadHandle]
    assert not place.port.statistics()["queued_packets"]


def interrupt_while_waiting(place: Place, fd: int) -> None:
    """Give `fd` away on this, the main thread; a signal comes while the loop accepts it."""
    taken, giver = place.taken, threading.get_ident()

    def take(channel: Channel) -> None:
        signal.pthread_kill(giver, signal.SIGUSR1)  # it waits, and cannot go on before this ends
        taken.append(Channel(channel.take()))

    def serve() -> None:
        with BlockingPort() as port:
            hand_over = HandOver(port, take)
            ready.append(hand_over)
            started.set()
            while not taken:
                port.dispatch(0.01)
            done.wait()
            hand_over.stop()

    ready: list[HandOver] = []
    started, done = threading.Event(), threading.Event()
    loop = threading.Thread(target=serve)
    loop.start()
    try:
        started.wait()
        ready[0].add_fd(fd)
    finally:
        done.set()
        loop.join()


class Interrupted(Exception):
    pass


def test_a_signal_never_leaves_in_doubt_whose_a_number_is(place: Place) -> None:
    def handler(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        near, far = Channel.create()
        fd = near.take()
        koid = koid_of(fd)
        with far:
            with pytest.raises(Interrupted):
                interrupt_while_waiting(place, fd)
            assert koid_of(fd) == koid, "the number is the giver's still"
            os.close(fd)
            assert place.taken[0].koid == koid
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_everything_at_once(place: Place) -> None:
    everything_at_once(place, 7)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_everything_at_once_again_and_again(place: Place, seed: int) -> None:
    everything_at_once(place, seed)


def everything_at_once(place: Place, seed: int) -> None:
    """Raw and owned descriptors, in a hurry or not, refusals, and a shutdown in the middle."""
    chance = random.Random(seed)
    givers: list[Giver] = []
    raw: list[FdGiver] = []
    for number in range(CROWD):
        timeout = chance.choice([None, None, 0.0, chance.uniform(0, 0.01)])
        if number % 2:
            givers.append(place.giver(timeout))
        else:
            raw.append(FdGiver(place.hand_over, timeout))
        place.refusal = chance.choice([None, None, NoResources("full")])
        if number % 8 == 0:
            place.port.dispatch(chance.uniform(0, 0.001))
    place.refusal = None
    for _ in range(CROWD // 4):
        place.port.dispatch(0.001)
    place.hand_over.stop()
    for each in (*givers, *raw):
        each.join()
    place.check_owners({giver.koid: giver.error for giver in raw})
    for one in raw:
        one.far.close()
    errors = [one.error for one in givers] + [one.error for one in raw]
    assert {type(None), TimedOut} <= set(map(type, errors))


@pytest.mark.anyio
async def test_an_event_loop_takes_from_threads() -> None:
    place: list[Channel] = []
    async with open_port() as port:
        near, far = Channel.create()
        hand_over = HandOver(port, lambda channel: place.append(Channel(channel.take())))
        with far:
            await anyio.to_thread.run_sync(hand_over.add_channel, near, 20.0)
            far.write(b"hello")
            with place.pop() as taken:
                assert taken.read().data == b"hello"
        hand_over.stop()
