"""Large: payloads with long `bytes` members, which are copied once on each side.

Where a struct's own member is `bytes` and too long for a packet, its content is no part of the
body: it goes into the VMO straight from the caller's object, and out of it straight into the
handler's. The rest is small, and goes through msgspec as ever: a twin of the struct, whose `bytes`
members may also be extension values, tells which member each part belongs to. The twin's body
never leaves the process. All other payloads are put together first, which costs one copy more.
Source: ipcrt/objects/pieces.py; docs/wire-format.md, "Long messages".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, get_args

import msgspec
from msgspec import inspect, msgpack

from ipcrt.bindings.schema import Facts
from ipcrt.bindings.structs import Struct
from ipcrt.errors import RemoteProtocolError
from ipcrt.objects.pieces import STUB_BYTES, Piece, Pieced, stub
from ipcrt.wire.limits import MAX_INLINE_BODY_BYTES

_PART: Final = 2
"""The twin's extension type; its one byte of data is the part's number."""
_MAX_PARTS: Final = 16


class _Member(NamedTuple):
    """A member that may be `bytes`."""

    place: int
    name: str
    min_bytes: int
    max_bytes: int


class LargeStruct:
    """Encodes and decodes one struct type's values in pieces."""

    __slots__ = ("_decode", "_encode", "_head", "_members", "_names", "_only", "_type")

    def __init__(self, type_: type[Struct], members: Sequence[_Member]) -> None:
        """Take the members that may be in pieces."""
        fields = msgspec.structs.fields(type_)
        self._type = type_
        self._members = members
        self._names = [field.name for field in fields]
        self._encode = msgpack.Encoder().encode
        self._head = self._encode([None] * len(fields))[: -len(fields)]
        self._decode: Callable[[bytes], Any] = self._decode_first
        self._only = members[0] if len(fields) == 1 else None

    def encode(self, value: object) -> Pieced | None:
        """Answer the body in pieces; None where no member is that long.

        Raises: what msgspec raises of a value that cannot be encoded.
        """
        if type(value) is not self._type:
            return None
        for member in self._members:
            content = getattr(value, member.name)
            if type(content) is bytes and len(content) > MAX_INLINE_BODY_BYTES:
                if member is self._only:
                    return Pieced(self._head + stub(len(content)), ((len(self._head), content),))
                return self._in_pieces(value)
        return None

    def _in_pieces(self, value: object) -> Pieced:
        places = {member.place for member in self._members}
        chunks = [self._head]
        pieces: list[Piece] = []
        size = len(self._head)
        for place, name in enumerate(self._names):
            content = getattr(value, name)
            if (
                place in places
                and type(content) is bytes
                and len(content) > MAX_INLINE_BODY_BYTES
                and len(pieces) < _MAX_PARTS
            ):
                pieces.append((size, content))
                chunk = stub(len(content))
            else:
                chunk = self._encode(content)
            chunks.append(chunk)
            size += len(chunk)
        return Pieced(b"".join(chunks), pieces)

    def decode(self, body: bytes | memoryview, parts: Pieced) -> Any:
        """Answer the value of a body that ends where `parts`, whose view it is, ends.

        Raises: msgspec.ValidationError, RemoteProtocolError: not this type.
        """
        rest = memoryview(parts)
        start = end = rest.nbytes - memoryview(body).nbytes
        if self._only is not None and len(parts.pieces) == 1:
            place, part = parts.pieces[0]
            if bytes(rest[start:place]) == self._head and place + STUB_BYTES == rest.nbytes:
                make: Any = self._type
                return make(_within_bounds(self._only, part))
        chunks: list[bytes | memoryview] = []
        for number, (place, _) in enumerate(parts.pieces):
            chunks += (rest[end:place], bytes((0xD4, _PART, number)))
            end = place + STUB_BYTES
        chunks.append(rest[end:])
        value = self._decode(b"".join(chunks))
        arguments = [getattr(value, name) for name in self._names]
        contents: dict[int, bytes] = {n: part for n, (_, part) in enumerate(parts.pieces)}
        for member in self._members:
            given = arguments[member.place]
            if type(given) is msgpack.Ext:
                arguments[member.place] = _content(member, given, contents)
        if contents:
            raise RemoteProtocolError(f"{len(contents)} parts belong to no member")
        return self._type(*arguments)

    def _decode_first(self, body: bytes) -> Any:
        """Make the twin, which many types never need."""
        self._decode = msgpack.Decoder(_twin_of(self._type, self._members)).decode
        return self._decode(body)


def _twin_of(type_: type[Struct], members: Sequence[_Member]) -> type[msgspec.Struct]:
    """Make the struct whose `members` may be extension values."""
    places = {member.place for member in members}
    fields: list[tuple[str, Any, Any]] = []
    for place, given in enumerate(msgspec.structs.fields(type_)):
        annotation: Any = given.type
        if place in places:
            annotation = annotation | msgpack.Ext
        if given.default_factory is not msgspec.NODEFAULT:
            default: Any = msgspec.field(default_factory=given.default_factory)
        else:
            default = msgspec.field(default=given.default)
        fields.append((given.name, annotation, default))
    name = type_.__name__
    return msgspec.defstruct(name, fields, array_like=True, forbid_unknown_fields=True)


def large_struct(type_: object, facts: Facts) -> LargeStruct | None:
    """Answer what treats `type_` in pieces; None where no value of it is ever sent so."""
    if facts.has_handles or facts.is_loose or facts.is_flexible:
        return None
    if not (isinstance(type_, type) and issubclass(type_, Struct)):
        return None
    if not any(_mentions_bytes(field.type) for field in msgspec.structs.fields(type_)):
        return None  # which costs a tenth of what follows
    info = inspect.type_info(type_)
    if not isinstance(info, inspect.StructType) or info.tag is not None:
        return None
    members: list[_Member] = []
    for place, field in enumerate(info.fields):
        kind = _bytes_type(field.type)
        if kind is not None:
            shortest, longest = kind.min_length or 0, kind.max_length
            if longest is None or longest > MAX_INLINE_BODY_BYTES:
                members.append(_Member(place, field.name, shortest, longest or 1 << 32))
    return LargeStruct(type_, members) if members else None


def _mentions_bytes(annotation: object) -> bool:
    return annotation is bytes or any(map(_mentions_bytes, get_args(annotation)))


def _bytes_type(info: inspect.Type) -> inspect.BytesType | None:
    """Answer what a member that is `bytes`, or an optional of it, has to keep to."""
    if isinstance(info, inspect.Metadata):
        return _bytes_type(info.type)
    if isinstance(info, inspect.UnionType):
        kinds = [kind for kind in map(_bytes_type, info.types) if kind is not None]
        return kinds[0] if len(kinds) == 1 else None
    return info if isinstance(info, inspect.BytesType) else None


def _content(member: _Member, given: msgpack.Ext, contents: dict[int, bytes]) -> bytes:
    """Take the part that stands for a member out of `contents`."""
    number = int.from_bytes(given.data, "big")
    part = contents.pop(number, None) if given.code == _PART else None
    if part is None:
        raise RemoteProtocolError(f"extension value where {member.name} belongs")
    return _within_bounds(member, part)


def _within_bounds(member: _Member, part: bytes) -> bytes:
    if not member.min_bytes <= len(part) <= member.max_bytes:
        raise msgspec.ValidationError(
            f"{member.name} of {len(part)} bytes, expected {member.min_bytes} to {member.max_bytes}"
        )
    return part
