from __future__ import annotations

from collections.abc import Iterator

import pytest

from ipcrt.inspect.inspector import Inspector
from ipcrt.inspect.mirror import Mirror
from ipcrt.inspect.snapshot import Snapshot
from ipcrt.inspect.tree import Node


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    with Inspector() as made:
        yield made


@pytest.fixture
def mirror(inspector: Inspector) -> Mirror:
    return Mirror(inspector.root)


def told(inspector: Inspector) -> dict[str, object]:
    def plain(node: Node) -> dict[str, object]:
        values: dict[str, object] = {each.name: each.value for each in node.properties}
        return values | {child.name: plain(child) for child in node.children}

    with inspector.duplicate_vmo() as vmo:
        return plain(Snapshot.read(vmo).root)


def test_shows_a_mapping_and_then_another(inspector: Inspector, mirror: Mirror) -> None:
    first = {"i": 1, "b": True, "f": 0.5, "s": "x", "y": b"z", "n": {"m": {"deep": 1}}, "no": None}
    second = {"i": 2, "b": False, "f": 1.5, "s": "xyz", "y": b"", "n": {"other": 2}}
    for each in (first, second, {}, first):
        mirror.show(each)
        assert told(inspector) == {name: value for name, value in each.items() if name != "no"}


@pytest.mark.parametrize("values", [(1, "one"), ("one", {"n": 1}), ({"n": 1}, 1), (True, 1)])
def test_a_value_may_change_its_type(
    inspector: Inspector, mirror: Mirror, values: tuple[object, object]
) -> None:
    for value in values:
        mirror.show({"x": value})
        assert told(inspector) == {"x": value}
    mirror.show({"x": None})
    assert told(inspector) == {}


def test_a_longer_text_gets_more_room(inspector: Inspector, mirror: Mirror) -> None:
    for length in (1, 100, 3, 1024):
        mirror.show({"s": "x" * length})
        assert told(inspector) == {"s": "x" * length}
    mirror.show({"s": "x" * 2000})
    assert told(inspector) == {"s": "x" * 1024}


def test_what_does_not_change_is_not_written(inspector: Inspector, mirror: Mirror) -> None:
    values = {"i": 1, "s": "x", "n": {"m": 1}}
    mirror.show(values)
    with inspector.duplicate_vmo() as vmo:
        before = Snapshot.read(vmo).generation
        mirror.show(values)
        assert Snapshot.read(vmo).generation == before


def test_large_numbers(inspector: Inspector, mirror: Mirror) -> None:
    mirror.show({"u": (1 << 64) - 1})
    assert told(inspector) == {"u": (1 << 64) - 1}


def test_what_cannot_be_shown_is_refused(mirror: Mirror) -> None:
    with pytest.raises(TypeError, match="'x': a list cannot be shown"):
        mirror.show({"x": [1]})
    loop: dict[str, object] = {}
    loop["x"] = loop
    with pytest.raises(TypeError, match="32 deep"):
        mirror.show(loop)
