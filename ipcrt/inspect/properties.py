"""Properties: handles to single values in the tree.

1. Changing a number is one write into the mapping: no system call, and nothing that can fail for
   want of room. What is too large for 64 bits is shown as the nearest that fits.
2. A property that found no room, or is closed, takes its changes and shows nothing.
3. Any thread may change any property; see `store` for signal handlers and forked children.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple, Protocol

from ipcrt.inspect.format import CUT, GENERATION, WORD_BYTES, Kind, cut_text, encode_text
from ipcrt.inspect.store import Store
from ipcrt.port.fork import generation

INT64: Final = (-(1 << 63), (1 << 63) - 1)
UINT64: Final = (0, (1 << 64) - 1)


class Member(Protocol):
    """What a node holds: properties, and further nodes."""

    def close(self) -> None: ...


NOWHERE: Final = -1
"""The parent of what cannot be shown."""


class Place(NamedTuple):
    """Where a member hangs; `forget(member)` is told when it closes."""

    store: Store
    parent: int
    name: str
    forget: Callable[[Member], object]


class Property:
    """One value's place in the tree; closing it takes the value out."""

    __slots__ = ("_at", "_forget", "_store")

    def __init__(self, place: Place, kind: Kind, room: int, count: int = 0) -> None:
        self._store = place.store
        self._forget = place.forget
        self._at = place.store.add(kind, place.parent, place.name, room, count)

    @property
    def shown(self) -> bool:
        """True while the value has a place in the tree."""
        return self._at != 0

    def close(self) -> None:
        """Take the value out of the tree. Idempotent."""
        with self._store as store:
            at, self._at = self._at, 0
            self._vanish()
            store.remove(at)
            self._forget(self)

    def _vanish(self) -> None:
        """Write to nowhere from now on."""


class Slots(Property):
    """One number of 64 bits, or several of a kind."""

    __slots__ = ("_index", "_view", "slots")

    CODE: ClassVar[str] = "q"
    LIMITS: ClassVar[tuple[int, int]] = INT64

    def __init__(self, place: Place, kind: Kind, slots: int = 1, count: int = 0) -> None:
        super().__init__(place, kind, slots * WORD_BYTES, count)
        self.slots = slots
        store = place.store
        self._view = store.view(self.CODE)
        self._index = store.value_at(self._at)[0] // WORD_BYTES if self._at else 0
        if not self._at:
            self._vanish()

    def _vanish(self) -> None:
        """Rule 2: from now on there are as many words of nobody."""
        nowhere: memoryview[Any] = memoryview(bytearray(self.slots * WORD_BYTES))
        self._view = nowhere.cast("d" if self.CODE == "d" else "Q" if self.CODE == "Q" else "q")
        self._index = 0

    def _set(self, value: Any, slot: int = 0) -> None:
        store = self._store
        if store.process != generation():
            return
        with store.lock:
            words = store.signed
            before = words[GENERATION]
            words[GENERATION] = before | 1
            try:
                self._view[self._index + slot] = value
            except ValueError:
                low, high = self.LIMITS
                self._view[self._index + slot] = low if value < low else high
            finally:
                if not store.nested:
                    words[GENERATION] = (before | 1) + 1

    def _add(self, delta: Any, slot: int = 0) -> None:
        with self._store.lock:
            self._set(self._view[self._index + slot] + delta, slot)

    def _get(self, slot: int = 0) -> Any:
        return self._view[self._index + slot]


class Int(Slots):
    """A signed number of 64 bits."""

    __slots__ = ()

    KIND: ClassVar[Kind] = Kind.INT

    def __init__(self, place: Place, value: int = 0) -> None:
        super().__init__(place, self.KIND)
        self._set(value)

    def set(self, value: int) -> None:
        """Show `value` from now on."""
        self._set(value)

    def add(self, delta: int = 1) -> None:
        """Show `delta` more than now."""
        self._add(delta)

    @property
    def value(self) -> int:
        """What is shown."""
        value: int = self._get()
        return value


class Uint(Int):
    """An unsigned number of 64 bits."""

    __slots__ = ()

    KIND = Kind.UINT
    CODE = "Q"
    LIMITS = UINT64


class Bool(Slots):
    """True or false."""

    __slots__ = ()

    CODE = "Q"
    LIMITS = UINT64

    def __init__(self, place: Place, value: bool = False) -> None:
        super().__init__(place, Kind.BOOL)
        self.set(value)

    def set(self, value: bool) -> None:
        """Show `value` from now on."""
        self._set(1 if value else 0)

    @property
    def value(self) -> bool:
        """What is shown."""
        return bool(self._get())


class Double(Slots):
    """A floating-point number."""

    __slots__ = ()

    CODE = "d"

    def __init__(self, place: Place, value: float = 0.0) -> None:
        super().__init__(place, Kind.DOUBLE)
        self._set(value)

    def set(self, value: float) -> None:
        """Show `value` from now on."""
        self._set(value)

    def add(self, delta: float) -> None:
        """Show `delta` more than now."""
        self._add(delta)

    @property
    def value(self) -> float:
        """What is shown."""
        value: float = self._get()
        return value


class _Octets(Property):
    """Bytes, as many as room was asked for; what is longer is cut, and says so."""

    __slots__ = ("room",)

    def __init__(self, place: Place, kind: Kind, max_bytes: int) -> None:
        super().__init__(place, kind, max_bytes)
        self.room = max_bytes

    def _put(self, data: bytes, *, cut: bool) -> None:
        store = self._store
        if store.foreign:
            return
        with store.lock:
            if self._at:
                store.put(self._at, data, CUT if cut else 0)


class Bytes(_Octets):
    """Bytes, as many as room was asked for."""

    __slots__ = ()

    def __init__(self, place: Place, value: bytes, max_bytes: int) -> None:
        super().__init__(place, Kind.BYTES, max_bytes)
        self.set(value)

    def set(self, value: bytes) -> None:
        """Show `value` from now on; what is longer is cut, and says so."""
        self._put(value[: self.room], cut=len(value) > self.room)


class String(_Octets):
    """A text, of as many bytes as room was asked for."""

    __slots__ = ()

    def __init__(self, place: Place, value: str, max_bytes: int) -> None:
        super().__init__(place, Kind.STRING, max_bytes)
        self.set(value)

    def set(self, value: str) -> None:
        """Show `value` from now on; what is longer is cut after a whole character, and says so."""
        data = encode_text(value)
        kept = cut_text(data, self.room)
        self._put(kept, cut=len(kept) < len(data))
