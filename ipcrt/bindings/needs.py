"""Rights that a contract asks of a handle, as metadata of its annotation.

    buffer: Annotated[Vmo, needs(Rights.READ | Rights.MAP)]

A handle with fewer is refused, on both sides. One with more is reduced to these: READ and WRITE of
a VMO by the sender, so that the receiver never gets them; all others, which are advisory, by the
receiver. `SAME_RIGHTS` leaves them as they are.
Source: FIDL, "Handle rights"; zx_channel_write_etc.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Meta, ValidationError

from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import ALL, Rights

NEEDS: Final = "rights"
"""Key of `Meta.extra` that `bounds` looks for."""


def check_rights(handle: Handle, needed: Rights) -> None:
    """Refuse a handle that lacks one of the `needed` rights.

    Raises: msgspec.ValidationError.
    """
    missing = handle.lacks(needed)
    if missing:
        raise ValidationError(f"{type(handle).__name__} without {Rights(missing)!r}")


def forget_asked(handles: Iterable[Handle]) -> None:
    """Leave the handles as they are: their message is not sent."""
    for handle in handles:
        handle.asked = None


def leave_asked(handles: Iterable[Handle], besides: Rights = Rights.NONE) -> None:
    """Take from each handle the rights that its contract does not ask for, but `besides`.

    Raises: NoResources: no descriptor is free for one with fewer rights.
    """
    for handle in handles:
        asked, handle.asked = handle.asked, None
        if asked is not None:
            handle.restrict(asked | besides)


def needs(rights: int) -> Meta:
    """Ask for `rights`, those that no object here has left out; SAME_RIGHTS asks for none."""
    if rights & Rights.SAME_RIGHTS:
        return Meta()
    return Meta(extra={NEEDS: Rights(rights) & ALL})
