"""Whom to kill, and what came of it."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.soak.cast import BAG, FALLS

AT_ONCE: Final = 2
"""How many are killed at the same moment; of more, one soon after the other."""

_TWO: Final = 0.2
_STORM: Final = 0.1
_IN_A_STORM: Final = 6
"""Also those who have just begun may be killed there."""


@dataclass(frozen=True, slots=True)
class Blow:
    """Who was killed at once, and how long it took until nothing told of it."""

    victims: tuple[str, ...]
    working_s: float
    clean_s: float


def at_random(kills: int, seed: int) -> Iterator[tuple[str, ...]]:
    """Answer whom to kill, now and then two at once or many; each as often as in `BAG`."""
    chance = random.Random(seed)
    bag: list[str] = []
    while kills:
        throw = chance.random()
        count = _IN_A_STORM if throw < _STORM else 2 if throw < _STORM + _TWO else 1
        while len(bag) < kills:
            bag = [*chance.sample(BAG, len(BAG)), *bag]
        victims = tuple(bag.pop() for _ in range(min(count, kills)))
        if len(victims) <= AT_ONCE:
            victims = tuple(dict.fromkeys(victims))
        kills -= len(victims)
        yield victims


def table(blows: Sequence[Blow]) -> Iterator[str]:
    """Answer the lines that tell who was killed, and how long it took."""
    yield f"{'killed':<14}{'times':>6}{'all work again, s':>24}{'all is as before, s':>24}"
    yield f"{'':<14}{'':>6}{'median':>14}{'longest':>10}{'median':>14}{'longest':>10}"
    by_victim: dict[str, list[Blow]] = {name: [] for name in (*FALLS, "a storm")}
    for blow in blows:
        for victim in blow.victims if len(blow.victims) <= AT_ONCE else ["a storm"]:
            by_victim[victim].append(blow)
    for victim, them in [*by_victim.items(), ("all blows", list(blows))]:
        if them:
            working = [blow.working_s for blow in them]
            clean = [blow.clean_s for blow in them]
            yield (
                f"{victim:<14}{len(them):>6}"
                f"{statistics.median(working):>14.2f}{max(working):>10.2f}"
                f"{statistics.median(clean):>14.2f}{max(clean):>10.2f}"
            )
