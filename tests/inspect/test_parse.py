"""Whatever the bytes, `parse` answers a tree or raises InspectError, and soon."""

from __future__ import annotations

import contextlib
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcrt.inspect.format import (
    HEADER,
    HEADER_BYTES,
    MAGIC,
    MAX_BYTES,
    MAX_DEPTH,
    RECORD,
    InspectError,
    Kind,
    padded,
)
from ipcrt.inspect.parse import parse_header, parse_tree
from ipcrt.inspect.tree import Histogram, Node


def record(
    kind: int, name: bytes, value: bytes = b"", *, parent: int = 0, count: int = 0, flags: int = 0
) -> bytes:
    body = name.ljust(padded(len(name)), b"\0") + value.ljust(padded(len(value)), b"\0")
    return RECORD.pack(RECORD.size + len(body), kind, len(name), flags, parent, count) + body


def vmo(*records: bytes, used: int | None = None) -> bytes:
    body = b"".join(records)
    size = HEADER_BYTES + len(body) if used is None else used
    return HEADER.pack(MAGIC, 1, 2, size, 3, 4, 5, 99) + body


def numbers(*values: int) -> bytes:
    return b"".join((value % (1 << 64)).to_bytes(8, sys.byteorder) for value in values)


GOOD = vmo(
    record(Kind.NODE, b"a"),
    record(Kind.INT, b"i", numbers(-5), parent=64),
    record(Kind.UINT, b"u", numbers(5)),
    record(Kind.BOOL, b"b", numbers(1)),
    record(Kind.STRING, b"s", "grün".encode(), count=5, flags=1),
    record(Kind.BYTES, b"y", b"\xff", count=1),
    record(Kind.FREE, b"", b"\xff" * 16),
    record(Kind.INT_ARRAY, b"ia", numbers(-1, 2), count=2),
    record(Kind.UINT_ARRAY, b"ua", numbers(1, 2), count=2),
    record(Kind.DOUBLE_ARRAY, b"da", numbers(0, 0), count=2),
    record(Kind.LINEAR_HISTOGRAM, b"lh", numbers(-3, 2, 1, 2), count=4),
    record(Kind.EXPONENTIAL_HISTOGRAM, b"eh", numbers(0, 1, 2, 7, 8, 9), count=6),
    record(Kind.NODE, b"deep", parent=64),
)


def test_reads_the_header() -> None:
    header = parse_header(GOOD)
    assert (header.generation, header.used) == (2, len(GOOD))
    assert (header.dropped, header.refreshed_ns, header.period_ns) == (3, 4, 5)


def test_reads_every_kind() -> None:
    root = parse_tree(GOOD)
    assert {each.name: each.value for each in root.properties} == {
        "u": 5,
        "b": True,
        "s": "grün",
        "y": b"\xff",
        "ia": (-1, 2),
        "ua": (1, 2),
        "da": (0.0, 0.0),
        "lh": Histogram(-3, 2, None, (1, 2)),
        "eh": Histogram(0, 1, 2, (7, 8, 9)),
    }
    assert [each.name for each in root.properties if each.cut] == ["s"]
    assert root.find("a", "i") == -5
    assert isinstance(root.find("a", "deep"), Node)


def test_a_parent_may_stand_behind() -> None:
    child = record(Kind.INT, b"i", numbers(1), parent=HEADER_BYTES + 32)
    assert parse_tree(vmo(child, record(Kind.NODE, b"a"))).find("a", "i") == 1


def _chain(length: int) -> bytes:
    nodes = [record(Kind.NODE, b"")]
    nodes += [record(Kind.NODE, b"", parent=64 + 16 * index) for index in range(length - 1)]
    return vmo(*nodes)


