from __future__ import annotations

import pytest

from ipcrt.bindings.acknowledger import Acknowledger
from ipcrt.bindings.misuse import Misuse


def received(*numbers: int, size: int = 4) -> Acknowledger:
    acknowledger = Acknowledger(size)
    for number in numbers:
        acknowledger.receive(number)
    return acknowledger


def test_one_acknowledgement_covers_all_that_came() -> None:
    acknowledger = received(1, 2, 3)
    assert acknowledger.outstanding == 3
    assert acknowledger.acknowledge() == 3
    assert acknowledger.outstanding == 0
    acknowledger.receive(4)
    assert acknowledger.acknowledge() == 4


def test_it_is_due_at_half_the_window() -> None:
    assert not received(1).due
    assert received(1, 2).due
    acknowledger = received(1, 2)
    acknowledger.acknowledge()
    assert not acknowledger.due
    assert received(1, size=1).due


def test_a_number_may_be_missing() -> None:
    assert received(1, 4).acknowledge() == 4


@pytest.mark.parametrize("seq", [2, 1, 0, -1, 7, 2**64 - 1])
def test_a_number_out_of_the_window_is_misuse(seq: int) -> None:
    acknowledger = received(1, 2)
    acknowledger.acknowledge()
    with pytest.raises(Misuse, match=f"message {seq}, expected 3 to 6"):
        acknowledger.receive(seq)
    assert acknowledger.outstanding == 0
    acknowledger.receive(6)


def test_a_sender_that_hears_nothing_may_not_go_on() -> None:
    acknowledger = received(1, 2, 3, 4)
    with pytest.raises(Misuse, match="message 5, expected 5 to 4"):
        acknowledger.receive(5)
