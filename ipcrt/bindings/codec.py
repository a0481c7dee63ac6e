"""Codec: a payload type's bytes and handles, both ways.

1. What is sent is checked first, by decoding it as the peer will: a wrong type or bound is the
   caller's error, and nothing is sent.
2. On the wire a handle is an index into its message's handles; each is used exactly once.
3. A message that does not decode leaves none of its handles open.
4. A handle has no more rights than its contract asks for: what the kernel enforces is taken away
   before it is sent, and the rest when it comes.
5. What a struct or table needs is found out at its first message, so that importing many stays
   cheap; other types are looked at when their codec is made.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar, cast

from msgspec import msgpack

from ipcrt.bindings.bounds import Check, check_for
from ipcrt.bindings.checked import checked_encoder
from ipcrt.bindings.direct import Decode, Encode, direct_for
from ipcrt.bindings.discard import close_handles
from ipcrt.bindings.ends import ProtocolEnd
from ipcrt.bindings.large import LargeStruct, large_struct
from ipcrt.bindings.needs import forget_asked, leave_asked
from ipcrt.bindings.placing import HandleDecoder, Outgoing, Sendable
from ipcrt.bindings.schema import Facts, examine
from ipcrt.bindings.structs import Struct
from ipcrt.bindings.table import Table
from ipcrt.errors import IpcError, LocalProtocolError, RemoteProtocolError
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.pieces import Pieced, pieced, put_together
from ipcrt.objects.rights import Rights
from ipcrt.wire.body import decode_value
from ipcrt.wire.frames import Body

T = TypeVar("T")
F = TypeVar("F")

NO_HANDLES: Final[tuple[Handle, ...]] = ()

# ValueError: msgspec's own errors, and text that is not Unicode. RecursionError: too deep.
_BAD_BODY: Final = (ValueError, IpcError, RecursionError)
_BAD_VALUE: Final = (*_BAD_BODY, TypeError, OverflowError)


_LATE: Final = (Struct, Table, type(None))


class Codec(Generic[T]):
    """Encode and decode one payload type; `NoneType` is the payload `()`, which has no body."""

    __slots__ = (
        "_check",
        "_decode",
        "_decode_direct",
        "_encode",
        "_encode_checked",
        "_encode_direct",
        "_facts",
        "_free",
        "_is_empty",
        "_is_loose",
        "_is_special",
        "_large",
        "_needs_more",
        "type",
    )

    _check: Check | None
    _decode: Callable[[Body], T]
    _decode_direct: Decode | None
    """Decodes what is in the form that good senders write; None of a value: it is not."""
    _encode: Callable[[object], bytes]
    _encode_checked: Callable[[object], bytes] | None
    _encode_direct: Encode | None
    _facts: Facts
    _free: list[HandleDecoder] | None
    _is_loose: bool
    _is_special: bool
    _large: LargeStruct | None
    _needs_more: bool

    def __init__(self, type_: type[T]) -> None:
        """Raises: TypeError: something in `type_` has no wire form (but see rule 5)."""
        self.type = type_
        self._is_empty = type_ is type(None)
        given: Any = type_  # unions and the like are no classes, whatever the signature says
        if isinstance(given, type) and issubclass(given, _LATE):
            _become(self, _Late)
        else:
            self._build()

    def _build(self) -> None:
        type_ = self.type
        self._facts = facts = examine(type_)
        self._is_loose = facts.is_loose and not facts.has_tables  # those go through `wire.body`
        self._check = check_for(type_)
        self._needs_more = self._is_loose or self._check is not None
        self._is_special = self._is_empty or facts.has_handles
        self._encode = msgpack.Encoder().encode
        self._decode = msgpack.Decoder(type_).decode
        direct = direct_for(type_) if facts.has_handles else None
        self._encode_direct = None if direct is None else direct.encode
        self._decode_direct = None if direct is None else direct.decode
        self._free = [] if facts.has_handles else None
        self._large = large_struct(type_, facts)
        self._encode_checked = None

    # ---- for who can do without the rest (`shortcut`)

    @property
    def is_empty(self) -> bool:
        """True for the payload `()`."""
        return self._is_empty

    @property
    def plain_decode(self) -> Callable[[Body], T] | None:
        """Does as `decode` without handles, raising something else; None where it takes more."""
        facts = self._facts
        is_plain = not (facts.has_tables or facts.is_loose or facts.is_flexible)
        return self._decode if is_plain and not self._is_special and self._check is None else None

    @property
    def swift_decode(self) -> Callable[..., T] | None:
        """As `plain_decode`; or, where handles belong, the method of C's Direct."""
        return self.plain_decode or _in_c(self._decode_direct)

    @property
    def swift_encode(self) -> Callable[[object], Any] | None:
        """Does as `encode`, where `swift_decode` accepts it, raising something else.

        It answers the bytes alone; where handles belong, it is the method of C's Direct. None where
        it takes more.
        """
        decode = self.plain_decode
        if decode is None or self._large is not None:
            return _in_c(self._encode_direct)
        if self._encode_checked is None:
            self._encode_checked = checked_encoder(self.type, self._encode, decode)
        return self._encode_checked

    # ----

    def encode(self, value: T) -> tuple[bytes, Sequence[Handle]]:
        """Answer the body and the handles, which stay the caller's.

        Raises: LocalProtocolError: a wrong type, or a bound exceeded.
        """
        try:
            if self._is_special:
                encoded = None if self._encode_direct is None else self._encode_direct(value)
                return encoded or self._encode_special(value)
            large = self._large
            if large is not None and (pieces := large.encode(value)) is not None:
                self._check_pieces(large, pieces)
                return pieces, NO_HANDLES
            body = self._encode(value)
            copy = self._decode(body)
            if self._needs_more:
                self._verify(copy, body, 0)
        except _BAD_VALUE as error:
            raise LocalProtocolError(f"{self._name}: {error}") from error
        return body, NO_HANDLES

    def decode(self, body: Body, handles: Sequence[Handle]) -> T:
        """Answer the value; it owns the handles.

        Raises: RemoteProtocolError: not this type, out of bounds, or a handle of the wrong
        kind, unused or used twice; then all handles are closed.
        """
        try:
            if handles or self._is_special:
                if handles and type(body) is not bytes:
                    body = put_together(body)
                if self._decode_direct is not None:
                    found: T | None = self._decode_direct(body, handles)
                    if found is not None:
                        return found
                return self._decode_special(body, handles)
            value = self._decode(body)
            if self._needs_more:
                self._verify(value, body, 0)
        except BaseException as error:
            close_all(handles)
            if isinstance(error, _BAD_BODY):
                parts = pieced(body)
                if parts is not None and not handles:
                    return self._decode_large(body, parts)
                raise RemoteProtocolError(f"{self._name}: {error}") from error
            raise
        return value

    def discard(self, value: object) -> None:
        """Close the handles of a value that nobody takes, well-formed or not."""
        if self._free is not None:
            close_handles(value)

    def _verify(self, value: T, body: Body, handle_count: int) -> None:
        """Check what msgspec does not."""
        if self._check is not None:
            self._check(value)
        if self._is_loose:
            decode_value(body, lambda index: index, handle_count)

    # ---- in pieces

    def _check_pieces(self, large: LargeStruct, pieces: Pieced) -> None:
        """Refuse what the peer would refuse, as `encode` does by decoding."""
        copy = large.decode(pieces, pieces)
        if self._needs_more:
            self._verify(copy, pieces, 0)

    def _decode_large(self, body: Body, parts: Pieced) -> T:
        try:
            if self._large is not None:
                with contextlib.suppress(*_BAD_BODY):  # parts elsewhere than we put them
                    value: T = self._large.decode(body, parts)
                    if self._needs_more:
                        self._verify(value, body, 0)
                    return value
            whole = put_together(body)
            if self._is_special:
                return self._decode_special(whole, NO_HANDLES)
            value = self._decode(whole)
            if self._needs_more:
                self._verify(value, whole, 0)
        except _BAD_BODY as error:
            raise RemoteProtocolError(f"{self._name}: {error}") from error
        return value

    # ---- with handles, or without anything

    def _encode_special(self, value: T) -> tuple[bytes, Sequence[Handle]]:
        if self._is_empty:
            if value is not None:
                raise TypeError(f"{type(value).__name__} where nothing belongs")
            return b"", NO_HANDLES
        sent: list[Sendable] = []
        body = Outgoing(sent).encode(value)
        handles = [each.channel if isinstance(each, ProtocolEnd) else each for each in sent]
        try:
            copy: T = self._borrow_decoder().decode(body, sent, None)
            self._verify(copy, body, len(sent))
        except BaseException:
            forget_asked(handles)
            raise
        leave_asked(handles, besides=Rights.TRANSFER)
        return body, handles

    def _decode_special(self, body: Body, handles: Sequence[Handle]) -> T:
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
            leave_asked(made)
        except BaseException:
            close_all(made)
            raise
        return value

    def _borrow_decoder(self) -> HandleDecoder:
        """Take a decoder that nobody uses now; it comes back by itself."""
        free = self._free
        assert free is not None
        try:
            return free.pop()
        except IndexError:
            return HandleDecoder(self.type, self._facts, free)

    @property
    def _name(self) -> str:
        return "()" if self._is_empty else getattr(self.type, "__name__", str(self.type))


def _in_c(function: F) -> F | None:
    return function if isinstance(function, types.BuiltinMethodType) else None


class _Late(Codec[T]):
    """A codec that is not built yet.

    A class with `__getattr__` pays for it in every attribute that it does have, so a codec loses it
    once it is built.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        """Build what is missing; two threads may do so at once, to the same end."""
        if name not in Codec.__slots__:
            raise AttributeError(name)
        self._build()
        _become(self, Codec)
        return getattr(self, name)


def _become(codec: Codec[Any], kind: type[Codec[Any]]) -> None:
    object.__setattr__(codec, "__class__", kind)
