from __future__ import annotations

import pytest

from ipcrt.inspect.format import Kind
from ipcrt.inspect.tree import Histogram, Node, Property, bucket_bounds

LEAF = Node("leaf", (Property("n", Kind.INT, 3),), ())
ROOT = Node("root", (Property("n", Kind.INT, 1),), (LEAF,))


def test_finds_by_path() -> None:
    assert ROOT.find() is ROOT
    assert ROOT.find("n") == 1
    assert ROOT.find("leaf") is LEAF
    assert ROOT.find("leaf", "n") == 3


@pytest.mark.parametrize("path", [("x",), ("n", "x"), ("leaf", "x")])
def test_what_is_not_there_is_a_key_error(path: tuple[str, ...]) -> None:
    with pytest.raises(KeyError):
        ROOT.find(*path)


def test_walks_from_above() -> None:
    assert [node.name for node in ROOT.walk()] == ["root", "leaf"]


def test_bounds_ascend_as_the_format_says() -> None:
    assert bucket_bounds(5, 10, None, 3) == (5, 15, 25)
    assert bucket_bounds(5, 10, 3, 4) == (5, 15, 35, 95)
    assert Histogram(0, 1, 2, (0, 0, 0, 0)).bounds() == (0, 1, 2)
