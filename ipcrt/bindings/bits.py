"""FIDL's bits as Python's flags.

Strict bits refuse a bit that they do not know, flexible ones keep it, within the width of the
underlying type. Combinations are made anew each time and kept nowhere: what a peer sends must
not fill our memory. `~` answers the known bits that are not set.
"""

from __future__ import annotations

import enum
from typing import Any

from ipcrt.bindings.enums import prepare


def _invert(bits: Any) -> Any:
    return type(bits)(bits.known() & ~int(bits))


class _BitsType(enum.EnumType):
    """Keeps our `~`: enum gives each class of flags its own anew, which makes negative numbers."""

    def __init__(cls, *args: Any, **kwds: Any) -> None:
        super().__init__(*args, **kwds)
        type.__setattr__(cls, "__invert__", _invert)
        prepare(cls)


class _Bits(enum.IntFlag, metaclass=_BitsType):
    @classmethod
    def _width(cls) -> int:
        return 64

    @classmethod
    def known(cls) -> int:
        """Answer all bits that the contract names."""
        mask: int = cls.__dict__["_flag_mask_"]
        return mask

    @property
    def unknown(self) -> int:
        """The bits that are set and that the contract does not name."""
        return int(self) & ~self.known()

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if type(value) is not int or value >> cls._width():  # negative ones, too
            raise ValueError(f"{value!r} is no {cls.__name__}")
        if value in cls._value2member_map_:  # one that msgspec has not noted
            return cls._value2member_map_[value]
        member = super()._missing_(value)
        cls._value2member_map_.pop(value, None)
        return member


class StrictBits(_Bits, boundary=enum.STRICT):
    """Base of strict bits."""


class FlexibleBits64(_Bits, boundary=enum.KEEP):
    """Flexible bits over uint64."""


class FlexibleBits32(FlexibleBits64):
    """Flexible bits over uint32."""

    @classmethod
    def _width(cls) -> int:
        return 32


class FlexibleBits16(FlexibleBits64):
    """Flexible bits over uint16."""

    @classmethod
    def _width(cls) -> int:
        return 16


class FlexibleBits8(FlexibleBits64):
    """Flexible bits over uint8."""

    @classmethod
    def _width(cls) -> int:
        return 8
