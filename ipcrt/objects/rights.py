"""Rights: what a handle may be used for.

A right that Linux can enforce on the descriptor is enforced by the object that
has it (see `Vmo`). All others are *advisory*: this library refuses to act against
them, but they do not travel: whoever receives the descriptor holds what the kernel
lets it do.
Source: zircon/rights.h.
"""

from __future__ import annotations

import enum
import os
from typing import Final

from ipcrt.errors import AccessDenied, InvalidArgs


class Rights(enum.IntFlag):
    """Zircon's right bits, with Zircon's numbers."""

    NONE = 0
    DUPLICATE = 1 << 0
    TRANSFER = 1 << 1
    READ = 1 << 2
    WRITE = 1 << 3
    EXECUTE = 1 << 4
    MAP = 1 << 5
    GET_PROPERTY = 1 << 6
    SET_PROPERTY = 1 << 7
    DESTROY = 1 << 9
    SIGNAL = 1 << 12
    SIGNAL_PEER = 1 << 13
    WAIT = 1 << 14
    INSPECT = 1 << 15
    SAME_RIGHTS = 1 << 31


BASIC: Final = Rights.TRANSFER | Rights.DUPLICATE | Rights.WAIT | Rights.INSPECT
IO: Final = Rights.READ | Rights.WRITE
PROPERTY: Final = Rights.GET_PROPERTY | Rights.SET_PROPERTY
ALL: Final = (
    BASIC
    | IO
    | PROPERTY
    | Rights.EXECUTE
    | Rights.MAP
    | Rights.DESTROY
    | Rights.SIGNAL
    | Rights.SIGNAL_PEER
)
"""What a descriptor may do whose kind nobody has looked at yet."""


_BY_ACCESS_MODE: Final = {os.O_RDONLY: Rights.READ, os.O_WRONLY: Rights.WRITE, os.O_RDWR: IO}


def of_access_mode(flags: int) -> Rights:
    """Answer READ and WRITE as the flags of open(2) give them; NONE for the odd fourth mode."""
    return _BY_ACCESS_MODE.get(flags & os.O_ACCMODE, Rights.NONE)


def reduce(held: Rights, wanted: Rights) -> Rights:
    """Answer the rights of a duplicate: `wanted`, which must not exceed `held`.

    Raises: InvalidArgs: `wanted` holds a right that `held` has not.
    """
    if wanted & Rights.SAME_RIGHTS:
        return held
    extra = wanted & ~held
    if extra:
        raise InvalidArgs(f"rights {extra!r} exceed those of the handle, {held!r}")
    return wanted


def require(held: Rights, needed: Rights, doing: str) -> None:
    """Refuse `doing` on a handle that lacks one of the `needed` rights.

    Raises: AccessDenied.
    """
    missing = needed & ~held
    if missing:
        raise AccessDenied(f"{doing} needs {missing!r}, the handle has {held!r}")
