"""SharedState: values that one process writes at its own rate and any number of others read.

    with SharedState.create(DEVICES) as state:
        send(state.share())
        state.publish(HEAD, Head(timestamp_ns, position))

1. Only this mapping can write the memory: it is sealed against all others, also of this process.
2. Readers cost nothing and are not known here. Those who sleep until something changes are woken
   by a system call for each value, unless the section is quiet.
3. When the state is closed, or its process ends, readers keep what was published last, and are
   told that the writer is gone (`writer_lock`). A new writer makes a new state.
How it lies in memory: docs/shared-state.md.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, Final, Self, TypeVar, overload

from ipcrt.errors import InvalidArgs
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm import futex
from ipcrt.shm.checksum import needs_checksum
from ipcrt.shm.layout import Layout, Section
from ipcrt.shm.section_writer import SectionWriter
from ipcrt.shm.state_format import NOTES, Flags, Notes, write_header
from ipcrt.shm.writer_lock import WriterLock

T = TypeVar("T")

_SEALS: Final = Seals.SHRINK | Seals.GROW | Seals.FUTURE_WRITE | Seals.SEAL
_FOR_READERS: Final = (
    Rights.READ
    | Rights.MAP
    | Rights.DUPLICATE
    | Rights.TRANSFER
    | Rights.INSPECT
    | Rights.GET_PROPERTY
)


class SharedState:
    """The only writer; owns the memory. Any thread may publish; made by `create`."""

    __slots__ = ("_lock", "_mapping", "_octets", "_vmo", "_writers", "checked", "layout")

    def __init__(
        self, layout: Layout, vmo: Vmo, mapping: mmap.mmap, lock: WriterLock, *, checked: bool
    ) -> None:
        """Take ownership of all three; use `create`."""
        self.layout = layout
        self.checked = checked
        """True where each value bears a checksum."""
        self._vmo = vmo
        self._mapping = mapping
        self._lock = lock
        self._octets = memoryview(mapping)
        self._writers: dict[Section[Any] | str, SectionWriter[Any]] = {}

    @classmethod
    def create(
        cls, layout: Layout, name: str = "", *, checked: bool = False, quiet: Iterable[str] = ()
    ) -> Self:
        """Make the memory for `layout`; owned by the caller. `name` shows in /proc.

        `checked` puts a checksum on each value also where the machine needs none. The sections
        named in `quiet` wake nobody: publishing makes no system call, and who waits for one
        notices a millisecond late.
        Raises: InvalidArgs: `quiet` names no section. OutOfRange: a name over 249 bytes.
        NoResources.
        """
        silent = frozenset(quiet)
        unknown = silent.difference(section.name for section in layout.sections)
        if unknown:
            raise InvalidArgs(f"layout {layout.name} has no section {min(unknown)}")
        checked = checked or needs_checksum()
        with ExitStack() as undo:
            vmo = undo.enter_context(Vmo.create(layout.size, name or f"state:{layout.name}"))
            lock = undo.enter_context(WriterLock(vmo.fileno()))
            mapping = undo.enter_context(vmo.map(writable=True))
            vmo.seal(_SEALS)  # the mapping that is there may write on
            state = cls(layout, vmo, mapping, lock, checked=checked)
            undo.pop_all()
        state._begin(silent)
        return state

    def _begin(self, silent: frozenset[str]) -> None:
        write_header(self._octets, self.layout, Flags.CHECKED if self.checked else Flags.NONE)
        address = futex.address_of(self._octets)
        with self._octets.cast("Q") as words:
            for section, place in zip(self.layout.sections, self.layout.places, strict=True):
                is_silent = section.name in silent
                words[place.word + NOTES] = int(Notes.QUIET if is_silent else Notes.NONE)
                writer = SectionWriter(
                    section,
                    place,
                    self._octets,
                    checked=self.checked,
                    wake=None if is_silent else futex.waker(address + place.begin),
                )
                self._writers[section] = self._writers[section.name] = writer

    def share(self) -> Vmo:
        """Answer a read-only handle to send to a reader; the caller owns it.

        Raises: BadHandle: closed. NoResources.
        """
        return self._vmo.duplicate(_FOR_READERS)

    @overload
    def writer(self, section: Section[T]) -> SectionWriter[T]: ...
    @overload
    def writer(self, section: str) -> SectionWriter[Any]: ...
    def writer(self, section: Any) -> SectionWriter[Any]:
        """Answer what publishes one section, for those who do so often.

        Raises: InvalidArgs: the layout has no such section.
        """
        try:
            return self._writers[section]
        except KeyError:
            raise InvalidArgs(f"layout {self.layout.name} has no {section!r}") from None

    @overload
    def publish(self, section: Section[T], value: T) -> int: ...
    @overload
    def publish(self, section: str, value: Any) -> int: ...
    def publish(self, section: Any, value: Any) -> int:
        """Make `value` the newest of `section`, for everybody at once; answer its version.

        Raises: as `writer` and `SectionWriter.publish`.
        """
        return self.writer(section).publish(value)

    def doorbell(self, section: Section[Any] | str) -> EventPair:
        """Answer what is signaled at each value of `section`, to send to one reader's event loop.

        The caller owns it; the state's end goes with the reader, or with the state. Each costs a
        system call for each value. Raises: as `writer` and `SectionWriter.doorbell`.
        """
        return self.writer(section).doorbell()

    def statistics(self) -> dict[str, int]:
        """Count the values published, by section."""
        return {section.name: self._writers[section].version for section in self.layout.sections}

    # ---- life

    @property
    def closed(self) -> bool:
        """True once the state is closed."""
        return self._vmo.closed

    def close(self) -> None:
        """Give the memory back; readers keep what was published last. Idempotent."""
        if self._vmo.closed:
            return
        for section in self.layout.sections:
            self._writers[section].release()
        self._octets.release()
        self._mapping.close()
        self._lock.close()
        self._vmo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{self.layout.size} bytes"
        return f"<SharedState {self.layout.name}: {state}>"
