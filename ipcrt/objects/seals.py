"""Seals: what can never be done again to a file in memory, by nobody.

Source: F_ADD_SEALS in fcntl(2), memfd_create(2).
"""

from __future__ import annotations

import enum
import fcntl
from typing import Final

from ipcrt.errors import BadState, from_oserror


class Seals(enum.IntFlag):
    """Linux's seals, with the kernel's numbers."""

    NONE = 0
    SEAL = 0x01
    """Add seals."""
    SHRINK = 0x02
    GROW = 0x04
    WRITE = 0x08
    """Change the content, by any way."""
    FUTURE_WRITE = 0x10
    """Change the content, but through mappings that are there already."""
    EXEC = 0x20
    """Change whether it may be executed."""


IMMUTABLE: Final = Seals.SEAL | Seals.SHRINK | Seals.GROW | Seals.WRITE


def seals_of(fd: int) -> Seals:
    """Answer what `fd` is sealed against, now.

    Raises: InvalidArgs: no file that can be sealed.
    """
    try:
        return Seals(fcntl.fcntl(fd, fcntl.F_GET_SEALS))
    except OSError as error:
        raise from_oserror(error, "read seals") from error


def add_seals(fd: int, seals: Seals) -> None:
    """Add to the seals of `fd`; those that it has stay.

    Raises: BadState: sealed against sealing, opened without write access, or to be sealed against
    writing while somebody has it mapped for that.
    """
    try:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, int(seals))
    except OSError as error:
        raise BadState(f"cannot add {seals!r} to {seals_of(fd)!r}: {error.strerror}") from error
