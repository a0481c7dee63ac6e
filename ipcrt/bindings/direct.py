"""Direct: a struct whose handles are members of its own, there and back without hooks.

Most messages with handles are such structs. The handles are taken out, and an ordinary struct is
left, which msgspec encodes and decodes by itself.

1. Here is only what a good sender writes: handles in the order of the body, in their shortest form.
   For everything else the answer is None, and `placing`, which knows every form and names every
   fault, looks at it from the beginning: until then nothing has changed hands.
2. On the way out nothing has changed, either, before all members have been checked.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, cast

import msgspec
from msgspec import inspect, msgpack
from msgspec.structs import astuple

from ipcrt._speedups.chosen import choose
from ipcrt.bindings.bounds import Check, check_for
from ipcrt.bindings.ends import ProtocolEnd
from ipcrt.bindings.needs import NEEDS, check_rights
from ipcrt.bindings.schema import examine
from ipcrt.bindings.structs import Struct
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.rights import Rights
from ipcrt.wire.handles import HANDLE_EXT, index_ext
from ipcrt.wire.limits import MAX_HANDLES

_NIL: Final = b"\xc0"
_MARKS: Final = [
    msgpack.encode(msgpack.Ext(HANDLE_EXT, index_ext(index))) for index in range(MAX_HANDLES)
]
_ABSENT: Final = msgspec.Raw(_NIL)
_INDICES: Final = [msgspec.Raw(mark) for mark in _MARKS]

# What msgspec raises, and what it raises where a member is of another type.
_BAD_VALUE: Final = (ValueError, TypeError, OverflowError, RecursionError)

# How the object of a place comes to be, as in direct.c.
_AS_IT_IS: Final = 0
_BECOMES: Final = 1
_IS_MADE: Final = 2
_IS_END: Final = 3

Encode: TypeAlias = Callable[[object], tuple[bytes, list[Handle]] | None]
Decode: TypeAlias = Callable[[bytes | memoryview, Sequence[Handle]], Any]


def _direct(ways: tuple[Encode, Decode], *parts: object) -> tuple[Encode, Decode]:
    del parts
    return ways


make_direct: Final = choose("direct", _direct)
"""Answers the ways of a `Direct`, by its parts in the order of direct.c, or those it is given."""


class Place:
    """A member that is a handle."""

    __slots__ = ("asked", "at", "is_end", "kept", "make", "optional", "wanted")

    def __init__(self, at: int, wanted: type[Any], asked: Rights | None, *, optional: bool) -> None:
        self.at = at
        """Which member of the struct."""
        self.wanted = wanted
        self.is_end = issubclass(wanted, ProtocolEnd)
        self.make = _maker(wanted)
        """Makes the object that is wanted of a plain handle, which moves; None: that becomes it."""
        self.asked = asked
        """The rights that its contract asks for; None: as many as there are."""
        self.kept = None if asked is None else _kept(wanted, asked)
        """Those that it keeps on its way; None: the others are the receiver's to take (`needs`)."""
        self.optional = optional

    def facts(self) -> tuple[object, ...]:
        """Answer what direct.c has to know, in its order."""
        cls, how, bits = self.wanted, _IS_END, 0
        if not self.is_end:
            how = _AS_IT_IS if cls is Handle else _BECOMES if self.make is None else _IS_MADE
            bits = int(cls.DEFAULT_RIGHTS)
        kind = 0 if self.is_end else int(cls.TYPE)
        asked = -1 if self.asked is None else int(self.asked)
        return self.at, cls, how, kind, bits, asked, self.kept, self.optional


