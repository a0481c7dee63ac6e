"""Codec: a payload type's bytes and handles, both ways.

1. What is sent is checked first, by decoding it as the peer will: a wrong type or bound is the
   caller's error, and nothing is sent.
2. On the wire a handle is an index into its message's handles; each is used exactly once.
3. A message that does not decode leaves none of its handles open.
4. What a type needs is found out at its first message: importing many tables stays cheap, and
   types may name one another in any order.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, get_origin

import msgspec
from msgspec import inspect, msgpack

from ipcrt.bindings.bounds import Check, check_for
from ipcrt.bindings.ends import ProtocolEnd
from ipcrt.bindings.generic import GenericDecoder, needs_generic
from ipcrt.bindings.table import Table, from_map, to_map
from ipcrt.bindings.union import UnknownOrdinal
from ipcrt.errors import IpcError, LocalProtocolError, RemoteProtocolError
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.wire.handles import HANDLE_EXT, check_claimed, claim_index, index_ext

T = TypeVar("T")

_BAD_BODY = (msgspec.MsgspecError, IpcError, RecursionError)


class Codec(Generic[T]):
    """Encode and decode one payload type; `NoneType` is the payload `()`, which has no body."""

    __slots__ = ("_check", "_decoder", "_encoder", "_free", "_generic", "type")

    _check: Check | None
    _decoder: msgpack.Decoder[T]
    _encoder: msgpack.Encoder
    _free: list[_HandleDecoder] | None
    _generic: GenericDecoder | None

    def __init__(self, type_: type[T]) -> None:
        self.type = type_

    def __getattr__(self, name: str) -> Any:
        """Build all that is missing (rule 4); two threads may do so at once, to the same end."""
        if name not in Codec.__slots__:
            raise AttributeError(name)
        type_ = self.type
        self._check = check_for(type_)
        self._generic = needs_generic(type_)
        self._encoder = msgpack.Encoder()
        self._decoder = msgpack.Decoder(type_)
        self._free = [] if _has_handles(type_) else None
        return getattr(self, name)

    def encode(self, value: T) -> tuple[bytes, list[Handle]]:
        """Answer the body and the handles, which stay the caller's.

        Raises: LocalProtocolError: a wrong type, or a bound exceeded.
        """
        if self.type is type(None):
            return b"", []
        handles: list[Handle] = []
        try:
            if self._free is None:
                body = self._encoder.encode(value)
                self._verify(self._decoder.decode(body))
            else:
                body = msgpack.Encoder(enc_hook=_Outgoing(handles)).encode(value)
                self._verify(self._borrow(body, handles))
        except (*_BAD_BODY, TypeError, OverflowError, UnicodeEncodeError) as error:
            raise LocalProtocolError(f"{self._name()}: {error}") from error
        return body, handles

    def decode(self, body: memoryview, handles: list[Handle]) -> T:
        """Answer the value; it owns the handles.

        Raises: RemoteProtocolError: not this type, out of bounds, or a handle of the wrong
        kind, unused or used twice; then all handles are closed.
        """
        try:
            if self._free is not None:
                return self._decode_handles(body, handles)
            if handles and self._generic is None:
                raise RemoteProtocolError(f"{len(handles)} handles where none belong")
            if self.type is type(None):
                if body:
                    raise RemoteProtocolError(f"body of {len(body)} bytes where none belongs")
                return None
            value = self._decode_plain(body, handles)
            self._verify(value)
        except _BAD_BODY as error:
            close_all(handles)
            raise RemoteProtocolError(f"{self._name()}: {error}") from error
        return value

    def _decode_plain(self, body: memoryview, handles: list[Handle]) -> T:
        """Decode a type without handles; those of union members nobody knows are closed."""
        generic = self._generic
        if generic is None:
            return self._decoder.decode(body)
        try:
            if not handles:
                return self._decoder.decode(body)
        except msgspec.ValidationError:
            pass
        value: T = generic.decode(body, handles, _no_handle)
        close_all(handles)
        return value

    def _verify(self, value: T) -> None:
        if self._check is not None:
            self._check(value)

    def _decode_handles(self, body: memoryview, handles: list[Handle]) -> T:
        decoder = self._decoder_with_hooks()
        made: list[Handle] = []
        try:
            value: T = decoder.decode(body, handles, made)
            self._verify(value)
        except BaseException:
            close_all(made)
            raise
        return value

    def _borrow(self, body: bytes, handles: list[Handle]) -> T:
        value: T = self._decoder_with_hooks().decode(body, handles, None)
        return value

    def _decoder_with_hooks(self) -> _HandleDecoder:
        """Take a decoder that no other thread uses; it comes back by itself."""
        free = self._free
        assert free is not None
        try:
            return free.pop()
        except IndexError:
            return _HandleDecoder(self.type, self._generic, free)

    def _name(self) -> str:
        return getattr(self.type, "__name__", str(self.type))


class _Outgoing:
    """Replace each handle by its index, in the order of the body."""

    __slots__ = ("_handles",)

    def __init__(self, handles: list[Handle]) -> None:
        self._handles = handles

    def __call__(self, value: object) -> object:
        if isinstance(value, Table):
            return to_map(value)
        if isinstance(value, ProtocolEnd):
            value = value.channel
        if not isinstance(value, Handle):
            raise TypeError(f"{type(value).__name__} cannot be sent")
        self._handles.append(value)
        return msgpack.Ext(HANDLE_EXT, index_ext(len(self._handles) - 1))


class _HandleDecoder:
    """A decoder with one message's handles at hand. Used by one thread at a time."""

    __slots__ = ("_claimed", "_decoder", "_free", "_generic", "_handles", "_made")

    def __init__(
        self, type_: Any, generic: GenericDecoder | None, free: list[_HandleDecoder]
    ) -> None:
        self._decoder = msgpack.Decoder(type_, ext_hook=self._index, dec_hook=self._place)
        self._generic = generic
        self._free = free
        self._handles: list[Handle] = []
        self._made: list[Handle] | None = None
        self._claimed: list[int] = []

    def decode(
        self, body: bytes | memoryview, handles: list[Handle], made: list[Handle] | None
    ) -> Any:
        """Decode; `made` collects the objects that now own handles.

        None for `made` checks a value of our own: its handles stay where they are.
        """
        self._handles, self._made, self._claimed = handles, made, []
        try:
            if self._generic is None:
                return self._decode_claimed(body)
            return self._decode_either_way(body, self._generic)
        finally:
            self._handles, self._made = [], None
            self._free.append(self)

    def _decode_claimed(self, body: bytes | memoryview) -> Any:
        value = self._decoder.decode(body)
        check_claimed(self._claimed, len(self._handles))
        return value

    def _decode_either_way(self, body: bytes | memoryview, generic: GenericDecoder) -> Any:
        """Decode a type that may hold members nobody here knows; their handles are closed."""
        if not generic.tables:
            try:
                return self._decode_claimed(body)
            except msgspec.ValidationError:
                pass  # objects made so far have taken their handles' places; see `_place`
        value = generic.decode(body, self._handles, self._place)
        if self._made is not None:
            owned = {id(handle) for handle in self._made}
            close_all([handle for handle in self._handles if id(handle) not in owned])
        return value

    def _index(self, code: int, data: memoryview) -> Handle:
        return self._handles[claim_index(code, data, self._claimed, len(self._handles))]

    def _place(self, type_: Any, value: Any) -> Any:
        """Make the typed object of a field out of the handle or map that stood there."""
        origin: Any = get_origin(type_) or type_
        if issubclass(origin, Table):
            return from_map(origin, value, self._place)
        if not isinstance(value, Handle):
            return _no_handle(origin, value)
        wanted: type[Handle] = Channel if issubclass(origin, ProtocolEnd) else origin
        if self._made is None:
            if not isinstance(value, wanted):
                raise TypeError(f"{type(value).__name__} where a {wanted.__name__} belongs")
            return origin.__new__(origin) if wanted is not origin else value
        owner = value if wanted is Handle else wanted.from_handle(value)
        placed: Any = owner
        if wanted is not origin:
            placed = origin(owner)
            owner = placed.channel
        self._made.append(owner)
        self._handles[_index_of(value, self._handles)] = owner
        return placed


def _index_of(handle: Handle, handles: list[Handle]) -> int:
    return next(index for index, each in enumerate(handles) if each is handle)


def _no_handle(type_: type, value: object) -> object:
    """Let what `generic` put aside pass; anything else stands where a handle belongs."""
    if type_ is UnknownOrdinal and isinstance(value, UnknownOrdinal):
        return value
    raise RemoteProtocolError(f"{type(value).__name__} where a {type_.__name__} belongs")


def _has_handles(type_: object) -> bool:
    """True where a value of `type_` may hold a handle."""
    return _search(inspect.type_info(type_), set())


def _search(info: inspect.Type, seen: set[type]) -> bool:
    if isinstance(info, inspect.Metadata):
        return _search(info.type, seen)
    if isinstance(info, inspect.CustomType):
        return info.cls is not UnknownOrdinal
    if isinstance(info, inspect.StructType):
        if info.cls in seen:
            return False
        seen.add(info.cls)
        return any(_search(field.type, seen) for field in info.fields)
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return _search(info.item_type, seen)
    if isinstance(info, inspect.DictType):
        return _search(info.value_type, seen)
    if isinstance(info, inspect.UnionType):
        return any(_search(each, seen) for each in info.types)
    return False
