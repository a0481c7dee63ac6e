"""Which twin is in use: C where the extension was built and is wanted, else pure Python.

It is decided once, when this module is imported. `IPCRT_PURE=1` in the environment says pure.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Final, TypeVar, cast

if TYPE_CHECKING:
    from types import ModuleType

_T = TypeVar("_T")


REVISION: Final = 10
"""Raised with each change to what the two sides expect of each other, here and in native.h."""


def _load() -> ModuleType | None:
    if os.environ.get("IPCRT_PURE", "") not in {"", "0"}:
        return None
    try:
        native = importlib.import_module("ipcrt._speedups._native")
    except ImportError:  # not built here, or built for another machine
        return None
    # A checkout that has moved on holds the extension of an older one until it is built anew.
    return native if getattr(native, "REVISION", None) == REVISION else None


_native: Final = _load()

ACTIVE: Final = _native is not None
"""True where the C twins are in use."""


def choose(name: str, pure: _T) -> _T:
    """Answer the C twin called `name`, which has the contract of `pure`, or `pure` itself.

    The C twin of a function calls `pure` for whatever is not the usual case.
    """
    return pure if _native is None else cast("_T", _native.twin(name, pure))
