"""What valgrind runs: all cases, one after another, with a mark before and after each measure.

The mark is getpriority(2), which nothing else here calls: valgrind dumps its counters there. Each
case is marked three times: before, after so many operations, and after twice as many more.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.metadata
import json
import os
import platform
import sys
from typing import Final

from ipcrt._speedups.chosen import ACTIVE
from tests.gate.cases import CASES

MARK: Final = "getpriority"
MARKS_PER_CASE: Final = 3
PURE: Final = "pure"
SPEEDUPS: Final = "speedups"
_PACKAGES: Final = ("msgpack", "msgspec", "uvloop")


def build() -> dict[str, str]:
    """Tell what the counts depend on besides this project: the builds of what it runs on."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    libc = " ".join(platform.libc_ver())
    return {"python": sys.version, "machine": platform.machine(), "libc": libc, **versions}


def run() -> None:
    """Do every case; the collector's turns would be counted here or there by chance."""
    gc.disable()
    for case, times in CASES.values():
        with contextlib.ExitStack() as stack:
            work = case(stack)
            work(times)
            _mark()
            work(times)
            _mark()
            work(2 * times)
            _mark()


def _mark() -> None:
    os.getpriority(os.PRIO_PROCESS, 0)


if __name__ == "__main__":
    run()
    print(json.dumps({"mode": SPEEDUPS if ACTIVE else PURE, "build": build()}))
