"""Shape: how a value of fixed size lies in memory, and the way between the two.

1. Members lie in their order, each at the next multiple of its own alignment, as in C on a 64-bit
   machine; the whole is padded to a multiple of the largest alignment.
2. Numbers are in the machine's own byte order: the memory never leaves it. As in C, a number too
   large for a float32 becomes infinite; an integer that does not fit is refused.
3. Member names, types and offsets are all that two shapes need to have in common; which Python
   class holds the values is each side's own affair.
"""

from __future__ import annotations

import dataclasses
import itertools
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from ipcrt.errors import InvalidArgs, OutOfRange, ProtocolError

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

MAX_SHAPE_BYTES: Final = 1 << 24
"""Bytes of one value; what is larger is a matter for a VMO of its own."""


@dataclasses.dataclass(frozen=True, slots=True)
class Scalar:
    """One number: its FIDL name, which NumPy knows it by, too, and its code in `struct`."""

    name: str
    code: str

    @property
    def size(self) -> int:
        """Its bytes, which are its alignment, too (rule 1)."""
        return struct.calcsize("=" + self.code)


SCALARS: Final = {
    name: Scalar(name, code)
    for name, code in {
        "int8": "b",
        "int16": "h",
        "int32": "i",
        "int64": "q",
        "uint8": "B",
        "uint16": "H",
        "uint32": "I",
        "uint64": "Q",
        "float32": "f",
        "float64": "d",
        "bool": "?",
    }.items()
}


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """One named part of a value: a number, a nested value, or a fixed count of either."""

    name: str
    kind: Scalar | Shape[Any]
    count: int | None = None
    """How many, for an array; None where it is none."""
    convert: Callable[[Any], Any] | None = None
    """Makes the member's value of one number, such as an enum's."""
    container: Callable[[Iterable[Any]], Any] = tuple
    """Makes the member's value of an array's elements."""


