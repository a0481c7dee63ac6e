"""StateReader: reads what another process publishes, without asking it.

    with StateReader.attach(vmo, DEVICES) as reader:
        head = reader.read(HEAD)
        version = reader.wait(HEAD, after=reader.version(HEAD), timeout=1.0)

1. Reading makes no system call. Waiting does: it sleeps on the section's version (`futex`).
2. Nothing of the memory tells where to look: that is the layout's, of which both sides have one.
3. Who waits looks ten times a second whether the writer is dead, or the wait was cancelled.
4. Views and arrays that were given out keep the memory mapped after `close`, until they are gone.
How it lies in memory: docs/shared-state.md.
"""

from __future__ import annotations

import contextlib
import mmap
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, overload

from ipcrt.errors import BadState, InvalidArgs, NotSupported, PeerClosed, ProtocolError, TimedOut
from ipcrt.objects.handle import Handle
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.port.interrupts import current_scope, interrupted
from ipcrt.port.loop_here import refuse_on_loop
from ipcrt.shm import futex
from ipcrt.shm.checksum import needs_checksum
from ipcrt.shm.layout import Layout, Section
from ipcrt.shm.section_reader import SectionReader
from ipcrt.shm.state_format import Flags, read_header
from ipcrt.shm.writer_lock import is_locked

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

_NEEDED: Final = Seals.SHRINK | Seals.FUTURE_WRITE
_LOOK_S: Final = 0.1
"""Rule 3."""
_QUIET_LOOK_S: Final = 0.001


class StateReader:
    """One reader; owns its handle and mapping. Any thread may use it; made by `attach`."""

    __slots__ = ("_address", "_mapping", "_octets", "_readers", "_vmo", "layout")

    def __init__(self, layout: Layout, vmo: Vmo, mapping: mmap.mmap, flags: Flags) -> None:
        """Take ownership of `vmo` and `mapping`; use `attach`."""
        self.layout = layout
        self._vmo = vmo
        self._mapping = mapping
        self._octets = memoryview(mapping)
        self._address = futex.address_of(self._octets)
        self._readers: dict[Section[Any] | str, SectionReader[Any]] = {}
        checked = bool(flags & Flags.CHECKED)
        for section, place in zip(layout.sections, layout.places, strict=True):
            reader = SectionReader(section, place, self._octets, checked=checked)
            self._readers[section] = self._readers[section.name] = reader

    @classmethod
    def attach(cls, handle: Handle, layout: Layout) -> Self:
        """Map a shared state of `layout`: what `SharedState.share` gave. Owns `handle` in any case.

        Raises: WrongType: no VMO. BadState: not sealed, so not mapped. ProtocolError: no shared
        state, or one of another layout. NotSupported: another version of the format, or a writer
        that takes this for another machine. AccessDenied: no READ or MAP right. BadHandle,
        NoResources.
        """
        with ExitStack() as undo:
            undo.enter_context(handle)
            vmo = handle if isinstance(handle, Vmo) else Vmo.from_handle(handle)
            undo.enter_context(vmo)
            missing = _NEEDED & ~vmo.seals
            if missing:
                raise BadState(f"shared state is not sealed with {missing!r}, so not mapped")
            size = vmo.content_size
            if size != layout.size:
                raise ProtocolError(f"{size} bytes are not the {layout.size} of {layout.name}")
            mapping = undo.enter_context(vmo.map())
            with memoryview(mapping) as octets:
                flags = read_header(octets, layout)
            if needs_checksum() and not flags & Flags.CHECKED:
                raise NotSupported("values have no checksum, which this machine needs")
            reader = cls(layout, vmo, mapping, flags)
            undo.pop_all()
        return reader

    # ---- reading

    @overload
    def section(self, section: Section[T]) -> SectionReader[T]: ...
    @overload
    def section(self, section: str) -> SectionReader[Any]: ...
    def section(self, section: Any) -> SectionReader[Any]:
        """Answer what reads one section, for those who do so often.

        Raises: InvalidArgs: the layout has no such section.
        """
        try:
            return self._readers[section]
        except KeyError:
            raise InvalidArgs(f"layout {self.layout.name} has no {section!r}") from None

    def snapshot(self, section: Section[Any] | str) -> bytes:
        """Copy the newest value, whole. Raises: as `section` and `SectionReader.snapshot`."""
        return self.section(section).snapshot()

    @overload
    def read(self, section: Section[T]) -> T: ...
    @overload
    def read(self, section: str) -> Any: ...
    def read(self, section: Any) -> Any:
        """Answer the newest value. Raises: as `section` and `SectionReader.read`."""
        return self.section(section).read()

    def view(self, section: Section[Any] | str) -> tuple[int, memoryview]:
        """Answer the newest version and where it lies; see `SectionReader.view`."""
        return self.section(section).view()

    def array(self, section: Section[Any] | str) -> tuple[int, np.ndarray[Any, Any]]:
        """Answer the newest version and its NumPy array; see `SectionReader.array`."""
        return self.section(section).array()

    def is_whole(self, section: Section[Any] | str, version: int) -> bool:
        """True where all that was read of a view of `version` until now was whole."""
        return self.section(section).is_whole(version)

    def version(self, section: Section[Any] | str) -> int:
        """How many values of `section` were published so far. Raises: BadHandle: closed."""
        return self.section(section).version

    # ---- waiting

    @property
    def writer_alive(self) -> bool:
        """False once the writer has closed the state, or its process has ended. Asks the kernel.

        Raises: BadHandle: closed.
        """
        return is_locked(self._vmo.fileno())

    def wait(
        self, section: Section[Any] | str, after: int | None = None, timeout: float | None = None
    ) -> int:
        """Sleep until a value newer than version `after` is there; answer the newest version.

        `after` is the newest that is there now, unless told. `timeout` in seconds; None: for ever;
        zero looks once.
        Raises: TimedOut. PeerClosed: the writer is gone. BadHandle: closed, also meanwhile.
        BadState: it would have to sleep, and an event loop runs in this thread. Canceled: the
        executor's call that it is part of was cancelled.
        """
        reader = self.section(section)
        seen = reader.version if after is None else after
        until = None if timeout is None else time.monotonic() + timeout
        address = self._address + reader.place.begin
        look = time.monotonic() + _LOOK_S
        while (version := reader.version) <= seen:
            now = time.monotonic()
            is_over = until is not None and now >= until
            if (is_over or now >= look) and not self.writer_alive:
                if reader.version > seen:  # its last word
                    break
                raise PeerClosed(f"the writer of {self.layout.name} is gone")
            scope = current_scope()
            if scope is not None and scope.cancelled:
                raise interrupted()
            if is_over:
                raise TimedOut(f"no newer {reader.section.name} within {timeout} seconds")
            if now >= look:
                look = now + _LOOK_S
            refuse_on_loop()
            rest = look - now if until is None else min(look, until) - now
            if reader.is_quiet:
                time.sleep(min(rest, _QUIET_LOOK_S))
            else:
                futex.wait(address, version, rest)
        return reader.version

    # ---- life

    @property
    def closed(self) -> bool:
        """True once the reader is closed."""
        return self._vmo.closed

    def close(self) -> None:
        """Give the handle and the memory back (rule 4); idempotent."""
        if self._vmo.closed:
            return
        self._vmo.close()
        for section in self.layout.sections:
            self._readers[section].release()
        with contextlib.suppress(BufferError):
            self._octets.release()
            self._mapping.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{self.layout.size} bytes"
        return f"<StateReader {self.layout.name}: {state}>"
