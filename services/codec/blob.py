"""A blob's way through a coder, one turn at a time, on the worker's thread.

1. A blob is read, never mapped: a client that shrinks it meanwhile makes a short read, no SIGBUS.
2. What comes out is bounded, whatever goes in claims to be.
3. The result is sealed before anybody else sees it, so that it may be mapped.
"""

from __future__ import annotations

from ipcrt.errors import BadState, OutOfRange
from ipcrt.objects.vmo import Vmo
from ipcrt_services.codec.bindings import MAX_BLOB_BYTES, BlobError, BlobFailed
from ipcrt_services.codec.coders import TURN_BYTES, Coder, Malformed


class BlobJob:
    """One blob; owns it, and its result until that is taken."""

    def __init__(self, blob: Vmo, coder: Coder, max_output_bytes: int) -> None:
        """Move `blob` here. Raises: BlobFailed: TOO_LARGE; then it stays. NoResources."""
        self._size = blob.content_size
        if self._size > MAX_BLOB_BYTES:
            raise BlobFailed(BlobError.TOO_LARGE)
        self._result = Vmo.create(0, "codec")
        self._blob = Vmo(blob.take(), blob.rights)
        self._coder = coder
        self._limit = max_output_bytes
        self._offset = 0
        self._written = 0

    def step(self) -> bool:
        """Do a turn's work; True when the result is whole.

        Raises: BlobFailed. IpcError: no memory for the result.
        """
        at_end = self._coder.hungry and self._offset == self._size
        try:
            if at_end:
                output = self._coder.finish()
            else:
                output = self._coder.feed(self._read() if self._coder.hungry else b"")
        except Malformed:
            raise BlobFailed(BlobError.MALFORMED) from None
        self._append(output)
        if at_end:
            self._result.seal()
        return at_end

    def _read(self) -> bytes:
        length = min(TURN_BYTES, self._size - self._offset)
        try:
            data = self._blob.read(self._offset, length)
        except (BadState, OutOfRange):  # rule 1
            raise BlobFailed(BlobError.CHANGED) from None
        self._offset += length
        return data

    def _append(self, output: bytes) -> None:
        size = self._written + len(output)
        if size > self._limit:
            raise BlobFailed(BlobError.OUTPUT_TOO_LARGE)
        self._result.set_content_size(size)
        self._result.write(self._written, output)
        self._written = size

    def take_result(self) -> Vmo:
        """Move the result out; the caller owns it."""
        return Vmo(self._result.take(), self._result.rights)

    def close(self) -> None:
        """Close what is still here. Idempotent."""
        self._blob.close()
        self._result.close()
