"""The page of a timeline: one value that its signaller writes and all others read.

1. The signaller maps it for writing, then seals it: nobody can resize it, and nobody else can ever
   write to it, whoever holds it (F_SEAL_FUTURE_WRITE).
2. A reader maps it only if it is sealed so: then it is no third party's word that it reads. Its
   signaller is not trusted all the same: see `sync.py`.
3. The value is one aligned word, written and read by one access of the machine: never torn. Whoever
   has read it sees all that its signaller had written before, also into other memory.
Source: F_ADD_SEALS in fcntl(2).

    0  magic, 8 bytes    8  version u64    64  value u64      (native byte order)
"""

from __future__ import annotations

import mmap
import sys
from typing import Final

from ipcrt.errors import RemoteProtocolError
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.fence import fence
from ipcrt.shm.mapping import map_shared

PAGE_BYTES: Final = mmap.PAGESIZE
MAX_VALUE: Final = (1 << 64) - 1

_MAGIC: Final = int.from_bytes(b"ipcrttml", sys.byteorder)
_VERSION: Final = 1
_VERSION_WORD: Final = 1
_VALUE_WORD: Final = 8
_UNRESIZED: Final = Seals.SHRINK | Seals.GROW
_UNWRITTEN: Final = Seals.FUTURE_WRITE | Seals.WRITE


class TimelinePage:
    """A mapped page, good until `close`."""

    __slots__ = ("_words",)

    def __init__(self, words: memoryview) -> None:
        self._words = words

    @property
    def value(self) -> int:
        """What stands there now."""
        found: int = self._words[_VALUE_WORD]
        fence()  # rule 3
        return found

    @value.setter
    def value(self, value: int) -> None:
        fence()  # rule 3
        self._words[_VALUE_WORD] = value

    def close(self) -> None:
        """Unmap it; a second close does nothing."""
        self._words.release()


def create_page(value: int) -> tuple[Vmo, TimelinePage]:
    """Make a page, sealed, and its only writable mapping; the caller owns both.

    Raises: NoResources.
    """
    vmo = Vmo.create(PAGE_BYTES, "ipcrt-timeline")
    try:
        vmo.seal(_UNRESIZED)
        words = map_shared(vmo, writable=True).cast("Q")
        words[0], words[_VERSION_WORD], words[_VALUE_WORD] = _MAGIC, _VERSION, value
        vmo.seal(Seals.FUTURE_WRITE | Seals.SEAL)
    except BaseException:
        vmo.close()
        raise
    return vmo, TimelinePage(words)


def attach_page(vmo: Vmo) -> TimelinePage:
    """Map a page that a peer made, read-only; `vmo` stays the caller's.

    Raises: RemoteProtocolError: not sealed, or no page of a timeline. AccessDenied, NotSupported,
    NoResources: it cannot be mapped.
    """
    seals = vmo.seals
    if _UNRESIZED & ~seals or not _UNWRITTEN & seals:
        raise RemoteProtocolError(f"a timeline's page has only {seals!r}")
    if vmo.content_size != PAGE_BYTES:
        raise RemoteProtocolError(f"a timeline's page has {vmo.content_size} bytes")
    words = map_shared(vmo, writable=False).cast("Q")
    if words[0] != _MAGIC or words[_VERSION_WORD] != _VERSION:
        raise RemoteProtocolError("the page holds no timeline that this version knows")
    return TimelinePage(words)