class Direct:
    """How one struct with handles is encoded and decoded; holds nothing of any message."""

    __slots__ = (
        "_check",
        "_full",
        "_head",
        "_places",
        "_read_rest",
        "_rest",
        "_takes_any",
        "_type",
        "_write_rest",
        "decode",
        "encode",
    )

    decode: Decode
    """As `_decode`."""
    encode: Encode
    """As `_encode`."""

    def __init__(
        self, type_: type[msgspec.Struct], places: list[Place], rest: type[msgspec.Struct]
    ) -> None:
        """`rest` is `type_` with a Raw where a handle stands."""
        self._type: Callable[..., object] = type_
        self._places = places
        self._takes_any = all(each.wanted is Handle and each.asked is None for each in places)
        self._rest: Callable[..., object] = rest
        self._head: bytes | None = None
        """What stands before the handles where there are no other members; else None."""
        self._full: bytes | None = None
        """The body with all of them."""
        if len(places) == len(rest.__struct_fields__):
            self._head = msgpack.encode([None] * len(places))[: -len(places)]
            self._full = self._head + b"".join(_MARKS[: len(places)])
        self._check: Check | None = check_for(rest)
        self._write_rest = msgpack.Encoder().encode
        self._read_rest = msgpack.Decoder(rest).decode
        self.encode, self.decode = self._encode, self._decode
        if not hasattr(type_, "__post_init__"):  # which may look at handles that are not there yet
            self.encode, self.decode = make_direct(
                (self._encode, self._decode),
                type_,
                type_.__struct_fields__,
                rest,
                self._write_rest,
                self._read_rest,
                self._check,
                self._head,
                (*_INDICES, _ABSENT),
                _ABSENT,
                tuple(place.facts() for place in places),
            )

    def _encode(self, value: object) -> tuple[bytes, list[Handle]] | None:
        """Answer the body and the handles, which stay the caller's; None: see rule 1.

        Raises: NoResources: no descriptor is free for a handle with fewer rights.
        """
        if type(value) is not self._type:
            return None
        members: list[Any] = [*astuple(value)]  # type: ignore[arg-type]
        head = self._head
        marks: Sequence[Any] = _INDICES if head is None else _MARKS
        handles: list[Handle] = []
        reduced: tuple[tuple[Handle, Rights], ...] = ()
        for place in self._places:
            member = members[place.at]
            if isinstance(member, place.wanted):
                handle: Handle = member.channel if place.is_end else member
                if place.asked is not None:
                    if handle.lacks(place.asked):
                        return None
                    if place.kept is not None:
                        reduced = (*reduced, (handle, place.kept))
                members[place.at] = marks[len(handles)]
                handles.append(handle)
            elif member is None and place.optional:
                members[place.at] = _ABSENT if head is None else _NIL
            else:
                return None
        body = self._write(members) if head is None else head + b"".join(members)
        if body is None:
            return None
        for handle, kept in reduced:
            handle.restrict(kept)
        return body, handles

    def _decode(self, body: bytes | memoryview, handles: Sequence[Handle]) -> Any:
        """Answer the value, which owns the handles; None: see rule 1.

        Raises: WrongType, BadHandle, NoResources. msgspec.ValidationError: a handle lacks rights.
        Then those of the handles are closed that had become objects.
        """
        present, full = self._places, self._full
        if full is not None and body == full:
            members: list[Any] = [None] * len(present)
        else:
            try:
                members = self._read(body)
            except _BAD_VALUE:
                return None
            found: list[Place] = []
            for place in self._places:
                member = members[place.at]
                if member == _INDICES[len(found)]:
                    found.append(place)
                elif place.optional and member == _ABSENT:
                    members[place.at] = None
                else:
                    return None
            present = found
        if len(present) != len(handles):
            return None
        if present is self._places and self._takes_any:
            for place, handle in zip(present, handles, strict=True):
                members[place.at] = handle
        elif present:
            _make_objects(present, handles, members)
        return self._type(*members)

    def _write(self, members: list[Any]) -> bytes | None:
        try:
            body = self._write_rest(self._rest(*members))
            self._read(body)
        except _BAD_VALUE:
            return None
        return body

    def _read(self, body: bytes | memoryview) -> list[Any]:
        rest = self._read_rest(body)
        if self._check is not None:
            self._check(rest)
        return [*astuple(rest)]


def direct_for(type_: Any) -> Direct | None:
    """Answer how to encode and decode `type_`, or None where that takes more than is here."""
    info = inspect.type_info(type_)
    if not isinstance(info, inspect.StructType) or info.tag is not None:
        return None
    hints = typing.get_type_hints(info.cls, include_extras=True)
    places: list[Place] = []
    rest: list[tuple[str, Any]] = []
    for at, field in enumerate(info.fields):
        place = _place_of(at, field)
        if place is not None:
            places.append(place)
            rest.append((field.name, msgspec.Raw))
        elif not _is_plain(hints[field.name]):
            return None
        else:
            rest.append((field.name, hints[field.name]))
    if not places or len(places) > MAX_HANDLES:
        return None
    base = msgspec.defstruct(info.cls.__name__, rest, bases=(Struct,))
    return Direct(info.cls, places, base)


def _make_objects(places: list[Place], handles: Sequence[Handle], members: list[Any]) -> None:
    """Make the objects that the contract names, one of each handle, in their places."""
    made: list[Any] = []
    try:
        for place in places:
            found: Any = handles[len(made)]
            if place.make is not None:
                found = place.make(found)
            elif place.wanted is not Handle:
                found.become(place.wanted)
            made.append(found)
            members[place.at] = found
            asked = place.asked
            if asked is not None:
                if found.lacks(asked):
                    check_rights(found, asked)
                found.restrict(asked)
    except BaseException:
        close_all(made)
        raise


def _is_plain(type_: object) -> bool:
    facts = examine(type_)
    return not (facts.has_handles or facts.is_loose)


def _place_of(at: int, field: inspect.Field) -> Place | None:
    """Answer what stands in a member that is one handle, or None for any other member."""
    info: Any = field.type
    optional = isinstance(info, inspect.UnionType) and len(info.types) == 2 and info.includes_none
    if optional:
        info = next(each for each in info.types if not isinstance(each, inspect.NoneType))
    asked: Rights | None = None
    if isinstance(info, inspect.Metadata):
        extra: dict[str, Any] = cast("Any", info).extra or {}
        asked = extra.get(NEEDS)
        info = info.type
    if not isinstance(info, inspect.CustomType):
        return None
    return Place(at, info.cls, asked, optional=optional) if _is_sendable(info.cls) else None


def _is_sendable(cls: Any) -> bool:
    return issubclass(cls, Handle | ProtocolEnd)


def _kept(wanted: type[Any], asked: Rights) -> Rights | None:
    """Answer what is left to an object whose rights the kernel enforces, or may."""
    if wanted is not Handle and wanted.restrict is Handle.restrict:
        return None
    return asked | Rights.TRANSFER


def _maker(wanted: type[Any]) -> Callable[[Handle], Any] | None:
    if issubclass(wanted, Handle):
        return None if wanted.is_bare() else wanted.from_handle
    make_end: Callable[[Channel], Any] = wanted
    return lambda handle: make_end(Channel.from_handle(handle))
