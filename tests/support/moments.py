"""Moments: run something again and again, with a signal's handler that raises one moment later.

In Python code a handler may raise where a function of Python begins, and where one of C has
returned. The profiler is told of both, and may raise as well, at a moment that a test chooses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_MOMENTS = ("call", "c_return")


class Interrupted(BaseException):
    """What the handler raises."""


def raise_at_each_moment(call: Callable[[], object]) -> Iterator[int]:
    """Do `call()` until a handler has raised at each of its moments; tells which, after each."""
    moment = 1
    while _raised(call, moment):
        yield moment
        moment += 1


def _raised(call: Callable[[], object], moment: int) -> bool:
    """Do `call()` with a handler that raises at a moment; False: it was over before."""
    left = moment

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        del frame, argument
        if event in _MOMENTS:
            left -= 1
            if left == 0:
                raise Interrupted

    forward = sys.unraisablehook
    sys.unraisablehook = _forward_others  # what is raised in a finalizer Python swallows
    try:
        sys.setprofile(profile)
        call()
    except Interrupted:
        pass
    finally:
        sys.setprofile(None)
        sys.unraisablehook = forward
    return left <= 0


def _forward_others(unraisable: sys.UnraisableHookArgs) -> None:
    if unraisable.exc_type is not Interrupted:
        sys.__unraisablehook__(unraisable)
