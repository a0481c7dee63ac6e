"""FIDL's unions: `[ordinal, value]` on the wire, one class for each member in Python.

    class ShapeCircle(Variant, frozen=True, tag=1):
        value: Circle

    class ShapeLabel(Variant, frozen=True, tag=2):
        value: str

    Shape: TypeAlias = ShapeCircle | ShapeLabel | UnknownVariant    # flexible
    Shape: TypeAlias = ShapeCircle | ShapeLabel                     # strict
    Thing: TypeAlias = ThingVmo | UnknownResource                   # flexible, may hold handles

A `match` over a union is checked for completeness by type checkers. The tag is the ordinal.
Source: docs/wire-format.md, "Bodies"; FIDL, RFC-0061.
"""

from __future__ import annotations

from typing import Any

from ipcrt.bindings.structs import Struct
from ipcrt.bindings.unknown import UnknownMember


class Variant(Struct, frozen=True):
    """Base of all members of unions."""


class UnknownVariant(Variant, frozen=True, tag=0):
    """A member of a flexible union that this side does not know; it is sent as it came."""

    unknown: UnknownMember

    @property
    def ordinal(self) -> int:
        """The member's ordinal in the sender's contract."""
        return self.unknown.ordinal

    @property
    def data(self) -> bytes | None:
        """The member's value in MessagePack; None where it held handles."""
        return self.unknown.data


class UnknownResource(UnknownVariant, frozen=True, tag=0):
    """The same of a resource union: handles may come in it.

    They are closed: then its value is gone, and it cannot be sent.
    """


def as_payload(union: Any) -> Any:
    """Pass a union for a class: to a type checker it is none, to a codec it is as good as one."""
    return union
