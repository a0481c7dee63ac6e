"""Compare counts with a baseline: what has become dearer, and what cheaper.

On the baseline's own build instructions are compared as they are. Another interpreter, library or
machine has other counts for the same code, so there a case is compared by how many calibrations
it costs, calibration being plain Python counted in the same run. Between two builds of one Python
release this still moves by up to 8 %, so twice as much is allowed.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from tests.gate.cases import CALIBRATION, TWINS
from tests.gate.counting import Counted

ALLOWED: Final = 0.10
"""By how much of its baseline a case may grow."""
ALLOWED_ELSEWHERE: Final = 0.20
"""The same where the baseline is of another build."""
ALLOWED_IN_A_CROWD: Final = 0.15
"""By how much an operation may be dearer in a crowd than alone."""


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One case beside its baseline."""

    case: str
    instructions: int
    change: float | None
    """By how much of the baseline it has grown; None where there is none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """All cases beside their baselines, and how they were compared."""

    differences: list[Difference]
    elsewhere: list[str]
    """What of the build differs from the baseline's; empty where counts are compared directly."""
    gone: list[str]
    """Cases that the baseline has and the count has not."""

    @property
    def allowed(self) -> float:
        return ALLOWED_ELSEWHERE if self.elsewhere else ALLOWED

    @property
    def dearer(self) -> list[Difference]:
        """What costs too much."""
        return [each for each in self.differences if (each.change or 0) > self.allowed]

    @property
    def cheaper(self) -> list[Difference]:
        """What costs so much less that its baseline guards nothing any more."""
        return [each for each in self.differences if (each.change or 0) < -self.allowed]


def compare(now: Counted, baseline: Counted) -> Verdict:
    """Set each case beside its baseline."""
    names = sorted(now.build.keys() | baseline.build.keys())
    elsewhere = [
        f"{name}: {baseline.build.get(name)} then, {now.build.get(name)} now"
        for name in names
        if now.build.get(name) != baseline.build.get(name)
    ]
    scale = 1.0
    if elsewhere:
        scale = now.instructions[CALIBRATION] / baseline.instructions[CALIBRATION]
    differences: list[Difference] = []
    for case, instructions in now.instructions.items():
        before = baseline.instructions.get(case)
        change = None if before is None else instructions / scale / before - 1
        differences.append(Difference(case, instructions, change))
    return Verdict(
        differences, elsewhere, sorted(baseline.instructions.keys() - now.instructions.keys())
    )


def crowded(now: Counted) -> list[Difference]:
    """Answer the cases that a crowd makes too dear, each beside what it is alone."""
    found = [
        Difference(case, count := now.instructions[case], count / now.instructions[alone] - 1)
        for case, alone in TWINS.items()
    ]
    return [each for each in found if (each.change or 0) > ALLOWED_IN_A_CROWD]
