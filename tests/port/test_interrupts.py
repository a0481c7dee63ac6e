"""Who ends a wait: exactly one."""

from __future__ import annotations

import threading

import pytest

from ipcrt.errors import Canceled
from ipcrt.port.interrupts import Scope, Waits, current_scope


class Bell:
    def __init__(self) -> None:
        self.rings = 0

    def ring(self) -> None:
        self.rings += 1


def test_nothing_waits_nothing_is_interrupted() -> None:
    bell = Bell()
    waits = Waits(bell.ring)
    assert not waits.interrupt()
    waits.begin("a", None)
    assert waits.end("a", None)
    assert not waits.interrupt()
    assert bell.rings == 0


def test_the_innermost_is_interrupted_once() -> None:
    bell = Bell()
    waits = Waits(bell.ring)
    waits.begin("outer", None)
    waits.begin("inner", None)
    assert waits.interrupt()
    assert list(waits.going) == ["outer"]
    assert not waits.end("inner", None)
    assert waits.end("outer", None)
    assert bell.rings == 1


def test_a_wait_ends_one_way_only_whoever_is_quicker() -> None:
    waits = Waits(lambda: None)
    told = 0
    stop = threading.Event()

    def interrupt() -> None:
        nonlocal told
        while not stop.is_set():
            told += waits.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    noticed = 0
    for number in range(20_000):
        waits.begin(number, None)
        noticed += not waits.end(number, None)
    stop.set()
    thread.join()
    assert noticed == told


def test_a_scope_ends_all_that_waits_in_it() -> None:
    bell = Bell()
    mine, other = Waits(bell.ring), Waits(bell.ring)
    scope = Scope()
    mine.begin("a", scope)
    other.begin("b", scope)
    other.begin("not in it", None)
    mine.begin("over", scope)
    assert mine.end("over", scope)
    scope.cancel()
    assert bell.rings == 2
    assert not mine.end("a", scope)
    assert not other.end("b", scope)
    assert other.end("not in it", None)
    with pytest.raises(Canceled):
        mine.begin("late", scope)
    assert mine.end("late", scope)
    scope.cancel()
    assert bell.rings == 2


def test_a_scope_is_the_current_one_while_it_runs() -> None:
    scope = Scope()
    done: list[object] = []

    def work(what: str) -> str:
        assert current_scope() is scope
        scope.at_end(lambda: done.append(current_scope()))
        return what

    assert current_scope() is None
    assert scope.run(work, "it") == "it"
    assert current_scope() is None
    assert done == [None]


def test_a_scope_that_is_cancelled_beforehand_runs_nothing() -> None:
    scope = Scope()
    scope.cancel()
    with pytest.raises(Canceled):
        scope.run(pytest.fail)
