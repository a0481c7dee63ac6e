"""The gate's command: count, compare with the baselines, say what has become dearer.

Exit status: 0 nothing has, 1 something has, 77 it cannot be counted here.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from tests.gate.comparing import (
    ALLOWED,
    ALLOWED_ELSEWHERE,
    ALLOWED_IN_A_CROWD,
    Verdict,
    compare,
    crowded,
)
from tests.gate.counting import Counted, count, modes

BASELINES: Final = Path(__file__).with_name("baselines.json")
CANNOT: Final = 77
"""The exit status of what is skipped, after automake's tests."""
_PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/gate",
        description="Count the instructions of encoding, decoding and dispatching, and fail where "
        f"an operation costs over {ALLOWED:.0%} more than its baseline ({ALLOWED_ELSEWHERE:.0%} "
        "more, in calibrations, where the baseline is of another build).",
    )
    parser.add_argument("--update", action="store_true", help="make this count the baseline")
    update = parser.parse_args().update
    if shutil.which("valgrind") is None:
        print("gate: valgrind is not installed, nothing can be counted", file=sys.stderr)
        return CANNOT
    baselines: dict[str, dict[str, Any]] = json.loads(BASELINES.read_text())
    mine = baselines.setdefault(_PYTHON, {})
    names = modes()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        counted = dict(zip(names, pool.map(count, names), strict=True))
    if update:
        mine.update({mode: now.to_json() for mode, now in counted.items()})
        BASELINES.write_text(json.dumps(baselines, indent=2, sort_keys=True) + "\n")
    return max([max(_judge(mode, now, mine), _flat(now)) for mode, now in counted.items()])


def _judge(mode: str, now: Counted, baselines: dict[str, Any]) -> int:
    """Print one mode's counts beside its baseline; answer the exit status."""
    print(f"== Python {_PYTHON}, {mode}")
    if mode not in baselines:
        for case, instructions in now.instructions.items():
            print(f"{case:40}{instructions:>10}")
        print(
            "no baseline of this Python yet, nothing is compared; scripts/gate --update makes one"
        )
        return 0
    verdict = compare(now, Counted.from_json(baselines[mode]))
    for each in verdict.differences:
        change = "new" if each.change is None else f"{each.change:+.1%}"
        print(f"{each.case:40}{each.instructions:>10}{change:>10}")
    _explain(verdict)
    return 1 if verdict.dearer or verdict.gone else 0


def _flat(now: Counted) -> int:
    """Print what is dearer in a crowd; answer the exit status."""
    uneven = crowded(now)
    for each in uneven:
        print(f"NOT FLAT: {each.case}: {each.change:+.1%}, {ALLOWED_IN_A_CROWD:.0%} allowed")
    return 1 if uneven else 0


def _explain(verdict: Verdict) -> None:
    if verdict.elsewhere:
        print("the baseline is of another build, so calibrations are compared, not instructions:")
        print("".join(f"  {line}\n" for line in verdict.elsewhere), end="")
    for each in verdict.dearer:
        print(f"TOO DEAR: {each.case}: {each.change:+.1%}, {verdict.allowed:.0%} allowed")
    for case in verdict.gone:
        print(f"GONE: {case} is no longer counted; scripts/gate --update drops it")
    for each in verdict.cheaper:
        print(f"cheaper: {each.case}: {each.change:+.1%}; scripts/gate --update holds it there")


if __name__ == "__main__":
    sys.exit(main())
