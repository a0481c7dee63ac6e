"""Unknown members: what the sender's contract has and ours has not, kept as it came.

1. A value that nobody here knows is kept as MessagePack in its shortest form, which is how it is
   compared and how it goes out again.
2. Only a resource type may have handles in it. They are closed, since nobody here could own them.
   What is left would not be what was said, so nothing is kept of it: a table goes on without it, a
   union with it cannot be sent. A value type is a value type in every version: handles in one are
   a breach of the contract.
3. What a message could say of it is all that is kept; it is checked like any body, both ways.

FIDL's own bindings drop such values (RFC-0137); here whoever stands between two newer peers may
pass them on, or drop them (`table.without_unknown`).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Raw, ValidationError, msgpack

from ipcrt.bindings.plain import is_list, is_map
from ipcrt.errors import LocalProtocolError
from ipcrt.wire.body import encode_value

_PAIR: Final = b"\x92"
_MARK: Final = 2
"""An extension that never leaves: no body may hold it (rule B3)."""


class UnknownMember:
    """A union's member that this side does not know; no bytes decode to it by themselves."""

    __slots__ = ("data", "ordinal")

    def __init__(self, ordinal: int, data: bytes | None) -> None:
        """`data` is the value in MessagePack, None where it is gone (rule 2)."""
        self.ordinal = ordinal
        self.data = data

    def mark(self) -> msgpack.Ext:
        """Answer what stands for it until `settle` knows its place.

        Raises: TypeError: its value is gone. LocalProtocolError: the ordinal has no wire form.
        """
        if self.data is None:
            raise TypeError(f"union member {self.ordinal} held handles, which are closed")
        return msgpack.Ext(_MARK, _PAIR + encode_value(self.ordinal) + self.data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UnknownMember):
            return NotImplemented
        return (self.ordinal, self.data) == (other.ordinal, other.data)

    def __hash__(self) -> int:
        return hash((self.ordinal, self.data))

    def __repr__(self) -> str:
        return f"<{self.ordinal}: {describe(self.data)}>"


def keep(value: object, owner: str, *, resource: bool) -> bytes | None:
    """Answer a value that came in plain parts as MessagePack; None where handles are in it.

    Raises: ValidationError: handles are in it, and `owner` is no resource type.
    """
    try:
        return encode_value(value)
    except LocalProtocolError:  # a handle: whatever else came in a message can go out in one
        if not resource:
            raise ValidationError(f"handles in an unknown member of {owner}, no resource") from None
        return None


def settle(body: bytes) -> bytes:
    """Answer a body in which each marked member stands in the place of its variant."""
    return msgpack.encode(_settled(msgpack.decode(body)))


def _settled(value: Any) -> Any:
    if is_list(value):
        last = value[-1] if value else None
        if isinstance(last, msgpack.Ext) and last.code == _MARK:
            return Raw(last.data)
        return [_settled(item) for item in value]
    if is_map(value):
        return {key: _settled(item) for key, item in value.items()}
    return value


def describe(data: bytes | None) -> str:
    """Say how much is kept of a value."""
    return "gone" if data is None else f"{len(data)} bytes"
