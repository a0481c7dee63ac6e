"""Rights that a contract asks of a handle, as metadata of its annotation.

buffer: Annotated[Vmo, needs(Rights.READ | Rights.MAP)]
"""

from __future__ import annotations

from typing import Final

from msgspec import Meta

from ipcrt.objects.rights import ALL, Rights

NEEDS: Final = "rights"
"""Key of `Meta.extra` that `bounds` looks for."""


def needs(rights: int) -> Meta:
    """Ask for `rights`; those that no object here has are not asked for."""
    return Meta(extra={NEEDS: Rights(rights) & ALL})
