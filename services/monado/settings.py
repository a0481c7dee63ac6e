"""What the service's owner may set, in `monado.toml` in the service's directory.

view_width = 320        # pixels of one eye's picture
view_height = 320
rate_hz = 90            # frames that clients draw in a second
compose_every = 3       # of these frames, each so manieth is composed
uid_bytes = 2147483648  # of all images of one user's clients together
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from ipcrt.errors import InvalidArgs, from_oserror
from ipcrt_services.monado.bindings import CompositorInfo, Fov

FILE: Final = "monado.toml"
VIEWS: Final = 2
FOV: Final = Fov(math.radians(-45), math.radians(45), math.radians(45), math.radians(-45))
EYE_DISTANCE_M: Final = 0.063

_RANGES: Final = {
    "view_width": range(16, 1025),
    "view_height": range(16, 1025),
    "rate_hz": range(1, 1001),
    "compose_every": range(1, 1001),
    "uid_bytes": range(1 << 20, (1 << 53) + 1),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How big the pictures are, and how often they come. Raises: InvalidArgs."""

    view_width: int = 320
    view_height: int = 320
    rate_hz: int = 90
    compose_every: int = 3
    uid_bytes: int = 1 << 31

    def __post_init__(self) -> None:
        for each in fields(self):
            value: object = getattr(self, each.name)
            allowed = _RANGES[each.name]
            if not isinstance(value, int) or value not in allowed:
                limits = f"from {allowed[0]} to {allowed[-1]}"
                raise InvalidArgs(f"{each.name} = {value!r} is not a number {limits}")

    @property
    def period_ns(self) -> int:
        """From one frame to the next."""
        return 1_000_000_000 // self.rate_hz

    def info(self) -> CompositorInfo:
        """Answer what clients are told."""
        return CompositorInfo(
            VIEWS, self.view_width, self.view_height, FOV, EYE_DISTANCE_M, self.period_ns
        )


def load(directory: str) -> Settings:
    """Read the settings; the usual ones where there is no file.

    Raises: InvalidArgs: they are wrong. AccessDenied, IoError: they cannot be read.
    """
    path = Path(directory) / FILE
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise from_oserror(error, f"read {path}") from error
    except ValueError as error:
        raise InvalidArgs(f"{path}: {error}") from error
    unknown = found.keys() - _RANGES.keys()
    if unknown:
        raise InvalidArgs(f"{path}: nothing is called {min(unknown)}")
    return Settings(**found)
