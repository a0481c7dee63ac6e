"""FIDL's numbers as types that the codec checks.

Plain `int` and `float` to a type checker. `Uint64` needs no upper bound: MessagePack holds no
larger integer. A float32 travels as a float64, so only its range is checked; infinities and NaN
are float32 values too.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

FLOAT32_MAX: Final = 3.4028234663852886e38
FLOAT32: Final = "float32"
"""Key of `Meta.extra` that `bounds` looks for."""

Int8: TypeAlias = Annotated[int, Meta(ge=-0x80, le=0x7F)]
Int16: TypeAlias = Annotated[int, Meta(ge=-0x8000, le=0x7FFF)]
Int32: TypeAlias = Annotated[int, Meta(ge=-0x8000_0000, le=0x7FFF_FFFF)]
Int64: TypeAlias = Annotated[int, Meta(ge=-0x8000_0000_0000_0000, le=0x7FFF_FFFF_FFFF_FFFF)]
Uint8: TypeAlias = Annotated[int, Meta(ge=0, le=0xFF)]
Uint16: TypeAlias = Annotated[int, Meta(ge=0, le=0xFFFF)]
Uint32: TypeAlias = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
Uint64: TypeAlias = Annotated[int, Meta(ge=0)]
Float32: TypeAlias = Annotated[float, Meta(extra={FLOAT32: True})]
