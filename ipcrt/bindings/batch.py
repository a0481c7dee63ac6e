"""Batch: items of a vector, as many as one message holds.

The payload is a struct with one member, the vector. Sizes are the codec's: an item's is what it
adds to the payload's bytes, which MessagePack makes independent of its neighbours.
Source: FIDL API Rubric, "Command union": flush before the channel's limits in bytes and handles.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

import msgspec

from ipcrt.bindings.codec import Codec
from ipcrt.errors import OutOfRange
from ipcrt.wire.limits import MAX_HANDLES, MAX_INLINE_BODY_BYTES

ItemT = TypeVar("ItemT")

_SHORT_VECTOR: Final = 15
_MEDIUM_VECTOR: Final = 65_535


class Batch(Generic[ItemT]):
    """Items on their way into one message; owns their handles until `take`."""

    __slots__ = (
        "_bytes",
        "_codec",
        "_empty_bytes",
        "_extra_bytes",
        "_handles",
        "_items",
        "_max_items",
    )

    def __init__(self, codec: Codec[Any], *, extra_bytes: int = 0) -> None:
        """`extra_bytes`: what the body has in front of the payload (two in a result union).

        Raises: TypeError: the payload is no struct with one member, a vector.
        """
        self._codec = codec
        self._max_items = _vector_bound(codec.type)
        self._empty_bytes: Final = len(codec.encode(codec.type([]))[0])
        self._extra_bytes: Final = extra_bytes
        self._items: list[ItemT] = []
        self._bytes = 0
        self._handles = 0

    def add(self, item: ItemT) -> bool:
        """Put one more item in; False where it does not fit beside the others.

        Where it is not put in, its handles stay the caller's.
        Raises: LocalProtocolError: not one of the contract's. OutOfRange: fits no message.
        """
        body, handles = self._codec.encode(self._codec.type([item]))
        size = len(body) - self._empty_bytes
        if self._overhead(1) + size > MAX_INLINE_BODY_BYTES or len(handles) > MAX_HANDLES:
            raise OutOfRange(
                f"item of {size} bytes and {len(handles)} handles exceeds a message of "
                f"{MAX_INLINE_BODY_BYTES} bytes and {MAX_HANDLES} handles"
            )
        if not self._fits(size, len(handles)):
            return False
        self._items.append(item)
        self._bytes += size
        self._handles += len(handles)
        return True

    def _fits(self, size: int, handles: int) -> bool:
        count = len(self._items) + 1
        return (
            (self._max_items is None or count <= self._max_items)
            and self._overhead(count) + self._bytes + size <= MAX_INLINE_BODY_BYTES
            and self._handles + handles <= MAX_HANDLES
        )

    def _overhead(self, count: int) -> int:
        """Answer the bytes around `count` items: an empty vector's, and a longer length."""
        around = self._empty_bytes + self._extra_bytes
        if count <= _SHORT_VECTOR:
            return around
        return around + (2 if count <= _MEDIUM_VECTOR else 4)

    def take(self) -> list[ItemT]:
        """Move the items out, and begin anew."""
        items, self._items = self._items, []
        self._bytes = self._handles = 0
        return items

    def discard(self) -> None:
        """Drop the items, and close their handles."""
        self._codec.discard(self._codec.type(self.take()))

    def drop(self, item: ItemT) -> None:
        """Close the handles of an item that was not put in, and never will be."""
        self._codec.discard(self._codec.type([item]))

    @property
    def body_bytes(self) -> int:
        """How long the body would be now."""
        return self._overhead(len(self._items)) + self._bytes

    @property
    def handle_count(self) -> int:
        """How many handles the message would carry now."""
        return self._handles

    def __len__(self) -> int:
        return len(self._items)


def _vector_bound(type_: Any) -> int | None:
    """Answer how many items the payload's vector may have."""
    info = msgspec.inspect.type_info(type_)
    if isinstance(info, msgspec.inspect.StructType) and len(info.fields) == 1:
        member = info.fields[0].type
        if isinstance(member, msgspec.inspect.ListType):
            return member.max_length
    raise TypeError(f"{getattr(type_, '__name__', type_)} is no struct of one vector")
