"""What a plain thread waits for; tests/_speedups compares both kinds."""

from __future__ import annotations

from ipcrt._speedups.chosen import ACTIVE
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.blocking_waiter import BlockingWaiter, new_waiter


def test_it_is_done_once_it_has_a_result() -> None:
    waiter = BlockingWaiter[int]()
    assert not waiter.done()
    waiter.set_result(7)
    assert waiter.done()
    assert waiter.result() == 7


def test_a_port_makes_those_that_it_waits_for_at_the_least_cost() -> None:
    assert (new_waiter is BlockingWaiter) is not ACTIVE
    with BlockingPort() as port:
        assert type(port.create_waiter()) is new_waiter
