"""Ring memory: the VMO of a ring, made or checked, and mapped.

1. A ring is mapped only where it is sealed against shrinking and growing: no access can raise
   SIGBUS, and its size is what it was when it was looked at.
2. All pages are there from the start: else the first lap is as slow as its page faults, and memory
   that runs out later is a signal, not an error.
3. What a peer made takes our memory too: its size is bounded before it is touched.
Source: memfd_create(2), F_ADD_SEALS in fcntl(2), madvise(2).
"""

from __future__ import annotations

import contextlib
import errno
import mmap
from typing import Final

from ipcrt.errors import OutOfRange, RemoteProtocolError, from_oserror
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.ring_layout import HEADER_BYTES, Shape, read_shape, write_shape

_SIZE_SEALS: Final = Seals.SHRINK | Seals.GROW
_OURS: Final = _SIZE_SEALS | Seals.SEAL
_MADV_POPULATE_WRITE: Final = 23
"""Linux 5.14 on."""


def create_memory(shape: Shape, name: str) -> Vmo:
    """Make the memory of an empty ring, sealed; owned by the caller. Raises: NoResources."""
    vmo = Vmo.create(shape.memory_bytes, name)
    try:
        vmo.seal(_OURS)
        with (
            contextlib.closing(vmo.map(writable=True)) as mapping,
            memoryview(mapping) as octets,
            octets.cast("Q") as words,
        ):
            write_shape(words, shape)
    except BaseException:
        vmo.close()
        raise
    return vmo


class RingMemory:
    """A ring's memory, mapped; the VMO stays whose it is.

    `mapping` and `octets` are all of it, `words` its words. All are good until `close`.
    """

    __slots__ = ("mapping", "octets", "shape", "words")

    def __init__(self, vmo: Vmo, max_bytes: int) -> None:
        """Map what `create_memory` made, here or at a peer.

        Raises: OutOfRange: over `max_bytes`. RemoteProtocolError: not sealed, or no ring.
        AccessDenied: not writable. NotSupported: huge pages. NoResources.
        """
        if _SIZE_SEALS & ~vmo.seals:
            raise RemoteProtocolError("the memory of a ring is not sealed against resizing")
        size = vmo.content_size
        if size > max_bytes:
            raise OutOfRange(f"the memory of a ring, {size} bytes, exceeds {max_bytes}")
        if size <= HEADER_BYTES or size % mmap.PAGESIZE:
            raise RemoteProtocolError(f"a memory of {size} bytes holds no ring")
        self.mapping = vmo.map(writable=True)
        self.octets = memoryview(self.mapping)
        self.words = self.octets.cast("Q")
        try:
            self.shape = read_shape(self.words)
            self._populate()
        except BaseException:
            self.close()
            raise

    def _populate(self) -> None:
        """Have all pages there now (rule 2)."""
        try:
            self.mapping.madvise(_MADV_POPULATE_WRITE)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise from_oserror(error, f"fill {len(self.mapping)} bytes of pages") from error
            sum(self.octets[:: mmap.PAGESIZE])  # an older kernel

    def close(self) -> None:
        """Unmap; where somebody still has an array of it, the last of those does when it goes."""
        with contextlib.suppress(BufferError):
            self.words.release()
            self.octets.release()
            self.mapping.close()
