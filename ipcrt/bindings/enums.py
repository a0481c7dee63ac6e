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

from msgspec import msgpack

_PLACEHOLDER: Final = "_placeholder"
_LARGEST: Final = (1 << 63) - 1


def prepare(cls: Any) -> None:
    """Let msgspec note the members of an enum or of bits that have some over 2**63 - 1.

    It refuses a class with such members, but keeps what it has noted, and asks `_missing_` for
    the rest. So it sees the class without them once.
    """
    members: dict[int, Any] = cls._value2member_map_
    large = {value: member for value, member in members.items() if value > _LARGEST}
    if not large or len(large) == len(members):
        return
    for value in large:
        del members[value]
    try:
        msgpack.Decoder(cls)
    finally:
        members.update(large)


class StrictUint64(enum.IntEnum):
    """Base of strict enums over uint64 with members over 2**63 - 1."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        prepare(cls)

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return cls._value2member_map_.get(value)


class FlexibleEnum(enum.IntEnum):
    """Base of flexible enums; use the subclass of the underlying type."""

    def __init_subclass__(cls, *, unknown: int | None = None) -> None:
        """Take the value of the member that FIDL's `@unknown` marks, where one is."""
        super().__init_subclass__()
        type.__setattr__(cls, _PLACEHOLDER, unknown)
        prepare(cls)

    @property
    def is_unknown(self) -> bool:
        """True for a value that this side's contract does not list, or lists as `@unknown`."""
        cls = type(self)
        return self._value_ not in cls._value2member_map_ or self._value_ == vars(cls)[_PLACEHOLDER]

    @classmethod
    def _range(cls) -> range:
        raise NotImplementedError

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if type(value) is not int or value not in cls._range():
            return None
        if value in cls._value2member_map_:  # one that msgspec has not noted
            return cls._value2member_map_[value]
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