BAD = {
    "short": (b"IPCRTINS", "no header"),
    "magic": (b"IPCRTINZ" + GOOD[8:], "magic"),
    "version": (GOOD[:8] + numbers(2) + GOOD[16:], "version 2"),
    "used under the header": (vmo(used=56), "in use"),
    "used over the limit": (vmo(used=MAX_BYTES + 8), "in use"),
    "used no whole words": (vmo(used=65), "in use"),
    "used beyond what is there": (vmo(used=72), "exceed"),
    "half a head": (vmo(b"\0" * 8), "does not fit"),
    "size zero": (vmo(b"\0" * 16), "does not fit"),
    "size beyond": (vmo(RECORD.pack(24, 1, 0, 0, 0, 0)), "does not fit"),
    "size no whole words": (vmo(RECORD.pack(20, 1, 0, 0, 0, 0), b"\0" * 8), "does not fit"),
    "name beyond": (vmo(RECORD.pack(16, 1, 1, 0, 0, 0)), "its name of 1"),
    "name no UTF-8": (vmo(record(Kind.NODE, b"\xff")), "utf-8"),
    "kind": (vmo(record(13, b"x", numbers(0))), "kind 13"),
    "value beyond": (vmo(record(Kind.INT, b"x")), "exceeds"),
    "array beyond": (vmo(record(Kind.INT_ARRAY, b"x", numbers(0), count=2)), "exceeds"),
    "text beyond": (vmo(record(Kind.STRING, b"x", b"abc", count=9)), "exceeds"),
    "text no UTF-8": (vmo(record(Kind.STRING, b"x", b"\xc3", count=1)), "utf-8"),
    "boolean": (vmo(record(Kind.BOOL, b"x", numbers(2))), "no boolean"),
    "one bucket": (vmo(record(Kind.LINEAR_HISTOGRAM, b"x", numbers(0, 1, 0), count=3)), "bucket"),
    "no buckets at all": (vmo(record(Kind.LINEAR_HISTOGRAM, b"x", count=0)), "bucket"),
    "129 buckets": (
        vmo(record(Kind.LINEAR_HISTOGRAM, b"x", numbers(0, *[1] * 130), count=131)),
        "129 buckets",
    ),
    "step": (vmo(record(Kind.LINEAR_HISTOGRAM, b"x", numbers(0, 0, 0, 0), count=4)), "ascend"),
    "factor": (
        vmo(record(Kind.EXPONENTIAL_HISTOGRAM, b"x", numbers(0, 1, 1, 0, 0), count=5)),
        "ascend",
    ),
    "property without a node": (vmo(record(Kind.INT, b"x", numbers(0), parent=72)), "no node"),
    "property below a property": (
        vmo(record(Kind.INT, b"x", numbers(0)), record(Kind.INT, b"y", numbers(0), parent=64)),
        "no node",
    ),
    "node without a node": (vmo(record(Kind.NODE, b"x", parent=72)), "cycle"),
    "node below itself": (vmo(record(Kind.NODE, b"x", parent=64)), "cycle"),
    "two nodes below each other": (
        vmo(record(Kind.NODE, b"", parent=80), record(Kind.NODE, b"", parent=64)),
        "cycle",
    ),
    "too deep": (_chain(MAX_DEPTH), "deeper"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_breaks_a_rule_is_refused(name: str) -> None:
    data, words = BAD[name]
    with pytest.raises(InspectError, match=words):
        parse_tree(data)


def test_the_deepest_that_is_allowed() -> None:
    assert len(list(parse_tree(_chain(MAX_DEPTH - 1)).walk())) == MAX_DEPTH


@pytest.mark.parametrize("name", [name for name in BAD if BAD[name][0][:16] == GOOD[:16]])
def test_a_torn_copy_keeps_what_can_be_read(name: str) -> None:
    """The header's own numbers must be right even then."""
    data, _ = BAD[name]
    if "in use" in BAD[name][1]:
        return
    with_more = vmo(record(Kind.INT, b"first", numbers(7)), data[HEADER_BYTES:])
    assert parse_tree(with_more, torn=True).find("first") == 7


def test_a_torn_copy_goes_on_behind_what_is_wrong() -> None:
    data = vmo(record(13, b"x", numbers(0)), record(Kind.INT, b"after", numbers(7)))
    assert [each.name for each in parse_tree(data, torn=True).properties] == ["after"]
    assert parse_tree(_chain(MAX_DEPTH + 5), torn=True).children


@given(st.binary(max_size=400), st.booleans())
def test_random_bytes(data: bytes, torn: bool) -> None:
    for each in (data, vmo(data), vmo(data[: len(data) // 8 * 8])):
        with contextlib.suppress(InspectError):
            parse_tree(each, torn=torn)


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(GOOD)),
    st.booleans(),
)
def test_a_good_one_with_bytes_changed(
    changes: list[tuple[int, int]], length: int, torn: bool
) -> None:
    data = bytearray(GOOD)
    for at, byte in changes:
        data[at] = byte
    for each in (bytes(data), bytes(data[:length])):
        with contextlib.suppress(InspectError):
            parse_tree(each, torn=torn)
