"""Read a copy of an inspect VMO. It may hold anything: whoever wrote it is not trusted.

1. Records follow each other from the header to what is in use, without a gap; each is at least its
   head, at most the rest, and whole words long.
2. A record's parent is the root or a node, and each node hangs from the root: no cycles.
3. Kinds, flags, counts, booleans, bucket counts and UTF-8 are what the format says.
4. Time and memory follow the bytes in use, of which there are at most MAX_BYTES; the depth of the
   tree is bounded.
A torn copy was taken while somebody wrote: what breaks a rule in it is left out.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from typing import Final

from ipcrt.inspect.format import (
    CUT,
    HEADER,
    HEADER_BYTES,
    MAGIC,
    MAX_BUCKETS,
    MAX_BYTES,
    MAX_DEPTH,
    RECORD,
    RECORD_BYTES,
    VERSION,
    WORD_BYTES,
    InspectError,
    Kind,
    padded,
)
from ipcrt.inspect.tree import Histogram, Node, Property, Value

_ROOT: Final = 0
# Plain numbers: an enum's members compare several times more slowly.
_FREE: Final = int(Kind.FREE)
_NODE: Final = int(Kind.NODE)
_KINDS: Final = {int(kind): kind for kind in Kind}
_SCALARS: Final = frozenset(map(int, (Kind.INT, Kind.UINT, Kind.DOUBLE, Kind.BOOL)))
_OCTETS: Final = frozenset(map(int, (Kind.STRING, Kind.BYTES)))


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """The words at the head of the VMO."""

    generation: int
    used: int
    dropped: int
    refreshed_ns: int
    period_ns: int


def parse_header(data: bytes | memoryview) -> Header:
    """Read the head of a VMO.

    Raises: InspectError: too short, no magic, another version, or an impossible size in use.
    """
    if len(data) < HEADER_BYTES:
        raise InspectError(f"{len(data)} bytes are no header of {HEADER_BYTES}")
    magic, version, generation, used, dropped, refreshed, period, _ = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise InspectError(f"magic {magic!r} is not {MAGIC!r}")
    if version != VERSION:
        raise InspectError(f"version {version} is not {VERSION}")
    if not HEADER_BYTES <= used <= MAX_BYTES or used % WORD_BYTES:
        raise InspectError(f"{used} bytes in use are not from {HEADER_BYTES} to {MAX_BYTES}")
    return Header(generation, used, dropped, refreshed, period)


def parse_tree(data: bytes, *, torn: bool = False) -> Node:
    """Read all records of a copy into a tree.

    Raises: InspectError: a rule is broken, and the copy is not `torn`.
    """
    end = parse_header(data).used
    if end > len(data):
        if not torn:
            raise InspectError(f"{end} bytes in use exceed the {len(data)} that are there")
        end = len(data)
    scan = _Scan(data, torn=torn)
    scan.records(end)
    return scan.tree()


class _Scan:
    """One pass over the records, then one over the nodes."""

    def __init__(self, data: bytes, *, torn: bool) -> None:
        self._data = data
        self._torn = torn
        self._names: dict[int, str] = {_ROOT: "root"}
        self._properties: dict[int, list[Property]] = {}
        self._children: dict[int, list[int]] = {}
        self._placed = 0

    def records(self, end: int) -> None:
        at = HEADER_BYTES
        while at < end:
            try:
                at += self._record(at, end)
            except InspectError:
                if not self._torn:
                    raise
                size = self._size_at(at, end)
                if size is None:
                    return  # where the next one begins cannot be known
                at += size

    def _size_at(self, at: int, end: int) -> int | None:
        if end - at < RECORD_BYTES:
            return None
        size: int = RECORD.unpack_from(self._data, at)[0]
        return None if size < RECORD_BYTES or size % WORD_BYTES or size > end - at else size

    def _record(self, at: int, end: int) -> int:
        """Take one record in; answer its size."""
        data = self._data
        size = self._size_at(at, end)
        if size is None:
            raise InspectError(f"record at {at}: size does not fit the {end} bytes in use")
        _, kind, name_bytes, flags, parent, count = RECORD.unpack_from(data, at)
        if kind == _FREE:
            return size
        value_at = at + RECORD_BYTES + padded(name_bytes)
        room = at + size - value_at
        if room < 0:
            raise InspectError(f"record at {at}: its name of {name_bytes} bytes exceeds it")
        name = _text(data[at + RECORD_BYTES : at + RECORD_BYTES + name_bytes], at)
        if kind == _NODE:
            self._names[at] = name
            self._children.setdefault(parent, []).append(at)
        else:
            value = self._value(at, kind, value_at, room, count)
            cut = bool(flags & CUT)
            self._properties.setdefault(parent, []).append(Property(name, _KINDS[kind], value, cut))
        return size

    def _value(self, at: int, kind: int, value_at: int, room: int, count: int) -> Value:
        reader = _READERS.get(kind)
        if reader is None:
            raise InspectError(f"record at {at}: kind {kind} is unknown")
        if kind in _SCALARS:
            needed = WORD_BYTES
        else:
            needed = count if kind in _OCTETS else count * WORD_BYTES
        if needed > room:
            raise InspectError(f"record at {at}: a value of {needed} bytes exceeds its {room}")
        return reader(self._data[value_at : value_at + needed], at)

    def tree(self) -> Node:
        """Hang everything from the root (rule 2)."""
        root = self._node(_ROOT, MAX_DEPTH)
        if self._torn:
            return root
        if self._placed != len(self._names):
            lost = len(self._names) - self._placed
            raise InspectError(f"{lost} nodes hang in a cycle or from what is no node")
        stray = self._properties.keys() - self._names.keys()
        if stray:
            raise InspectError(f"properties hang from {min(stray)}, which is no node")
        return root

    def _node(self, at: int, depth: int) -> Node:
        self._placed += 1
        below = self._children.get(at, [])
        if depth <= 1 and below:
            if not self._torn:
                raise InspectError(f"nodes are nested deeper than {MAX_DEPTH}")
            below = []
        children = tuple([self._node(each, depth - 1) for each in below])
        return Node(self._names[at], tuple(self._properties.get(at, ())), children)


def _text(data: bytes, at: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InspectError(f"record at {at}: {error}") from error


_INT: Final = struct.Struct("=q")
_UINT: Final = struct.Struct("=Q")
_DOUBLE: Final = struct.Struct("=d")


def _int(data: bytes, _at: int) -> int:
    value: int = _INT.unpack(data)[0]
    return value


def _uint(data: bytes, _at: int) -> int:
    value: int = _UINT.unpack(data)[0]
    return value


def _double(data: bytes, _at: int) -> float:
    value: float = _DOUBLE.unpack(data)[0]
    return value


def _bool(data: bytes, at: int) -> bool:
    number = _uint(data, at)
    if number > 1:
        raise InspectError(f"record at {at}: {number} is no boolean")
    return number == 1


def _bytes(data: bytes, _at: int) -> bytes:
    return data


def _ints(data: bytes, _at: int) -> tuple[int, ...]:
    return struct.unpack(f"={len(data) // WORD_BYTES}q", data)


def _uints(data: bytes, _at: int) -> tuple[int, ...]:
    return struct.unpack(f"={len(data) // WORD_BYTES}Q", data)


def _doubles(data: bytes, _at: int) -> tuple[float, ...]:
    return struct.unpack(f"={len(data) // WORD_BYTES}d", data)


def _linear(data: bytes, at: int) -> Histogram:
    return _histogram(data, at, parameters=2)


def _exponential(data: bytes, at: int) -> Histogram:
    return _histogram(data, at, parameters=3)


def _histogram(data: bytes, at: int, parameters: int) -> Histogram:
    buckets = len(data) // WORD_BYTES - parameters
    if not 2 <= buckets <= MAX_BUCKETS:
        raise InspectError(f"record at {at}: {buckets} buckets are not from 2 to {MAX_BUCKETS}")
    head = parameters * WORD_BYTES
    floor, step, *factors = _ints(data[:head], at)
    factor = factors[0] if factors else None
    if step < 1 or (factor is not None and factor < 2):
        raise InspectError(f"record at {at}: buckets do not ascend by {step} and {factor}")
    return Histogram(floor, step, factor, _uints(data[head:], at))


_READERS: Final[dict[int, Callable[[bytes, int], Value]]] = {
    int(Kind.INT): _int,
    int(Kind.UINT): _uint,
    int(Kind.DOUBLE): _double,
    int(Kind.BOOL): _bool,
    int(Kind.STRING): _text,
    int(Kind.BYTES): _bytes,
    int(Kind.INT_ARRAY): _ints,
    int(Kind.UINT_ARRAY): _uints,
    int(Kind.DOUBLE_ARRAY): _doubles,
    int(Kind.LINEAR_HISTOGRAM): _linear,
    int(Kind.EXPONENTIAL_HISTOGRAM): _exponential,
}
