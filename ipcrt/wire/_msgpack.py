"""What this room uses of msgpack, with the types the package does not ship.

It is loaded at the first use: clients and servers of typed protocols have none.
"""

# pyright: basic

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Packer(Protocol):
    """What `new_packer` returns: packs one value at a time, in the shortest form."""

    def pack(self, value: object, /) -> bytes: ...


def new_packer(*, default: Callable[[object], object]) -> Packer:
    """Return a packer that calls `default` with what MessagePack has no type for."""
    import msgpack  # type: ignore[import-untyped]

    packer: Packer = msgpack.Packer(default=default)
    return packer


def unpackb(data: bytes | memoryview, **options: Any) -> Any:
    """Return the one value in `data`. Raises: ValueError."""
    import msgpack

    return msgpack.unpackb(data, **options)


def ext_type(code: int, data: bytes) -> object:
    """Return the extension value of type `code`."""
    import msgpack

    return msgpack.ExtType(code, data)
