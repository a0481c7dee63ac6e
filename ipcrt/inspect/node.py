"""Node: a named place in the tree; makes the properties and nodes below it."""

from __future__ import annotations

import builtins
from typing import Final, TypeVar

from ipcrt.inspect.arrays import DoubleArray, Histogram, IntArray, UintArray
from ipcrt.inspect.format import MAX_DEPTH, Kind, encode_text
from ipcrt.inspect.properties import NOWHERE, Bool, Bytes, Double, Int, Member, Place, String, Uint
from ipcrt.inspect.store import Store

_ROOT: Final = 0
_LEAST_BYTES: Final = 32
"""Room that a text is given at least, so that another may follow it."""


MemberT = TypeVar("MemberT", bound=Member)


class Node:
    """A place for properties and further nodes, which close with it.

    Names are cut to 255 bytes, and need not be unique: two of a name are both shown. What finds no
    room, or would lie deeper than 32 nodes, is counted as dropped, and takes its changes all the
    same. Texts and bytes have room for what they begin with, unless `max_bytes` says another.
    """

    __slots__ = ("_at", "_depth", "_members", "_place", "_serial", "_store")

    def __init__(self, store: Store, place: Place | None = None, depth: builtins.int = 1) -> None:
        """Without a `place` it is the root, which has no record."""
        self._store = store
        self._place = place
        self._depth = depth
        self._members: dict[Member, None] = {}
        self._serial = 0
        self._at = _ROOT
        if place is not None:
            parent = place.parent if depth <= MAX_DEPTH else NOWHERE
            self._at = store.add(Kind.NODE, parent, place.name, 0) or NOWHERE

    @property
    def shown(self) -> builtins.bool:
        """True while the node has a place in the tree."""
        return self._at != NOWHERE

    def unique_name(self, prefix: str) -> str:
        """Answer a name that this has not answered before: `prefix`, a dash and a number."""
        with self._store:
            self._serial += 1
            return f"{prefix}-{self._serial}"

    # ---- what it holds

    def child(self, name: str) -> Node:
        """Add a node below this one."""
        return self._keep(Node(self._store, self._at_name(name), self._depth + 1))

    def int(self, name: str, value: builtins.int = 0) -> Int:
        """Add a signed number."""
        return self._keep(Int(self._at_name(name), value))

    def uint(self, name: str, value: builtins.int = 0) -> Uint:
        """Add an unsigned number."""
        return self._keep(Uint(self._at_name(name), value))

    def double(self, name: str, value: float = 0.0) -> Double:
        """Add a floating-point number."""
        return self._keep(Double(self._at_name(name), value))

    def bool(self, name: str, value: builtins.bool = False) -> Bool:
        """Add a truth value."""
        return self._keep(Bool(self._at_name(name), value))

    def string(
        self, name: str, value: str = "", *, max_bytes: builtins.int | None = None
    ) -> String:
        """Add a text."""
        room = _room(len(encode_text(value))) if max_bytes is None else max_bytes
        return self._keep(String(self._at_name(name), value, room))

    def bytes(
        self, name: str, value: builtins.bytes = b"", *, max_bytes: builtins.int | None = None
    ) -> Bytes:
        """Add bytes."""
        room = _room(len(value)) if max_bytes is None else max_bytes
        return self._keep(Bytes(self._at_name(name), value, room))

    def int_array(self, name: str, slots: builtins.int) -> IntArray:
        """Add signed numbers, zero at first."""
        return self._keep(IntArray(self._at_name(name), slots))

    def uint_array(self, name: str, slots: builtins.int) -> UintArray:
        """Add unsigned numbers, zero at first."""
        return self._keep(UintArray(self._at_name(name), slots))

    def double_array(self, name: str, slots: builtins.int) -> DoubleArray:
        """Add floating-point numbers, zero at first."""
        return self._keep(DoubleArray(self._at_name(name), slots))

    def linear_histogram(
        self, name: str, *, floor: builtins.int, step: builtins.int, buckets: builtins.int
    ) -> Histogram:
        """Add counts of values in buckets that are `step` wide; see `Histogram`."""
        place = self._at_name(name)
        return self._keep(Histogram(place, floor=floor, step=step, buckets=buckets))

    def exponential_histogram(
        self,
        name: str,
        *,
        floor: builtins.int,
        step: builtins.int,
        factor: builtins.int,
        buckets: builtins.int,
    ) -> Histogram:
        """Add counts of values in buckets that grow by `factor`; see `Histogram`."""
        place = self._at_name(name)
        return self._keep(Histogram(place, floor=floor, step=step, factor=factor, buckets=buckets))

    def _at_name(self, name: str) -> Place:
        return Place(self._store, self._at, name, self._forget)

    def _keep(self, member: MemberT) -> MemberT:
        with self._store:
            self._members[member] = None
        return member

    def _forget(self, member: Member) -> None:
        self._members.pop(member, None)

    def close(self) -> None:
        """Take the node and all below it out of the tree, as one change. Idempotent.

        The root stays, empty.
        """
        with self._store as store:
            for member in list(self._members):
                member.close()
            if self._place is not None:
                at, self._at = self._at, NOWHERE
                store.remove(at)
                self._place.forget(self)


def _room(length: builtins.int) -> builtins.int:
    return max(_LEAST_BYTES, length)
