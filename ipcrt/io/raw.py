"""ResourceFile: a raw file of Python's `io`, over any Source, for plain threads.

1. Errors are OSErrors with the file's name; a source's IpcError is their cause.
2. A write may be short, as write(2)'s; the classes of `io` write the rest.
3. `close` waits until all that was written is taken, `timeout` seconds at most (25 where the file
   has none), and raises what the server told of it. A file that is forgotten does not wait.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.io.errors import PosixErrors
from ipcrt.io.modes import Mode
from ipcrt.io.source import Source
from ipcrt.io.ways import run_now

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class ResourceFile(io.RawIOBase):
    """A raw file; owns its source.

    `timeout`, in seconds, bounds each wait of a read or write, which then raises TimeoutError; for
    ever where it is None. The file stays usable.
    """

    timeout: float | None

    def __init__(self, source: Source, mode: Mode, name: str, timeout: float | None) -> None:
        self._source = source
        self._mode = mode
        self._errors = PosixErrors(name)
        self._finishes = mode.writing
        self.name = name
        self.timeout = timeout

    @property
    def mode(self) -> str:
        return self._mode.raw

    # ---- bytes

    def readable(self) -> bool:
        self._check_open()
        return self._mode.reading

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what is there, at least one byte, waiting for it; zero: the end."""
        self._check_open()
        if not self._mode.reading:
            raise io.UnsupportedOperation("not open for reading")
        view = memoryview(buffer).cast("B")
        if not len(view):
            return 0
        with self._errors:
            return run_now(self._source.read_into(view, self.timeout))

    def writable(self) -> bool:
        self._check_open()
        return self._mode.writing

    def write(self, data: ReadableBuffer, /) -> int:
        """Write as much as there is room for, at least one byte, waiting for it."""
        self._check_open()
        if not self._mode.writing:
            raise io.UnsupportedOperation("not open for writing")
        view = memoryview(data).cast("B")
        if not len(view):
            return 0
        with self._errors:
            return run_now(self._source.write(view, self.timeout))

    # ---- offsets

    def seekable(self) -> bool:
        """True where `seek` works; the first time this may ask the server."""
        self._check_open()
        with self._errors:
            return run_now(self._source.can_seek())

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Raises: io.UnsupportedOperation: there are no offsets."""
        self._check_open()
        with self._errors:
            return run_now(self._source.seek(offset, whence))

    def tell(self) -> int:
        self._check_open()
        with self._errors:
            return run_now(self._source.tell())

    def truncate(self, size: int | None = None, /) -> int:
        self._check_open()
        if not self._mode.writing:
            raise io.UnsupportedOperation("not open for writing")
        with self._errors:
            length = run_now(self._source.tell()) if size is None else size
            run_now(self._source.truncate(length))
        return length

    # ---- life

    def fileno(self) -> int:
        """Lend the descriptor that a peer gave. Raises: io.UnsupportedOperation: there is none."""
        self._check_open()
        return self._source.fileno()

    def isatty(self) -> bool:
        self._check_open()
        return False

    def interrupt(self) -> bool:
        """End the read or write that waits, from any thread, with ECANCELED; False: none does."""
        return self._source.interrupt()

    def close(self) -> None:
        if self.closed:
            return
        try:
            if self._finishes:
                with self._errors:
                    run_now(self._source.finish(self._patience()))
        finally:
            self._source.close()
            super().close()

    def _patience(self) -> float:
        return DEFAULT_TIMEOUT if self.timeout is None else self.timeout

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def _dealloc_warn(self, source: object) -> None:
        """Buffers that are forgotten call this, as for `io.FileIO`."""
        if not self.closed:
            self._finishes = False
            warnings.warn(f"unclosed file {source!r}", ResourceWarning, stacklevel=2, source=source)

    def __del__(self) -> None:
        try:
            self._dealloc_warn(self)
        finally:
            self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else self.mode
        return f"<ResourceFile {self.name!r} {state}>"
