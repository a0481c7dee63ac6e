"""SIGKILL of any process at any moment, under load: the rest goes on, and nothing is left."""

from __future__ import annotations

import os
import time

import pytest

from tests.soak.killing import fight, table


def test_whoever_is_killed_leaves_nothing() -> None:
    print(*table(fight("killing", 6, seed=1)), sep="\n")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [os.getpid()])
def test_whoever_is_killed_leaves_nothing_200_times(seed: int) -> None:
    began = time.monotonic()
    blows = fight("killing", 200, seed)
    print(*table(blows), f"seed {seed}: {time.monotonic() - began:.0f} s", sep="\n")
    assert sum(len(blow.victims) for blow in blows) == 200
