"""Deadlines on a clock that the test turns by hand, then on every backend."""

from __future__ import annotations

import functools
import itertools
import math
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcrt.port.deadlines import Deadlines, Token
from tests.port.scene import AsyncScene, Scene, story, void


class Clock:
    """A clock that stands until it is turned; `due` is what the owner was told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.earlier: list[float] = []
        self.deadlines = Deadlines(lambda: self.now, self.earlier.append)

    def run_to(self, when: float) -> None:
        """Serve the deadlines as a port does: sleep until the next is due, and run."""
        while (due := self.deadlines.due()) is not None and due <= when:
            self.now = max(self.now, due)
            self.deadlines.run()
        self.now = when
        self.deadlines.run()


def test_a_deadline_is_told_once_and_not_early() -> None:
    clock = Clock()
    told: list[float] = []
    clock.deadlines.add(2.5, lambda: told.append(clock.now))
    clock.run_to(1002.4999)
    assert not told
    clock.run_to(1010)
    clock.run_to(1020)
    assert len(told) == 1
    assert told[0] >= 1002.5


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),  # how long after the one before it is added
            st.floats(0, 50),  # its timeout
            st.one_of(st.none(), st.floats(0, 60)),  # how long after that it is dropped
        ),
        max_size=40,
    )
)
def test_never_early_never_dropped_and_late_by_little(
    plan: list[tuple[float, float, float | None]],
) -> None:
    clock = Clock()
    told: dict[int, float] = {}
    dropped: dict[int, float] = {}
    events: list[tuple[float, int, float | None]] = []
    begin = clock.now
    for number, (pause, timeout, drop) in enumerate(plan):
        begin += pause
        events.append((begin, number, timeout))
        if drop is not None:
            events.append((begin + drop, number, None))
    tokens: dict[int, Token] = {}
    due: dict[int, tuple[float, float]] = {}

    def expire(number: int) -> None:
        assert number not in told
        told[number] = clock.now

    for when, number, wait in sorted(events, key=lambda event: (event[0], event[1])):
        clock.run_to(when)
        if wait is None:
            clock.deadlines.drop(tokens[number])
            dropped.setdefault(number, clock.now)
        else:
            due[number] = (when + wait, wait)
            tokens[number] = clock.deadlines.add(wait, functools.partial(expire, number))
    clock.run_to(clock.now + 1000)
    for number, (at, timeout) in due.items():
        if number in told:
            assert at <= told[number] <= at + timeout / 256 + 0.0021
            assert told[number] <= dropped.get(number, math.inf)
        else:
            assert number in dropped
    assert len(clock.deadlines) == 0
    assert clock.deadlines.due() is None


def test_what_is_dropped_by_another_of_the_same_moment_is_not_told() -> None:
    clock = Clock()
    told: list[str] = []

    def first() -> None:
        told.append("first")
        clock.deadlines.drop(second)

    clock.deadlines.add(1, first)
    second = clock.deadlines.add(1, lambda: told.append("second"))
    assert len(clock.deadlines) == 2
    clock.run_to(1002)
    assert told == ["first"]


def test_equal_timeouts_keep_their_order() -> None:
    clock = Clock()
    told: list[int] = []
    for number in range(1000):
        clock.deadlines.add(25, functools.partial(told.append, number))
    clock.run_to(1026)
    assert told == list(range(1000))


def test_unequal_timeouts_are_told_in_the_order_of_their_ends() -> None:
    clock = Clock()
    told: list[float] = []
    chance = random.Random(7)
    timeouts = [chance.uniform(0, 60) for _ in range(1000)]
    for timeout in timeouts:
        clock.deadlines.add(timeout, functools.partial(told.append, timeout))
    clock.run_to(1100)
    assert sorted(told) == sorted(timeouts)
    steps = [later - sooner for sooner, later in itertools.pairwise(told)]
    assert min(steps) > -60 / 256 - 0.001, "but for a slot's width"


def test_a_callback_that_raises_does_not_lose_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    told: list[int] = []

    def fail() -> None:
        raise RuntimeError("a deadline's mistake")

    clock.deadlines.add(1, fail)
    clock.deadlines.add(1, lambda: told.append(1))
    clock.deadlines.add(2, lambda: told.append(2))
    clock.run_to(1001.5)
    clock.run_to(1003)
    assert told == [1, 2]
    assert "a deadline's mistake" in caplog.text
    caplog.clear()


def test_a_callback_may_add_a_deadline() -> None:
    clock = Clock()
    told: list[float] = []

    def again() -> None:
        told.append(clock.now)
        if len(told) < 5:
            clock.deadlines.add(0, again)

    clock.deadlines.add(0, again)
    clock.now += 1
    clock.deadlines.run()
    assert len(told) == 1, "even a timeout of zero waits for the next run"
    clock.run_to(1002)
    assert len(told) == 5


@pytest.mark.parametrize("timeout", [-1, 0, math.nan])
def test_a_timeout_that_is_over_is_told_in_the_next_millisecond(timeout: float) -> None:
    clock = Clock()
    told: list[int] = []
    clock.deadlines.add(timeout, lambda: told.append(1))
    clock.run_to(1000.0011)
    assert told


def test_infinity_never_comes() -> None:
    clock = Clock()
    clock.deadlines.add(math.inf, lambda: pytest.fail("it came"))
    clock.run_to(1000 + 86400 * 365)
    assert len(clock.deadlines) == 1


def test_the_owner_is_told_when_the_earliest_moves_nearer() -> None:
    clock = Clock()
    for timeout in (10.0, 20.0, 1.0, 5.0, 0.2):
        clock.deadlines.add(timeout, lambda: None)
    assert [round(due - 1000) for due in clock.earlier] == [10, 1, 0]
    assert clock.earlier[-1] == clock.deadlines.due()


def test_memory_follows_what_is_pending() -> None:
    """A server that answers at once adds and drops; the slots must not pile up."""
    clock = Clock()
    most = 0
    for step in range(100_000):
        clock.now += 0.001
        token = clock.deadlines.add(0.05 + step % 400, lambda: None)
        clock.deadlines.drop(token)
        if step % 100 == 0:
            clock.deadlines.due()
            most = max(most, len(clock.deadlines._slots), len(clock.deadlines._heap))
    assert most <= 512 * 10, "512 slots for each power of two between 50 ms and 400 s"
    clock.run_to(clock.now + 1000)
    assert not clock.deadlines._slots
    assert not clock.deadlines._heap


def test_one_timeout_uses_few_slots() -> None:
    clock = Clock()
    for _ in range(25_000):
        clock.now += 0.001
        clock.deadlines.add(25, lambda: None)
    assert len(clock.deadlines) == 25_000
    assert len(clock.deadlines._slots) <= 513


def test_clear_forgets_all() -> None:
    clock = Clock()
    clock.deadlines.add(1, lambda: pytest.fail("it came"))
    clock.deadlines.clear()
    assert len(clock.deadlines) == 0
    clock.run_to(2000)


# ------------------------------------------------------------------------------ on every backend


@story
async def test_many_deadlines_of_a_port_are_told_and_not_early(scene: Scene) -> None:
    told: list[float] = []
    early: list[float] = []
    clock = scene.port.clock
    waiter = scene.port.create_waiter()

    def expect(timeout: float) -> None:
        due = clock() + timeout

        def expire() -> None:
            told.append(due)
            if clock() < due:
                early.append(due)
            if len(told) == 200:
                waiter.set_result(None)

        scene.port.deadlines.add(timeout, expire)

    for number in range(100):
        expect(0.03 - number / 10_000)
        expect(0.01)
    await scene.result(waiter)
    assert not early


@story
async def test_a_deadline_counts_from_now_not_from_when_the_turn_began(
    loop_scene: AsyncScene,
) -> None:
    """The clock of uvloop stands still while a callback runs."""
    await loop_scene.port.checkpoint()
    begin = time.monotonic()
    while time.monotonic() - begin < 0.05:
        pass
    begin = time.monotonic()
    await loop_scene.port.sleep(0.03)
    assert time.monotonic() - begin >= 0.03


@story
async def test_a_nearer_deadline_wakes_a_sleeping_port(scene: Scene) -> None:
    waiter = scene.port.create_waiter()
    far = scene.port.deadlines.add(3600, lambda: pytest.fail("too late"))
    scene.port.deadlines.add(
        0.01, lambda: void(scene.port.deadlines.add(0.01, lambda: waiter.set_result(None)))
    )
    await scene.result(waiter)
    scene.port.deadlines.drop(far)
