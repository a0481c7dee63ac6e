"""Placing: handles and tables of one message, between the body and its list of handles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeGuard, get_origin

import msgspec
from msgspec import msgpack

from ipcrt.bindings.ends import ProtocolEnd
from ipcrt.bindings.generic import GenericDecoder
from ipcrt.bindings.schema import Facts
from ipcrt.bindings.table import Table, from_map, to_map
from ipcrt.bindings.unknown import UnknownMember, settle
from ipcrt.errors import RemoteProtocolError
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.wire.handles import HANDLE_EXT, check_claimed, claim_index, index_ext

Sendable: TypeAlias = Handle | ProtocolEnd[Any]


class Outgoing:
    """Replaces each handle by its index, in the order of the body, and each table by its map."""

    __slots__ = ("_has_marks", "_sent")

    def __init__(self, sent: list[Sendable]) -> None:
        self._sent = sent
        self._has_marks = False

    def encode(self, value: object) -> bytes:
        """Answer the body; `sent` has its handles. Raises: what `Codec.encode` looks for."""
        body = msgpack.Encoder(enc_hook=self._replace).encode(value)
        return settle(body) if self._has_marks else body

    def _replace(self, value: object) -> msgpack.Ext | dict[int, Any]:
        if isinstance(value, Table):
            return to_map(value)
        if isinstance(value, UnknownMember):
            self._has_marks = True
            return value.mark()
        if not is_sendable(value):
            raise TypeError(f"{type(value).__name__} cannot be sent")
        index = index_ext(len(self._sent))
        self._sent.append(value)
        return msgpack.Ext(HANDLE_EXT, index)


def is_sendable(value: object) -> TypeGuard[Sendable]:
    """True for what may stand as a handle in a message."""
    return isinstance(value, Handle | ProtocolEnd)


class HandleDecoder:
    """A decoder with one message's handles at hand. Used by one thread at a time."""

    __slots__ = ("_claimed", "_decoder", "_facts", "_free", "_generic", "_handles", "_made")

    def __init__(self, type_: Any, facts: Facts, free: list[HandleDecoder]) -> None:
        self._decoder = msgpack.Decoder(type_, ext_hook=self._index, dec_hook=self._place)
        self._facts = facts
        self._generic: GenericDecoder | None = None
        if facts.has_tables or facts.is_flexible:
            self._generic = GenericDecoder(type_, is_flexible=facts.is_flexible)
        self._free = free
        self._handles: list[Sendable] = []
        self._made: list[Handle] | None = None
        self._claimed: list[int] = []

    def decode(
        self,
        body: bytes | memoryview,
        handles: Sequence[Sendable],
        made: list[Handle] | None,
    ) -> Any:
        """Decode; `made` collects the objects that now own handles.

        None for `made` checks a value of our own: its handles stay where they are.
        """
        self._handles, self._made, self._claimed = [*handles], made, []
        try:
            if self._generic is None:
                return self._decode_known(body)
            return self._decode_newer(body, self._generic)
        finally:
            self._handles, self._made = [], None
            self._free.append(self)

    def _decode_known(self, body: bytes | memoryview) -> Any:
        value = self._decoder.decode(body)
        check_claimed(self._claimed, len(self._handles))
        return value

    def _decode_newer(self, body: bytes | memoryview, generic: GenericDecoder) -> Any:
        """Decode what may have members that nobody here knows; their handles are closed."""
        if not self._facts.has_tables:
            try:
                return self._decode_known(body)
            except msgspec.ValidationError:
                pass  # once more: objects made so far stand where their handles stood
        value = generic.decode(body, self._handles, self._place)
        if self._made is not None:
            owned = {id(handle) for handle in self._made}
            for handle in self._handles:
                if id(handle) not in owned:
                    handle.close()
        return value

    def _index(self, code: int, data: memoryview) -> Sendable:
        return self._handles[claim_index(code, data, self._claimed, len(self._handles))]

    def _place(self, type_: Any, handle: object) -> object:
        """Make the typed object of a field out of the handle or map that stood there."""
        wanted: type[Sendable] = get_origin(type_) or type_
        if type_ is UnknownMember and isinstance(handle, UnknownMember):
            return handle
        if issubclass(wanted, Table):
            return from_map(wanted, handle, self._place)
        if self._made is None:
            if is_sendable(handle) and isinstance(handle, wanted):
                return handle
            raise TypeError(f"{type(handle).__name__} where {wanted.__name__} belongs")
        if not isinstance(handle, Handle):
            raise RemoteProtocolError(f"{type(handle).__name__} where {wanted.__name__} belongs")
        if not issubclass(wanted, ProtocolEnd):
            return self._own(handle if wanted is Handle else wanted.from_handle(handle), handle)
        channel = self._own(Channel.from_handle(handle), handle)
        end: ProtocolEnd[Any] = wanted(channel)
        self._own(end.channel, channel)
        return end

    def _own(self, handle: Any, instead: object) -> Any:
        """Note who owns a handle now, in the list of what was made and in its old place."""
        assert self._made is not None
        self._made.append(handle)
        place = next(i for i, each in enumerate(self._handles) if each is instead)
        self._handles[place] = handle
        return handle
