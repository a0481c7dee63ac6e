"""Who ends a wait: exactly one."""

from __future__ import annotations

import threading

import pytest

from ipcrt.errors import Canceled
from ipcrt.port.interrupts import Scope, Waits, current_scope


def begin(waits: Waits, wait: object, scope: Scope | None = None) -> None:
    """As who waits does."""
    waits.going[wait] = None
    if scope is not None:
        scope.enter(wait, waits)


def end(waits: Waits, wait: object, scope: Scope | None = None) -> bool:
    """As who has waited does; False: it was interrupted."""
    whole = waits.going.pop(wait, wait) is None
    if scope is not None:
        scope.leave(wait)
    return whole


class Bell:
    def __init__(self) -> None:
        self.rings = 0

    def ring(self) -> None:
        self.rings += 1


def test_nothing_waits_nothing_is_interrupted() -> None:
    bell = Bell()
    waits = Waits(bell.ring)
    assert not waits.interrupt()
    begin(waits, "a")
    assert end(waits, "a")
    assert not waits.interrupt()
    assert bell.rings == 0


def test_the_innermost_is_interrupted_once() -> None:
    bell = Bell()
    waits = Waits(bell.ring)
    begin(waits, "outer")
    begin(waits, "inner")
    assert waits.interrupt()
    assert list(waits.going) == ["outer"]
    assert not end(waits, "inner")
    assert end(waits, "outer")
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
        begin(waits, number)
        noticed += not end(waits, number)
    stop.set()
    thread.join()
    assert noticed == told


def test_a_scope_ends_all_that_waits_in_it() -> None:
    bell = Bell()
    mine, other = Waits(bell.ring), Waits(bell.ring)
    scope = Scope()
    begin(mine, "a", scope)
    begin(other, "b", scope)
    begin(other, "not in it")
    begin(mine, "over", scope)
    assert end(mine, "over", scope)
    scope.cancel()
    assert bell.rings == 2
    assert not end(mine, "a", scope)
    assert not end(other, "b", scope)
    assert end(other, "not in it")
    with pytest.raises(Canceled):
        begin(mine, "late", scope)
    assert end(mine, "late", scope)
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
