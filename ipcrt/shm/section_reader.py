"""SectionReader: takes whole values of one section out of memory that another process writes.

1. A copy of version v is whole if, after it, the section's word is not yet v + 3: up to v + 2 the
   writer has touched other slots only (`section_writer`, rule 2). Nobody waits for anybody.
2. Where stores may be seen out of order, the value's checksum must be right, too.
3. A copy that is not whole is thrown away and made again; after many, with short sleeps between
   them; and not for ever. Only a writer that publishes faster than a value can be copied, or that
   does not keep the rules, gets a reader there.
4. A value is whole, not true: what the writer puts there is to be checked like a message.
5. Nothing here makes a system call until a copy was thrown away more than 64 times.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from ipcrt.errors import BadHandle, BadState, ShouldWait
from ipcrt.shm.checksum import checksum
from ipcrt.shm.fence import fence
from ipcrt.shm.layout import SLOTS, WORD_BYTES, Place, Section
from ipcrt.shm.state_format import NOTES, Notes

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

_NEWEST: Final = SLOTS - 1
_OVERTAKEN: Final = SLOTS - 1
"""So many versions later, the writer may have begun to write into the slot again (rule 1)."""
_FAST_TRIES: Final = 64
_TRIES: Final = 264
_NAP_S: Final = 0.0005


class SectionReader(Generic[T]):
    """The reading end of one section. Any thread may use it, and a signal handler, too."""

    __slots__ = (
        "_arrays",
        "_at",
        "_checked",
        "_shape",
        "_slots",
        "_sums",
        "_words",
        "is_quiet",
        "place",
        "section",
    )

    def __init__(
        self, section: Section[T], place: Place, octets: memoryview, *, checked: bool
    ) -> None:
        """Read the section at `place` of `octets`, which is read-only."""
        self.section = section
        self.place = place
        self._shape = section.shape
        self._words: memoryview[int] = octets.cast("Q")
        self._at = place.word
        begins = [place.slot(number) for number in range(SLOTS)]
        self._slots = [octets[begin : begin + place.size] for begin in begins]
        self._sums = [begin // WORD_BYTES - 1 for begin in begins]
        self._checked = checked
        self._arrays: list[np.ndarray[Any, Any]] = []
        self.is_quiet = bool(self._words[self._at + NOTES] & Notes.QUIET)
        """True where the writer wakes nobody."""

    @property
    def version(self) -> int:
        """How many values were published so far. Raises: BadHandle: closed."""
        try:
            return self._words[self._at]
        except ValueError:
            raise self._closed() from None

    def snapshot(self) -> bytes:
        """Copy the newest value, whole (rule 1).

        Raises: ShouldWait: none was published yet. BadState: no copy was whole (rule 3).
        BadHandle: closed.
        """
        try:
            words = self._words
            at = self._at
            version = words[at]
            data = bytes(self._slots[version & _NEWEST])
            if words[at] == version and version and not self._checked:
                return data
            return self._try_on()[1]
        except ValueError:
            raise self._closed() from None

    def versioned(self) -> tuple[int, bytes]:
        """As `snapshot`, with the version that the copy is of."""
        try:
            return self._try_on()
        except ValueError:
            raise self._closed() from None

    def read(self) -> T:
        """Answer the newest value.

        Raises: ProtocolError: an enum without such a member; else as `snapshot`.
        """
        return self._shape.unpack(self.snapshot())

    # ---- without a copy

    def view(self) -> tuple[int, memoryview]:
        """Answer the newest version and the memory where it lies, which changes later.

        What was taken from it counts only if `is_whole(version)` is true afterwards.
        Raises: ShouldWait, BadHandle.
        """
        version = self._published()
        try:
            return version, self._slots[version & _NEWEST][:]
        except ValueError:
            raise self._closed() from None

    def array(self) -> tuple[int, np.ndarray[Any, Any]]:
        """As `view`, as NumPy's structured array without dimensions: `array["position"]`.

        Raises: ImportError: no NumPy; else as `view`.
        """
        version = self._published()
        if not self._arrays:
            import numpy as np

            dtype = self._shape.dtype()
            try:
                self._arrays = [np.ndarray((), dtype, slot[:]) for slot in self._slots]
            except ValueError:
                raise self._closed() from None
        return version, self._arrays[version & _NEWEST]

    def is_whole(self, version: int) -> bool:
        """True where all that was read of `version` until now was whole. Raises: BadHandle."""
        if self._checked:
            fence()
        return 0 <= self.version - version < _OVERTAKEN

    # ---- again

    def _published(self) -> int:
        version = self.version
        if not version:
            raise ShouldWait(f"nothing was published in section {self.section.name} yet")
        return version

    def _try_on(self) -> tuple[int, bytes]:
        """Copy until a copy is whole (rule 3)."""
        for turn in range(_TRIES):
            if turn >= _FAST_TRIES:
                time.sleep(_NAP_S)
            version = self._published()
            data = self._copy(version)
            if data is not None:
                return version, data
        raise BadState(
            f"no copy of section {self.section.name} in {_TRIES} was whole: its writer is faster "
            "than a copy, or breaks the rules"
        )

    def _copy(self, version: int) -> bytes | None:
        number = version & _NEWEST
        if not self._checked:
            data = bytes(self._slots[number])
            return data if 0 <= self._words[self._at] - version < _OVERTAKEN else None
        fence()
        expected = self._words[self._sums[number]]
        data = bytes(self._slots[number])
        fence()
        if not 0 <= self._words[self._at] - version < _OVERTAKEN:
            return None
        return data if checksum(data, version) == expected else None

    # ---- life

    def _closed(self) -> BadHandle:
        return BadHandle("the reader of the shared state is closed")

    def release(self) -> None:
        """Let the memory go, as far as nobody holds views of it; reading fails from here on."""
        self._arrays = []
        self._words.release()
        for slot in self._slots:
            slot.release()
