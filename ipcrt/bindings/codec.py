"""Codec: a payload type's bytes and handles, both ways.

1. What is sent is checked first, by decoding it as the peer will: a wrong type or bound is the
   caller's error, and nothing is sent.
2. On the wire a handle is an index into its message's handles; each is used exactly once.
3. A message that does not decode leaves none of its handles open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Generic, TypeAlias, TypeGuard, TypeVar, cast, get_origin

from msgspec import msgpack

from ipcrt.bindings.bounds import check_for
from ipcrt.bindings.discard import close_handles
from ipcrt.bindings.ends import ProtocolEnd
from ipcrt.bindings.schema import examine
from ipcrt.errors import IpcError, LocalProtocolError, RemoteProtocolError
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.wire.body import decode_value
from ipcrt.wire.handles import HANDLE_EXT, check_claimed, claim_index, index_ext

T = TypeVar("T")

Sendable: TypeAlias = Handle | ProtocolEnd[Any]

NO_HANDLES: Final[tuple[Handle, ...]] = ()

# ValueError: msgspec's own errors, and text that is not Unicode. RecursionError: too deep.
_BAD_BODY: Final = (ValueError, IpcError, RecursionError)
_BAD_VALUE: Final = (*_BAD_BODY, TypeError, OverflowError)


class Codec(Generic[T]):
    """Encode and decode one payload type; `NoneType` is the payload `()`, which has no body."""

    __slots__ = (
        "_check",
        "_decoder",
        "_encoder",
        "_free",
        "_is_empty",
        "_is_loose",
        "_is_special",
        "_needs_more",
        "type",
    )

    def __init__(self, type_: type[T]) -> None:
        """Raises: TypeError: something in `type_` has no wire form."""
        self.type = type_
        facts = examine(type_)
        self._is_empty = type_ is type(None)
        self._is_loose = facts.is_loose
        self._check = check_for(type_)
        self._needs_more = self._is_loose or self._check is not None
        self._is_special = self._is_empty or facts.has_handles
        self._free: list[_HandleDecoder] | None = [] if facts.has_handles else None
        self._encoder = msgpack.Encoder()
        self._decoder = msgpack.Decoder(type_)

    def encode(self, value: T) -> tuple[bytes, Sequence[Handle]]:
        """Answer the body and the handles, which stay the caller's.

        Raises: LocalProtocolError: a wrong type, or a bound exceeded.
        """
        try:
            if self._is_special:
                return self._encode_special(value)
            body = self._encoder.encode(value)
            copy = self._decoder.decode(body)
            if self._needs_more:
                self._verify(copy, body, 0)
        except _BAD_VALUE as error:
            raise LocalProtocolError(f"{self._name}: {error}") from error
        return body, NO_HANDLES

    def decode(self, body: memoryview, handles: Sequence[Handle]) -> T:
        """Answer the value; it owns the handles.

        Raises: RemoteProtocolError: not this type, out of bounds, or a handle of the wrong
        kind, unused or used twice; then all handles are closed.
        """
        try:
            if handles or self._is_special:
                return self._decode_special(body, handles)
            value = self._decoder.decode(body)
            if self._needs_more:
                self._verify(value, body, 0)
        except BaseException as error:
            close_all(handles)
            if isinstance(error, _BAD_BODY):
                raise RemoteProtocolError(f"{self._name}: {error}") from error
            raise
        return value

    def discard(self, value: object) -> None:
        """Close the handles of a value that nobody takes, well-formed or not."""
        if self._free is not None:
            close_handles(value)

    def _verify(self, value: T, body: bytes | memoryview, handle_count: int) -> None:
        """Check what msgspec does not."""
        if self._check is not None:
            self._check(value)
        if self._is_loose:
            decode_value(body, lambda index: index, handle_count)

    # ---- with handles, or without anything

    def _encode_special(self, value: T) -> tuple[bytes, Sequence[Handle]]:
        if self._is_empty:
            if value is not None:
                raise TypeError(f"{type(value).__name__} where nothing belongs")
            return b"", NO_HANDLES
        sent: list[Sendable] = []
        body = msgpack.Encoder(enc_hook=_Outgoing(sent)).encode(value)
        copy: T = self._borrow_decoder().decode(body, sent, None)
        self._verify(copy, body, len(sent))
        return body, [each.channel if isinstance(each, ProtocolEnd) else each for each in sent]

    def _decode_special(self, body: memoryview, handles: Sequence[Handle]) -> T:
        if self._free is None:
            if handles:
                raise RemoteProtocolError(f"{len(handles)} handles where none belong")
            if body:
                raise RemoteProtocolError(f"body of {len(body)} bytes where none belongs")
            return cast("T", None)
        made: list[Handle] = []
        try:
            value: T = self._borrow_decoder().decode(body, handles, made)
            self._verify(value, body, len(handles))
        except BaseException:
            close_all(made)
            raise
        return value

    def _borrow_decoder(self) -> _HandleDecoder:
        """Take a decoder that nobody uses now; it comes back by itself."""
        free = self._free
        assert free is not None
        try:
            return free.pop()
        except IndexError:
            return _HandleDecoder(self.type, free)

    @property
    def _name(self) -> str:
        return "()" if self._is_empty else getattr(self.type, "__name__", str(self.type))


class _Outgoing:
    """Replace each handle by its index, in the order of the body."""

    __slots__ = ("_sent",)

    def __init__(self, sent: list[Sendable]) -> None:
        self._sent = sent

    def __call__(self, value: object) -> msgpack.Ext:
        if not _is_sendable(value):
            raise TypeError(f"{type(value).__name__} cannot be sent")
        index = index_ext(len(self._sent))
        self._sent.append(value)
        return msgpack.Ext(HANDLE_EXT, index)


def _is_sendable(value: object) -> TypeGuard[Sendable]:
    return isinstance(value, Handle | ProtocolEnd)


class _HandleDecoder:
    """A decoder with one message's handles at hand. Used by one thread at a time."""

    __slots__ = ("_claimed", "_decoder", "_free", "_handles", "_made")

    def __init__(self, type_: Any, free: list[_HandleDecoder]) -> None:
        self._decoder = msgpack.Decoder(type_, ext_hook=self._index, dec_hook=self._place)
        self._free = free
        self._handles: Sequence[Sendable] = ()
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
        self._handles, self._made, self._claimed = handles, made, []
        try:
            value = self._decoder.decode(body)
            check_claimed(self._claimed, len(handles))
            return value
        finally:
            self._handles, self._made = (), None
            self._free.append(self)

    def _index(self, code: int, data: memoryview) -> Sendable:
        return self._handles[claim_index(code, data, self._claimed, len(self._handles))]

    def _place(self, type_: Any, handle: object) -> object:
        """Make the typed object of a field out of the handle that stood there."""
        wanted: type[Sendable] = get_origin(type_) or type_
        if self._made is None:
            if _is_sendable(handle) and isinstance(handle, wanted):
                return handle
            raise TypeError(f"{type(handle).__name__} where {wanted.__name__} belongs")
        if not isinstance(handle, Handle):
            raise RemoteProtocolError(f"{type(handle).__name__} where {wanted.__name__} belongs")
        if not issubclass(wanted, ProtocolEnd):
            return self._own(handle if wanted is Handle else wanted.from_handle(handle))
        end: ProtocolEnd[Any] = wanted(self._own(Channel.from_handle(handle)))
        self._own(end.channel)
        return end

    def _own(self, handle: Any) -> Any:
        assert self._made is not None
        self._made.append(handle)
        return handle
