"""Layout: what sections a shared state has, and where each of them lies.

    HEAD = Section("head", Head)
    HANDS = Section("hands", Hands)
    DEVICES = Layout("devices", (HEAD, HANDS))

1. Both sides compute the places from a layout of their own. Nothing that lies in the shared memory
   tells a reader where to look; its hash tells whether the two layouts are the same.
2. Each section begins with a line of its own for the word that readers watch, and its slots begin
   at lines of their own, so that writers of two sections share no cache line.
3. A slot is a word for the checksum, then the value.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final, Generic, Self, TypeVar, cast, overload

from ipcrt.errors import InvalidArgs, NotFound, OutOfRange
from ipcrt.shm.record import Record, RecordT, is_record, record_shape
from ipcrt.shm.shape import Shape

T = TypeVar("T")

LINE_BYTES: Final = 64
"""A cache line of x86-64 and of nearly all others; larger ones cost time, never truth."""
WORD_BYTES: Final = 8
SLOTS: Final = 4
"""How many values of a section are kept: the newest, two more, and the one being written."""
MAX_SECTIONS: Final = 256
MAX_LAYOUT_BYTES: Final = 1 << 28


class Section(Generic[T]):
    """A named part of a shared state, with values of one shape. Immutable."""

    __slots__ = ("name", "shape")

    @overload
    def __init__(self, name: str, kind: Shape[T]) -> None: ...
    @overload
    def __init__(self: Section[RecordT], name: str, kind: type[RecordT]) -> None: ...
    def __init__(self, name: str, kind: Any) -> None:
        """`kind` is a Record's class, or a shape.

        Raises: InvalidArgs: no name, or a class without a fixed size. OutOfRange: too large.
        """
        if not name.isidentifier():
            raise InvalidArgs(f"section's name {name!r} is no identifier")
        self.name = name
        self.shape: Shape[T] = _shape_of(name, kind)

    def __repr__(self) -> str:
        return f"<Section {self.name}: {self.shape.name}, {self.shape.size} bytes>"


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a section lies, in bytes from the beginning (rules 2 and 3)."""

    begin: int
    stride: int
    size: int

    @property
    def word(self) -> int:
        """Which word of the memory tells the section's version."""
        return self.begin // WORD_BYTES

    def slot(self, number: int) -> int:
        """Answer where a slot's value begins; its checksum is the word before it."""
        return self.begin + LINE_BYTES + number * self.stride + WORD_BYTES


class Layout:
    """Named, ordered sections, and where they lie. Immutable."""

    __slots__ = ("hash", "name", "places", "sections", "size")

    def __init__(self, name: str, sections: Sequence[Section[Any]]) -> None:
        """Raises: InvalidArgs: no sections, or two of one name. OutOfRange: too many, too large."""
        self.name = name
        self.sections = tuple(sections)
        names = {section.name for section in self.sections}
        if not names or len(names) != len(self.sections):
            raise InvalidArgs(f"layout {name} has no sections, or two of one name")
        if len(names) > MAX_SECTIONS:
            raise OutOfRange(f"layout {name}: {len(names)} sections exceed {MAX_SECTIONS}")
        self.places, self.size = _place(self.sections)
        if self.size > MAX_LAYOUT_BYTES:
            raise OutOfRange(f"layout {name} of {self.size} bytes exceeds {MAX_LAYOUT_BYTES}")
        digest = hashlib.sha256("\n".join(self._lines()).encode()).digest()
        self.hash = int.from_bytes(digest[:8], "little")
        """Over the names, types and offsets of everything in it."""

    @classmethod
    def of(cls, kind: type[Record], name: str = "") -> Self:
        """Make a layout of a record of records: one section for each member."""
        return cls.of_shape(record_shape(kind), name)

    @classmethod
    def of_shape(cls, shape: Shape[Any], name: str = "") -> Self:
        """Make a layout of the shape of a struct of structs: one section for each member.

        Raises: InvalidArgs: a member is a number or an array. OutOfRange.
        """
        sections: list[Section[Any]] = []
        for member in shape.members:
            if not isinstance(member.kind, Shape) or member.count is not None:
                raise InvalidArgs(f"{shape.name}.{member.name} is no section: make it a struct")
            sections.append(Section(member.name, member.kind))
        return cls(name or shape.name, sections)

    def section(self, name: str, kind: type[T]) -> Section[T]:
        """Answer a section by name, and that its values are of class `kind`.

        Raises: NotFound. InvalidArgs: they are of another class.
        """
        for section in self.sections:
            if section.name == name:
                if section.shape.make is not kind:
                    raise InvalidArgs(f"{section!r} has no values of {kind.__name__}")
                return section
        raise NotFound(f"layout {self.name} has no section {name}")

    def _lines(self) -> Iterator[str]:
        yield f"layout {self.name} {SLOTS} {self.size}"
        for section, place in zip(self.sections, self.places, strict=True):
            yield f"section {section.name} {place.begin} {place.stride} {place.size}"
            yield from section.shape.lines(section.name)

    def __repr__(self) -> str:
        return f"<Layout {self.name}: {len(self.sections)} sections, hash {self.hash:#018x}>"


def _shape_of(name: str, kind: Any) -> Any:
    if is_record(kind):
        return record_shape(kind)
    if isinstance(kind, Shape):
        return cast("Any", kind)
    what = kind.__name__ if isinstance(kind, type) else repr(kind)
    raise InvalidArgs(f"section {name}: {what} is no Record, and no shape")


def _place(sections: Sequence[Section[Any]]) -> tuple[tuple[Place, ...], int]:
    """Answer where each section lies behind the header, and where the last one ends."""
    places: list[Place] = []
    end = LINE_BYTES
    for section in sections:
        stride = -(-(WORD_BYTES + section.shape.size) // LINE_BYTES) * LINE_BYTES
        places.append(Place(end, stride, section.shape.size))
        end += LINE_BYTES + SLOTS * stride
    return tuple(places), end
