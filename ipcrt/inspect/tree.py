"""A tree that was read: plain values, which nothing changes any more."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ipcrt.inspect.format import Kind


class Histogram(msgspec.Struct, frozen=True):
    """How many values fell where: below the floor, into each bucket, above the last.

    Bucket `i` (from zero) of a linear one begins at `floor + i * step`; of an exponential one the
    first begins at `floor`, and bucket `i` after it at `floor + step * factor ** (i - 1)`.
    """

    floor: int
    step: int
    factor: int | None
    counts: tuple[int, ...]

    def bounds(self) -> tuple[int, ...]:
        """Answer where the buckets begin; the first count is of what lies below the first."""
        return bucket_bounds(self.floor, self.step, self.factor, len(self.counts) - 1)


def bucket_bounds(floor: int, step: int, factor: int | None, count: int) -> tuple[int, ...]:
    """Answer `count` ascending bounds that part `count + 1` buckets."""
    if factor is None:
        return tuple(floor + step * index for index in range(count))
    return (floor, *(floor + step * factor**index for index in range(count - 1)))


Value = int | float | bool | str | bytes | tuple[int, ...] | tuple[float, ...] | Histogram


class Property(msgspec.Struct, frozen=True):
    """A named value; `cut` where it is only the beginning of a longer text."""

    name: str
    kind: Kind
    value: Value
    cut: bool = False


class Node(msgspec.Struct, frozen=True):
    """A named place with values and further nodes, each in the order of the VMO.

    Names need not be unique: that is up to whoever wrote them.
    """

    name: str
    properties: tuple[Property, ...]
    children: tuple[Node, ...]

    def find(self, *path: str) -> Value | Node:
        """Answer the value or node at `path`, names from here on down.

        Raises: KeyError.
        """
        if not path:
            return self
        first, *rest = path
        for child in self.children:
            if child.name == first:
                return child.find(*rest)
        for each in self.properties:
            if each.name == first and not rest:
                return each.value
        raise KeyError(first)

    def walk(self) -> Iterator[Node]:
        """Answer this node and all below it, from above."""
        yield self
        for child in self.children:
            yield from child.walk()
