"""Snapshot: one consistent look at an inspect VMO, whoever writes it, and whatever that one does.

1. Nothing of it is trusted: its size is what fstat(2) says, its content what `parse` accepts.
2. It is mapped only if it is sealed against shrinking; else it is copied through the kernel.
3. A copy counts if the generation was even before it, and is the same after it. Otherwise another
   is taken, until time is up. Then what can be read is, and marked as torn: the writer died or
   stopped in the middle of a change, or is too busy.
4. Nothing but InspectError comes out of it, whatever the content.
A 64-bit value is read whole. On machines whose memory order is weaker than x86-64's, the order
in which two values are seen to change is not promised.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from typing import Final, Self

from ipcrt.errors import IpcError
from ipcrt.inspect.format import GENERATION, HEADER_BYTES, MAX_BYTES, WORD_BYTES, InspectError
from ipcrt.inspect.parse import parse_header, parse_tree
from ipcrt.inspect.tree import Node
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo

READ_TIMEOUT: Final = 0.25
"""Seconds to try for a whole copy."""

_PAUSE_S: Final = 0.0002
_GENERATION_AT: Final = slice(GENERATION * WORD_BYTES, (GENERATION + 1) * WORD_BYTES)

Copy = Callable[[int, int], bytes]
"""Answers the bytes from an offset on, fewer where there are no more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """A tree as it was at one moment."""

    root: Node
    torn: bool
    """True where it was read in the middle of a change: values may not belong together."""

    generation: int
    used_bytes: int
    dropped: int
    """Nodes and properties that found no room."""

    refreshed_ns: int
    """When what is pulled was pulled last, on CLOCK_MONOTONIC; zero for never."""

    period_ns: int
    """How often that was to happen; zero where nothing was promised."""

    @classmethod
    def read(cls, source: Vmo | memoryview | bytes, timeout: float = READ_TIMEOUT) -> Self:
        """Read a tree; `source` stays the caller's. `timeout` in seconds (rule 3).

        A memoryview must be of memory that cannot go away.
        Raises: InspectError. BadHandle: the VMO is closed. AccessDenied: no READ or MAP right.
        """
        if not isinstance(source, Vmo):
            view = memoryview(source).cast("B")
            return cls._read(lambda at, count: bytes(view[at : at + count]), timeout)
        source.require(Rights.READ | Rights.MAP, "read a tree")
        source.fileno()
        try:
            return cls._read_vmo(source, timeout)
        except InspectError:
            raise
        except IpcError as error:
            raise InspectError(f"no VMO to read: {error}") from error

    @classmethod
    def _read_vmo(cls, vmo: Vmo, timeout: float) -> Self:
        size = vmo.content_size
        if not HEADER_BYTES <= size <= MAX_BYTES:
            raise InspectError(f"{size} bytes are not from {HEADER_BYTES} to {MAX_BYTES}")
        if not vmo.seals & Seals.SHRINK:
            return cls._read(lambda at, count: vmo.read(at, min(count, size - at)), timeout)
        with vmo.map() as mapping:
            return cls._read(lambda at, count: mapping[at : at + count], timeout)

    @classmethod
    def _read(cls, copy: Copy, timeout: float) -> Self:
        until = time.monotonic() + timeout
        while True:
            data, whole = _copy(copy)
            if whole or time.monotonic() >= until:
                break
            time.sleep(_PAUSE_S)
        header = parse_header(data)
        return cls(
            parse_tree(data, torn=not whole),
            not whole,
            header.generation,
            header.used,
            header.dropped,
            header.refreshed_ns,
            header.period_ns,
        )

    def age_ns(self, now_ns: int | None = None) -> int | None:
        """Answer how old what is pulled is, in nanoseconds; None where nothing ever was.

        `now_ns` is of CLOCK_MONOTONIC, which all processes of a machine share.
        """
        if not self.refreshed_ns:
            return None
        now = time.monotonic_ns() if now_ns is None else now_ns
        return max(0, now - self.refreshed_ns)


def _copy(copy: Copy) -> tuple[bytes, bool]:
    """Copy all that is in use; True where nobody wrote meanwhile (rule 3)."""
    used = parse_header(copy(0, HEADER_BYTES)).used
    before = copy(_GENERATION_AT.start, WORD_BYTES)
    data = copy(0, used)
    after = copy(_GENERATION_AT.start, WORD_BYTES)
    even = not int.from_bytes(before, sys.byteorder) & 1
    same = before == after == data[_GENERATION_AT]
    return data, even and same and parse_header(data).used == used
