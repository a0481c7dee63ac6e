"""The two names of msgpack that this room uses, with the types the package does not ship."""

# pyright: basic

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgpack  # type: ignore[import-untyped]


class Packer(Protocol):
    """What `new_packer` returns: packs one value at a time, in the shortest form."""

    def pack(self, value: object, /) -> bytes: ...


new_packer: Final[Callable[..., Packer]] = msgpack.Packer
unpackb: Final[Callable[..., Any]] = msgpack.unpackb
ext_type: Final[Callable[[int, bytes], object]] = msgpack.ExtType
