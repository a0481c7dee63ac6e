"""FIDL's unions: `[ordinal, value]` on the wire, one class for each member in Python.

    class ShapeCircle(Variant, frozen=True, tag=1):
        value: Circle

    class ShapeLabel(Variant, frozen=True, tag=2):
        value: str

    Shape: TypeAlias = ShapeCircle | ShapeLabel | UnknownVariant    # flexible
    Shape: TypeAlias = ShapeCircle | ShapeLabel                     # strict

A `match` over a union is checked for completeness by type checkers. The tag is the ordinal.
"""

from __future__ import annotations

from typing import Any

from ipcrt.bindings.structs import Struct


class Variant(Struct, frozen=True):
    """Base of all members of unions."""


class UnknownOrdinal:
    """Stands for a member that this side does not know; no bytes decode to it by themselves."""

    __slots__ = ("ordinal",)

    def __init__(self, ordinal: int) -> None:
        self.ordinal = ordinal

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnknownOrdinal) and other.ordinal == self.ordinal

    def __hash__(self) -> int:
        return hash(self.ordinal)

    def __repr__(self) -> str:
        return str(self.ordinal)


class UnknownVariant(Variant, frozen=True, tag=0):
    """A member of a flexible union that this side does not know; its value is gone.

    It cannot be sent. Handles that came in it are closed.
    """

    unknown: UnknownOrdinal

    @property
    def ordinal(self) -> int:
        """The member's ordinal in the sender's contract."""
        return self.unknown.ordinal


def as_payload(union: Any) -> Any:
    """Pass a union for a class: to a type checker it is none, to a codec it is as good as one."""
    return union
