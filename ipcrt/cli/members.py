"""Members as FIDL names them, found out from Python's names.

1. No FIDL name ends in `_`; Python's do where the name was taken (`class_`).
2. No two names of a scope differ only in case and `_`, so neither matters in what a person gives.
3. A union's member is a class that bears the union's name and its own: `ShapeCircle` is `circle`
   of `Shape`. Which part is the union's, its module tells: there `Shape` is the choice.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterable
from typing import Union, get_args, get_origin

from ipcrt.bindings.union import Variant
from ipcrt.fidl.gen.names import snake


def fidl_name(python: str) -> str:
    """Answer what FIDL calls a member: `class_` is `class`."""
    return python.rstrip("_")


def find_member(given: str, names: Iterable[str]) -> str | None:
    """Answer which of Python's `names` a person means by `given`, if any."""
    wanted = _key(given)
    return next((name for name in names if _key(name) == wanted), None)


@functools.cache
def variant_name(variant: type[Variant]) -> str:
    """Answer what FIDL calls the member of a union that `variant` stands for."""
    name = variant.__name__
    unions = [
        each
        for each, value in vars(sys.modules[variant.__module__]).items()
        if each != name and name.startswith(each) and _is_choice(value, variant)
    ]
    return snake(fidl_name(name.removeprefix(max(unions, key=len, default=""))))


def _is_choice(value: object, variant: type[Variant]) -> bool:
    if get_origin(value) in (Union, types.UnionType):
        return any(each is variant for each in get_args(value))
    return value is variant  # a union of one member


def _key(name: str) -> str:
    return name.replace("_", "").lower()
