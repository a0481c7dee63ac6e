"""Mirror: keeps a node like a mapping, such as a room's `statistics()`, changing only what changed.

Numbers, truth values, texts and bytes are properties; a mapping is a node; None is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from ipcrt.inspect.format import MAX_DEPTH, encode_text
from ipcrt.inspect.node import Node

_MAX_TEXT_BYTES: Final = 1024


class Mirror:
    """One node and the mapping that it showed last."""

    __slots__ = ("_deep", "_node", "_shown")

    def __init__(self, node: Node, deep: int = MAX_DEPTH) -> None:
        """`deep`: how many mappings may lie in each other."""
        self._node = node
        self._deep = deep
        self._shown: dict[str, tuple[object, Any]] = {}

    def show(self, values: Mapping[str, object]) -> None:
        """Show `values` and nothing else.

        Raises: TypeError: one that no property can show, or mappings too deep in each other.
        """
        for name in self._shown.keys() - values.keys():
            self._drop(name)
        for name, value in values.items():
            if isinstance(value, Mapping):
                self._child(name).show(cast("Mapping[str, object]", value))
            elif value is None:
                self._drop(name)
            else:
                self._value(name, value)

    def close(self) -> None:
        """Take the node out of the tree. Idempotent."""
        self._node.close()

    def _drop(self, name: str) -> None:
        found = self._shown.pop(name, None)
        if found is not None:
            found[1].close()

    def _child(self, name: str) -> Mirror:
        found = self._shown.get(name)
        if found is not None and isinstance(found[1], Mirror):
            return found[1]
        if self._deep <= 1:
            raise TypeError(f"{name!r}: mappings lie in each other more than {MAX_DEPTH} deep")
        self._drop(name)
        mirror = Mirror(self._node.child(name), self._deep - 1)
        self._shown[name] = (None, mirror)
        return mirror

    def _value(self, name: str, value: object) -> None:
        found = self._shown.get(name)
        if found is not None and type(found[0]) is type(value):
            if found[0] == value:
                return
            if not isinstance(value, str | bytes) or _length(value) <= found[1].room:
                found[1].set(value)
                self._shown[name] = (value, found[1])
                return
        self._drop(name)
        self._shown[name] = (value, self._added(name, value))

    def _added(self, name: str, value: object) -> Any:
        node = self._node
        if isinstance(value, bool):
            return node.bool(name, value)
        if isinstance(value, int):
            return node.int(name, value) if value <= _INT_MAX else node.uint(name, value)
        if isinstance(value, float):
            return node.double(name, value)
        if isinstance(value, str):
            return node.string(name, value, max_bytes=_room(value))
        if isinstance(value, bytes):
            return node.bytes(name, value, max_bytes=_room(value))
        raise TypeError(f"{name!r}: a {type(value).__name__} cannot be shown")


_INT_MAX: Final = (1 << 63) - 1


def _length(value: str | bytes) -> int:
    return len(encode_text(value) if isinstance(value, str) else value)


def _room(value: str | bytes) -> int:
    """Answer how much room to give a text: twice its length, since another follows it."""
    return min(_MAX_TEXT_BYTES, max(16, 2 * _length(value)))
