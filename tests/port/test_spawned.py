"""Spawned: one end, told to whoever asks; what executors make of it is in test_executor."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Generator

import pytest

from ipcrt.errors import BadState, Canceled, TimedOut
from ipcrt.port.interrupts import Scope
from ipcrt.port.spawned import Spawned
from tests.port.scene import A_MOMENT, HANG, AsyncScene, story


def make(aborts: list[str] | None = None) -> Spawned[int]:
    told = [] if aborts is None else aborts
    return Spawned("work", None, lambda: told.append("abort"))


def test_it_ends_once() -> None:
    spawned = make()
    ends: list[bool] = []
    spawned.when_done(lambda: ends.append(spawned.done()))
    spawned.succeed(1)
    spawned.fail(ValueError("too late"))
    spawned.succeed(2)
    assert spawned.result() == 1
    assert ends == [True]


def test_abort_is_asked_for_once_and_never_afterwards() -> None:
    aborts: list[str] = []
    spawned = make(aborts)
    spawned.abort()
    spawned.abort()
    assert aborts == ["abort"]
    spawned.fail(Canceled("aborted"))
    over = make(aborts)
    over.succeed(1)
    over.abort()
    assert aborts == ["abort"]


def test_a_result_is_waited_for_so_long_and_on_no_thread_of_its_own() -> None:
    spawned = make()
    with pytest.raises(TimedOut, match="has not ended"):
        spawned.result(0.001)
    spawned.runs_here()
    with pytest.raises(BadState, match="runs on this thread"):
        spawned.result()
    timer = threading.Timer(0.01, spawned.succeed, args=(3,))
    seen: list[int] = []
    waiting = threading.Thread(target=lambda: seen.append(spawned.result(HANG)))
    waiting.start()
    timer.start()
    for thread in (waiting, timer):
        thread.join(HANG)
    assert seen == [3]
    assert spawned.result() == 3  # what has ended may be asked anywhere


class Interrupted(BaseException):
    """What a signal's handler raises."""


@pytest.fixture
def signal_after() -> Generator[Callable[[float], threading.Timer]]:
    """Sends this thread a signal whose handler raises, so many seconds later."""
    main = threading.get_ident()

    def handler(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, handler)
    yield lambda seconds: threading.Timer(seconds, signal.pthread_kill, (main, signal.SIGUSR1))
    signal.signal(signal.SIGUSR1, before)


def test_a_signals_handler_ends_the_blocking_and_not_the_work(
    signal_after: Callable[[float], threading.Timer],
) -> None:
    spawned = make()
    for _ in range(3):
        timer = signal_after(A_MOMENT)
        timer.start()
        with pytest.raises(Interrupted):
            spawned.result()
        timer.join()
    spawned.succeed(1)
    assert spawned.result() == 1


def test_a_handler_may_raise_at_any_moment(
    signal_after: Callable[[float], threading.Timer],
) -> None:
    """No descriptor is lost, as the leak check sees, and no wait is left to be interrupted."""
    spawned = make()
    for number in range(300):
        timer = signal_after(0.0005 + number * 0.000002)
        try:
            timer.start()
            spawned.result()
        except Interrupted:
            timer.join()
    assert not spawned.interrupt()
    spawned.succeed(1)
    assert spawned.result() == 1


def test_another_thread_ends_the_blocking_and_not_the_work() -> None:
    spawned = make()
    assert not spawned.interrupt()

    def interrupt() -> None:
        while not spawned.interrupt():
            time.sleep(0.001)

    for _ in range(3):
        other = threading.Thread(target=interrupt)
        other.start()
        with pytest.raises(Canceled, match="interrupted"):
            spawned.result()
        other.join()
        assert not spawned.interrupt()
    spawned.succeed(1)
    assert spawned.result() == 1
    assert not spawned.interrupt()


def test_what_is_cancelled_as_a_whole_blocks_for_nothing() -> None:
    spawned = make()
    scope = Scope()
    threading.Timer(A_MOMENT, scope.cancel).start()
    with pytest.raises(Canceled):
        scope.run(spawned.result)


def test_one_that_ends_while_it_is_being_blocked_for_is_not_missed() -> None:
    for _ in range(200):
        spawned = make()
        ending = threading.Thread(target=spawned.succeed, args=(1,))
        ending.start()
        assert spawned.result(HANG) == 1
        ending.join()


@pytest.mark.anyio
async def test_a_loop_is_not_blocked() -> None:
    with pytest.raises(BadState, match="event loop"):
        make().result()


@story
async def test_whoever_stops_waiting_leaves_nothing(loop_scene: AsyncScene) -> None:
    spawned = make()
    waits = [loop_scene.start(spawned.wait(loop_scene.port)) for _ in range(3)]
    await loop_scene.port.sleep(0.001)
    await waits[0].cancel()
    assert loop_scene.left_behind()["receivers"] == 2
    threading.Thread(target=lambda: spawned.succeed(7)).start()
    assert [await one.join() for one in waits[1:]] == [7, 7]


@story
async def test_stopping_as_it_ends_leaves_no_packet(loop_scene: AsyncScene) -> None:
    """The packet is under way already, and must find a receiver."""
    spawned = make()
    waiting = loop_scene.start(spawned.wait(loop_scene.port))
    await loop_scene.port.sleep(0.001)
    spawned.succeed(7)
    assert await waiting.stop() in ([], [7])
    await loop_scene.settle()
    assert not loop_scene.left_behind()
