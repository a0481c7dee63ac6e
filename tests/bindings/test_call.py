"""Calls and sendings end once, whoever is first."""

from __future__ import annotations

import pytest

from ipcrt.bindings.call import Call, Sending
from ipcrt.errors import Canceled, NoResources, PeerClosed, TimedOut
from ipcrt.port.blocking_waiter import BlockingWaiter
from tests.bindings.calc import Number
from tests.bindings.hand import ADD


def new_call(timeout: float | None = None) -> tuple[Call[Number], BlockingWaiter[None]]:
    waiter = BlockingWaiter[None]()
    return Call(ADD, 1, waiter, timeout), waiter


def test_the_first_failure_counts() -> None:
    call, waiter = new_call()
    call.fail(Canceled("first"))
    call.fail(Canceled("second"))
    call.expire()
    with pytest.raises(Canceled, match="first"):
        waiter.result()


def test_a_call_out_of_time_says_which_and_how_long() -> None:
    call, waiter = new_call(0.25)
    call.expire()
    with pytest.raises(TimedOut, match=r"add: no reply within 0\.25 seconds"):
        waiter.result()


def test_a_reply_is_not_undone_by_the_deadline() -> None:
    call, waiter = new_call(1)
    waiter.set_result(None)
    call.expire()
    waiter.result()


def test_a_request_that_has_left_is_still_waited_for() -> None:
    call, waiter = new_call()
    call.request_done(None)
    call.request_done(PeerClosed())  # an epitaph may still be read
    assert not waiter.done()
    reason = NoResources("no descriptors")
    call.request_done(reason)
    with pytest.raises(NoResources, match="no descriptors") as caught:
        waiter.result()
    assert caught.value is not reason


@pytest.mark.parametrize("error", [None, Canceled("enough")])
def test_a_sending_is_settled_once(error: Canceled | None) -> None:
    waiter = BlockingWaiter[None]()
    sending = Sending(None, waiter)
    sending.settle(error)
    sending.settle(PeerClosed("late"))
    if error is None:
        waiter.result()
        return
    with pytest.raises(Canceled, match="enough") as caught:
        waiter.result()
    assert caught.value is not error


def test_a_sender_that_has_stopped_waiting_is_left_alone() -> None:
    waiter = BlockingWaiter[None]()
    waiter.abandon()
    Sending(None, waiter).settle(PeerClosed("late"))
    waiter.result()
