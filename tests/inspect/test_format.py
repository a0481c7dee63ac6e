"""docs/inspect-format.md is the truth: its examples are read and written, its tables compared."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from ipcrt.inspect import format as layout
from ipcrt.inspect.format import HEADER_BYTES, Kind, cut_text, encode_text, padded
from ipcrt.inspect.inspector import Inspector
from ipcrt.inspect.snapshot import Snapshot
from ipcrt.inspect.tree import Node

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs/inspect-format.md").read_text("utf-8")
EXAMPLES = re.findall(r"```inspect\n(.*?)```", DOCUMENT, re.DOTALL)

little_endian = pytest.mark.skipif(
    sys.byteorder != "little", reason="the page's examples are little-endian"
)


def _bytes_of(example: str) -> bytes:
    return bytes.fromhex(" ".join(x for x in example.splitlines() if not x.startswith("->")))


def _told(node: Node, path: str = "") -> list[str]:
    told = [
        f"{path}{each.name} {each.kind.name} {each.value!r}{' CUT' if each.cut else ''}"
        for each in node.properties
    ]
    for child in node.children:
        told += _told(child, f"{path}{child.name}/")
    return told


@little_endian
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_means_what_the_page_says(example: str) -> None:
    meaning = [line[3:] for line in example.splitlines() if line.startswith("-> ")]
    assert meaning
    snapshot = Snapshot.read(_bytes_of(example))
    assert not snapshot.torn
    assert _told(snapshot.root) == meaning


def _written(inspector: Inspector) -> bytes:
    with inspector.duplicate_vmo() as vmo:
        return vmo.read(0, inspector.statistics()["used_bytes"])


@little_endian
def test_the_writer_writes_the_examples() -> None:
    assert len(EXAMPLES) == 2
    with Inspector(max_bytes=4096) as inspector:
        queue = inspector.root.child("queue")
        queue.int("depth", -2)
        queue.string("state", "grün", max_bytes=8)
        assert _written(inspector) == _bytes_of(EXAMPLES[0])
    with Inspector(max_bytes=4096) as inspector:
        inspector.root.bool("ready", True)
        load = inspector.root.double("load", 0.5)
        inspector.root.bytes("tag", b"abcdefghijk", max_bytes=4)
        load.close()
        histogram = inspector.root.linear_histogram("us", floor=0, step=10, buckets=2)
        histogram.add(-1)
        histogram.add(12)
        histogram.add(99, 3)
        assert _written(inspector) == _bytes_of(EXAMPLES[1])


def test_the_tables_are_the_code() -> None:
    limits = dict(re.findall(r"^\| `(MAX_\w+)` \| (\d+) \|", DOCUMENT, re.MULTILINE))
    assert limits == {
        name: str(getattr(layout, name)) for name in dir(layout) if name.startswith("MAX_")
    }
    kinds = re.findall(r"^\| (\d+) \| `(\w+)` \|", DOCUMENT, re.MULTILINE)
    assert [(int(number), name) for number, name in kinds] == [(each, each.name) for each in Kind]
    assert layout.HEADER.size == HEADER_BYTES
    assert layout.RECORD.size == 16


def test_padding_and_cutting() -> None:
    assert [padded(size) for size in (0, 1, 8, 9)] == [0, 8, 8, 16]
    assert cut_text(b"abc", 3) == b"abc"
    assert cut_text("aü".encode(), 2) == b"a", "never half a character"
    assert encode_text("\ud800") == b"?", "a lone surrogate has no UTF-8"