class Shape(Generic[T]):
    """How values of one class lie in memory. Immutable; any thread may use it."""

    __slots__ = ("_struct", "_take", "alignment", "make", "members", "name", "offsets", "size")

    def __init__(self, name: str, members: Sequence[Member], make: Callable[..., T]) -> None:
        """`make` takes the members' values in their order; values have them as attributes.

        Raises: InvalidArgs: no members, or two of one name. OutOfRange: an array of none, or more
        than 16 MiB in all.
        """
        self.name = name
        self.members = tuple(members)
        self.make = make
        self._check(name)
        self.alignment = max(_alignment_of(member) for member in self.members)
        self.offsets, self.size = self._place()
        if self.size > MAX_SHAPE_BYTES:
            raise OutOfRange(f"{name} of {self.size} bytes exceeds {MAX_SHAPE_BYTES}")
        self._struct = struct.Struct("@" + "".join(self.codes()))
        self._take: Callable[[Any], tuple[Any, ...]] | None = None
        if len(self.members) > 1 and all(map(_is_plain, self.members)):
            self._take = attrgetter(*(member.name for member in self.members))

    def _check(self, name: str) -> None:
        names = {member.name for member in self.members}
        if not names or len(names) != len(self.members):
            raise InvalidArgs(f"{name} has no members, or two of one name")
        for member in self.members:
            if member.count is None:
                continue
            _check_count(f"{name}.{member.name}", member.count)
            if member.count < 1:
                raise OutOfRange(f"{name}.{member.name}: an array of {member.count} is under 1")

    def _place(self) -> tuple[tuple[int, ...], int]:
        """Answer where each member begins, and the size of all (rule 1)."""
        offsets: list[int] = []
        end = 0
        for member in self.members:
            offsets.append(_up(end, _alignment_of(member)))
            end = offsets[-1] + member.kind.size * (member.count or 1)
        return tuple(offsets), _up(end, self.alignment)

    def codes(self) -> Iterator[str]:
        """Answer the whole as codes of `struct`, nested values included, padding spelt out."""
        end = 0
        for member, offset in zip(self.members, self.offsets, strict=True):
            yield "x" * (offset - end)
            count = member.count or 1
            if isinstance(member.kind, Scalar):
                yield f"{count}{member.kind.code}"
            else:
                yield "".join(member.kind.codes()) * count
            end = offset + member.kind.size * count
        yield "x" * (self.size - end)

    # ---- values

    def pack_into(self, memory: memoryview, value: T) -> None:
        """Write `value` at the beginning of `memory`.

        Raises: InvalidArgs: a member is missing, of another type, or an array of another length.
        OutOfRange: a number does not fit; the memory may have changed then.
        """
        try:
            self._struct.pack_into(memory, 0, *self.flat(value))
        except (AttributeError, TypeError) as error:
            raise InvalidArgs(f"no {self.name}: {error}") from error
        except (struct.error, OverflowError) as error:
            raise OutOfRange(f"no {self.name}: {error}") from error

    def pack(self, value: T) -> bytes:
        """Answer `value` as bytes. Raises: as `pack_into`."""
        room = bytearray(self.size)
        self.pack_into(memoryview(room), value)
        return bytes(room)

    def unpack(self, data: bytes | memoryview) -> T:
        """Answer the value at the beginning of `data`.

        Raises: ProtocolError: an enum without such a member.
        """
        flat = self._struct.unpack_from(data)
        if self._take is not None:
            return self.make(*flat)
        try:
            return self.build(iter(flat))
        except ValueError as error:
            raise ProtocolError(f"no {self.name}: {error}") from error

    def flat(self, value: Any) -> Sequence[Any]:
        """Answer all numbers of `value`, those of nested values in their place."""
        if self._take is not None:
            return self._take(value)
        flat: list[Any] = []
        for member in self.members:
            part = getattr(value, member.name)
            parts = (part,) if member.count is None else part
            if len(parts) != (member.count or 1):
                raise InvalidArgs(
                    f"{self.name}.{member.name}: {len(parts)} elements are not {member.count}"
                )
            if isinstance(member.kind, Scalar):
                flat.extend(parts)
            else:
                for each in parts:
                    flat.extend(member.kind.flat(each))
        return flat

    def build(self, flat: Iterator[Any]) -> T:
        """Make a value of the next numbers. Raises: ValueError: an enum has no such member."""
        return self.make(*[_part(member, flat) for member in self.members])

    # ---- what it looks like

    def lines(self, path: str = "", at: int = 0) -> Iterator[str]:
        """Describe every number in it, for a hash (rule 3)."""
        for member, offset in zip(self.members, self.offsets, strict=True):
            name = f"{path}.{member.name}" if path else member.name
            count = "" if member.count is None else f"[{member.count}]"
            if isinstance(member.kind, Scalar):
                yield f"{name}{count} {member.kind.name} {at + offset}"
            else:
                yield f"{name}{count} struct {at + offset} {member.kind.size}"
                yield from member.kind.lines(name, at + offset)

    def dtype(self) -> np.dtype[Any]:
        """Answer the shape as NumPy's structured type. Raises: ImportError: no NumPy."""
        import numpy as np

        formats: list[Any] = []
        for member in self.members:
            kind = member.kind
            base: Any = np.dtype(kind.name) if isinstance(kind, Scalar) else kind.dtype()
            formats.append(base if member.count is None else (base, (member.count,)))
        return np.dtype(
            {
                "names": [member.name for member in self.members],
                "formats": formats,
                "offsets": list(self.offsets),
                "itemsize": self.size,
            }
        )


def _part(member: Member, flat: Iterator[Any]) -> Any:
    """Answer the value of one member, made of the next numbers."""
    if member.count is None:
        return _element(member, flat)
    if member.convert is None and isinstance(member.kind, Scalar):
        return member.container(itertools.islice(flat, member.count))
    return member.container(_element(member, flat) for _ in range(member.count))


def _element(member: Member, flat: Iterator[Any]) -> Any:
    if isinstance(member.kind, Shape):
        return member.kind.build(flat)
    return next(flat) if member.convert is None else member.convert(next(flat))


def _check_count(name: str, count: object) -> None:
    if not isinstance(count, int):
        raise InvalidArgs(f"{name}: {count!r} is no number of elements")


def _is_plain(member: Member) -> bool:
    return member.count is None and member.convert is None and isinstance(member.kind, Scalar)


def _alignment_of(member: Member) -> int:
    return member.kind.size if isinstance(member.kind, Scalar) else member.kind.alignment


def _up(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
