"""SIGKILL of any process at any moment, under load: the rest goes on, and nothing is left."""

from __future__ import annotations

import os
import time

import pytest

from tests.soak.blows import at_random, table
from tests.soak.killing import fight

SOME = (("monado", "artist.line"), ("consumer", "locator"), ("activator", "kvstore"))
KILLS = 200


@pytest.mark.timeout(180)
def test_whoever_is_killed_leaves_nothing() -> None:
    print(*table(fight(SOME, seed=1)), sep="\n")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [os.getpid()])
def test_whoever_is_killed_leaves_nothing_200_times(seed: int) -> None:
    began = time.monotonic()
    blows = fight(at_random(KILLS, seed), seed)
    seconds = time.monotonic() - began
    print("", *table(blows), f"{KILLS} kills, seed {seed}: {seconds:.0f} s", sep="\n")
    assert sum(len(blow.victims) for blow in blows) == KILLS
