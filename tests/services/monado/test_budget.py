from __future__ import annotations

import threading

import pytest

from ipcrt.errors import NoResources
from ipcrt_services.monado.budget import Budget


def test_what_is_held_and_what_is_being_made_count_together() -> None:
    held = 60
    budget = Budget(1000, 100, lambda: held)
    budget.check(40)
    give_back = budget.claim(30)
    budget.check(10)
    with pytest.raises(NoResources, match="images of 101 bytes exceed 100 of uid 1000"):
        budget.check(11)
    with pytest.raises(NoResources, match="101"):
        budget.claim(11)
    held = 90
    give_back()
    budget.check(10)
    assert budget.claimed == 0


def test_a_claim_is_given_back_once() -> None:
    budget = Budget(1000, 100, lambda: 0)
    first, _ = budget.claim(10), budget.claim(20)
    first()
    first()
    assert budget.claimed == 20


def test_claims_are_given_back_from_any_thread() -> None:
    budget = Budget(1000, 10**9, lambda: 0)
    claims = [[budget.claim(3) for _ in range(500)] for _ in range(8)]

    def give_back(mine: list[object]) -> None:
        for each in mine:
            assert callable(each)
            each()

    threads = [threading.Thread(target=give_back, args=(mine,)) for mine in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.claimed == 0
