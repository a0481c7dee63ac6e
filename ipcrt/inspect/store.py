"""Store: the writer's mapping of an inspect VMO: records come and go under a sequence lock.

1. The generation is odd while something changes. Changes are made under one lock, so any thread
   may make them; not a signal handler, which could come in the middle of one.
2. Nothing here raises for want of room: what finds none is counted in the VMO itself.
3. The VMO has its full length from the start; memory is what was touched. It is sealed: nobody can
   cut or stretch it, and nobody but this mapping can write it.
4. A forked child shares the mapping with its parent, and must leave it alone: it changes nothing.
"""

from __future__ import annotations

import threading
from typing import Any, Final, Self

from ipcrt.errors import BadState, OutOfRange
from ipcrt.inspect.format import (
    DROPPED,
    GENERATION,
    HEADER,
    HEADER_BYTES,
    MAGIC,
    MAX_BYTES,
    MAX_NAME_BYTES,
    RECORD,
    RECORD_BYTES,
    USED,
    VERSION,
    WORD_BYTES,
    Kind,
    cut_text,
    encode_text,
    padded,
)
from ipcrt.inspect.heap import Heap
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.port.fork import generation

_SEALS: Final = Seals.SHRINK | Seals.GROW | Seals.FUTURE_WRITE | Seals.SEAL
_NOBODY: Final = -1
_FOR_READERS: Final = Rights.READ | Rights.MAP | Rights.DUPLICATE | Rights.TRANSFER | Rights.INSPECT


