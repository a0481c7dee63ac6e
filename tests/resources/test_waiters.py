"""Who waits for the same news."""

from __future__ import annotations

import pytest

from ipcrt.errors import Canceled
from ipcrt.port.blocking_waiter import BlockingWaiter
from ipcrt.resources.waiters import Waiters


def test_all_are_woken_once() -> None:
    waiters = Waiters(BlockingWaiter)
    first, second, third = (waiters.add() for _ in range(3))
    assert isinstance(second, BlockingWaiter)
    second.set_result(None)  # it has stopped waiting
    waiters.forget(third)
    waiters.forget(third)
    assert len(waiters) == 2
    waiters.wake(Canceled("over"))
    assert first.done()
    assert second.result() is None
    assert not third.done()
    assert len(waiters) == 0
    waiters.wake()


def test_each_has_an_error_of_its_own() -> None:
    errors: list[Canceled] = []
    waiting: list[BlockingWaiter[None]] = [BlockingWaiter(), BlockingWaiter()]
    made = iter(waiting)
    waiters = Waiters(lambda: next(made))
    added = [waiters.add() for _ in waiting]
    assert added == waiting
    waiters.wake(Canceled("over"))
    for waiter in waiting:
        with pytest.raises(Canceled, match="over") as raised:
            waiter.result()
        errors.append(raised.value)
    assert errors[0] is not errors[1]
