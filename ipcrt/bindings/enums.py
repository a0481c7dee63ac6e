"""FIDL's enums and bits as Python's.

A strict enum is a plain `enum.IntEnum`. A flexible one keeps a value that it does not know as a
member without a name of its own, within the range of its underlying type. Such members are made
anew each time and kept nowhere: what a peer sends must not fill our memory.

    class Colour(FlexibleUint8, unknown=9):
        RED = 1
        OTHER = 9       # FIDL's @unknown: a name for what has none
"""

from __future__ import annotations

import enum
from typing import Any, Final

_PLACEHOLDER: Final = "_placeholder"


class FlexibleEnum(enum.IntEnum):
    """Base of flexible enums; use the subclass of the underlying type."""

    def __init_subclass__(cls, *, unknown: int | None = None) -> None:
        """Take the value of the member that FIDL's `@unknown` marks, where one is."""
        super().__init_subclass__()
        type.__setattr__(cls, _PLACEHOLDER, unknown)

    @property
    def is_unknown(self) -> bool:
        """True for a value that this side's contract does not list, or lists as `@unknown`."""
        cls = type(self)
        return self._name_ not in cls._member_map_ or self._value_ == vars(cls)[_PLACEHOLDER]

    @classmethod
    def _range(cls) -> range:
        raise NotImplementedError

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if type(value) is not int or value not in cls._range():
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


class FlexibleInt8(FlexibleEnum):
    """A flexible enum over int8."""

    @classmethod
    def _range(cls) -> range:
        return range(-(1 << 7), 1 << 7)


class FlexibleInt16(FlexibleEnum):
    """A flexible enum over int16."""

    @classmethod
    def _range(cls) -> range:
        return range(-(1 << 15), 1 << 15)


class FlexibleInt32(FlexibleEnum):
    """A flexible enum over int32."""

    @classmethod
    def _range(cls) -> range:
        return range(-(1 << 31), 1 << 31)


class FlexibleInt64(FlexibleEnum):
    """A flexible enum over int64."""

    @classmethod
    def _range(cls) -> range:
        return range(-(1 << 63), 1 << 63)


class FlexibleUint8(FlexibleEnum):
    """A flexible enum over uint8."""

    @classmethod
    def _range(cls) -> range:
        return range(1 << 8)


class FlexibleUint16(FlexibleEnum):
    """A flexible enum over uint16."""

    @classmethod
    def _range(cls) -> range:
        return range(1 << 16)


class FlexibleUint32(FlexibleEnum):
    """A flexible enum over uint32."""

    @classmethod
    def _range(cls) -> range:
        return range(1 << 32)


class FlexibleUint64(FlexibleEnum):
    """A flexible enum over uint64."""

    @classmethod
    def _range(cls) -> range:
        return range(1 << 64)