class Store:
    """Owns the VMO and its mapping; `with store:` makes one change of several."""

    __slots__ = (
        "_heap",
        "_mapping",
        "_retired",
        "_vmo",
        "doubles",
        "lock",
        "nested",
        "octets",
        "process",
        "signed",
        "unsigned",
    )

    def __init__(self, max_bytes: int, name: str) -> None:
        """Raises: OutOfRange: `max_bytes` holds no header, or exceeds 1 MiB. NoResources."""
        if not HEADER_BYTES <= max_bytes <= MAX_BYTES:
            raise OutOfRange(f"{max_bytes} bytes are not from {HEADER_BYTES} to {MAX_BYTES}")
        self.lock = threading.RLock()
        self.nested = 0
        self._retired = False
        self.process = generation()
        """The fork generation that may write; none once closed."""
        self._heap = Heap(HEADER_BYTES, max_bytes // WORD_BYTES * WORD_BYTES)
        self._vmo = Vmo.create(max_bytes // WORD_BYTES * WORD_BYTES, name)
        try:
            self._mapping = self._vmo.map(writable=True)
        except BaseException:
            self._vmo.close()
            raise
        try:
            self._vmo.seal(_SEALS)  # the mapping that is there may write on
        except BaseException:
            self._mapping.close()
            self._vmo.close()
            raise
        self._view(memoryview(self._mapping))
        HEADER.pack_into(self.octets, 0, MAGIC, VERSION, 0, HEADER_BYTES, 0, 0, 0, 0)

    def _view(self, octets: memoryview) -> None:
        self.octets = octets
        self.signed: memoryview[int] = octets.cast("q")
        self.unsigned: memoryview[int] = octets.cast("Q")
        self.doubles: memoryview[float] = octets.cast("d")

    # ---- changes

    def __enter__(self) -> Self:
        """Begin a change, or a part of one; readers wait until it is done."""
        if self.foreign and not self._retired:
            return self  # whoever holds the lock may not exist in this process
        self.lock.acquire()
        self.nested += 1
        if self.nested == 1 and not self._retired:
            self.signed[GENERATION] |= 1
        return self

    def __exit__(self, *_: object) -> None:
        if self.foreign and not self._retired:
            return
        self.nested -= 1
        if not self.nested and not self._retired:
            self.signed[GENERATION] += 1
        self.lock.release()

    @property
    def foreign(self) -> bool:
        """True in a forked child, and once retired: nothing may be changed (rule 4)."""
        return self.process != generation()

    def view(self, code: str) -> memoryview[Any]:
        """Answer all of it as numbers: `q` signed, `Q` unsigned, `d` floating-point."""
        if code == "d":
            return self.doubles
        return self.unsigned if code == "Q" else self.signed

    def set_word(self, index: int, value: int) -> None:
        """Change a number of the header."""
        if not self.foreign:
            with self:
                self.unsigned[index] = value

    # ---- records

    def add(self, kind: Kind, parent: int, name: str, room: int, count: int = 0) -> int:
        """Add a record with `room` bytes of zeros for its value; answer where it is.

        Zero stands for nowhere: there is no room, or no parent (below zero), and the addition is
        counted as dropped.
        """
        if self.foreign:
            return 0
        data = cut_text(encode_text(name), MAX_NAME_BYTES)
        head = RECORD_BYTES + padded(len(data))
        size = head + padded(room)
        with self:
            taken = self._heap.take(size) if parent >= 0 else None
            if taken is None:
                self.unsigned[DROPPED] += 1
                return 0
            at, rest = taken
            if rest is not None:
                self._mark_free(*rest)
            self.octets[at : at + size] = bytes(size)
            self.octets[at + RECORD_BYTES : at + RECORD_BYTES + len(data)] = data
            RECORD.pack_into(self.octets, at, size, kind, len(data), 0, parent, count)
            self.unsigned[USED] = self._heap.used
        return at

    def remove(self, at: int) -> None:
        """Take a record out; harmless for nowhere."""
        if at <= 0 or self.foreign:
            return
        with self:
            size: int = RECORD.unpack_from(self.octets, at)[0]
            free = self._heap.give(at, size)
            if free is not None:
                self._mark_free(*free)
            self.unsigned[USED] = self._heap.used

    def value_at(self, at: int) -> tuple[int, int]:
        """Answer where a record's value is, and how many bytes it may have."""
        size, _, name_bytes, *_ = RECORD.unpack_from(self.octets, at)
        begin = at + RECORD_BYTES + padded(name_bytes)
        return begin, at + size - begin

    def put(self, at: int, data: bytes, flags: int) -> None:
        """Replace the text or bytes of a record; `data` fits."""
        begin, _ = self.value_at(at)
        with self:
            size, kind, name_bytes, _, parent, _ = RECORD.unpack_from(self.octets, at)
            self.octets[begin : begin + len(data)] = data
            RECORD.pack_into(self.octets, at, size, kind, name_bytes, flags, parent, len(data))

    def _mark_free(self, at: int, size: int) -> None:
        RECORD.pack_into(self.octets, at, size, Kind.FREE, 0, 0, 0, 0)

    # ---- life

    def duplicate(self) -> Vmo:
        """Answer a read-only handle to the VMO; the caller owns it.

        Raises: BadHandle: closed. NoResources.
        """
        return self._vmo.duplicate(_FOR_READERS)

    @property
    def used_bytes(self) -> int:
        """How much is in use."""
        return self._heap.used

    @property
    def dropped(self) -> int:
        """How many additions found no room."""
        return self.unsigned[DROPPED]

    def retire(self) -> None:
        """Change nothing any more: the tree stays as it is, for those who hold the VMO.

        Raises: BadState: in the middle of a change.
        """
        if self._retired:
            return
        if self.foreign:
            self.lock = threading.RLock()  # as in `__enter__`
            self.nested = 0
        with self.lock:
            if self.nested:
                raise BadState("an inspector is not closed in the middle of a change")
            self._retired = True
            self.process = _NOBODY

    def close(self) -> None:
        """Give the memory back, once retired; readers that hold the VMO keep it. Idempotent."""
        with self.lock:
            if self._vmo.closed:
                return
            for view in (self.signed, self.unsigned, self.doubles, self.octets):
                view.release()
            self._mapping.close()
            self._vmo.close()
            self._view(memoryview(bytearray(HEADER_BYTES)))
