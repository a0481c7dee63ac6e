"""Back ends: what turns JSON IR into text, found by name.

Other packages bring their own, which read IR alone:

    [project.entry-points."ipcrt.fidl.backends"]
    rust = "my_package.rust:generate"

where `generate(ir, options)` answers the text, and raises ValueError for IR that it cannot use.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

from ipcrt.fidl.gen.ir import Json
from ipcrt.fidl.gen.module import Options, generate

Backend: TypeAlias = Callable[[Json, Options], str]

GROUP: Final = "ipcrt.fidl.backends"
PYTHON: Final = "python"


class NoBackend(LookupError):
    """No installed package brings the back end, or it cannot be imported."""


def names() -> list[str]:
    """Answer the names of all back ends, our own first."""
    others = {point.name for point in importlib.metadata.entry_points(group=GROUP)}
    return [PYTHON, *sorted(others - {PYTHON})]


def find(name: str = PYTHON) -> Backend:
    """Answer a back end; `python` is ours, whoever else has one of that name.

    Raises: NoBackend.
    """
    if name == PYTHON:
        return cast("Backend", generate)
    points = [*importlib.metadata.entry_points(group=GROUP, name=name)]
    if not points:
        raise NoBackend(f"there is no back end {name!r}; there are {', '.join(names())}")
    try:
        found: Any = points[0].load()
    except (ImportError, AttributeError) as error:
        raise NoBackend(f"back end {name!r}: {error}") from error
    return cast("Backend", found)
