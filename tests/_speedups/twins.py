"""Both twins of what the extension speeds up, whichever of them this process has chosen."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import pytest

_T = TypeVar("_T")

TWINS: Final = ("pure", "native")


def native() -> Any:
    """The extension itself; the test is skipped where it was not built."""
    return pytest.importorskip("ipcrt._speedups._native", exc_type=ImportError)


def take(twin: str, name: str, pure: _T) -> _T:
    """Answer one of the TWINS of `pure`; its native one is called `name`."""
    return pure if twin == "pure" else cast("_T", native().twin(name, pure))


def growth_in_blocks(call: Callable[[], object], rounds: int = 1000) -> int:
    """How many more blocks of memory are in use after `rounds` calls; noise is a few.

    The least of three tries: what other tests have left may go, or grow, in one of them.
    """
    for _ in range(10):
        call()
    return min(_growth(call, rounds) for _ in range(3))


def _growth(call: Callable[[], object], rounds: int) -> int:
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(rounds):
        call()
    gc.collect()
    return sys.getallocatedblocks() - before


def is_built() -> bool:
    try:
        importlib.import_module("ipcrt._speedups._native")
    except ImportError:
        return False
    return True
