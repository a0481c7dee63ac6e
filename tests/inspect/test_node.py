from __future__ import annotations

import pytest

from ipcrt.inspect.format import MAX_DEPTH, Kind
from ipcrt.inspect.inspector import Inspector
from ipcrt.inspect.node import Node
from ipcrt.inspect.snapshot import Snapshot
from ipcrt.inspect.tree import Node as Tree


def read(inspector: Inspector) -> Snapshot:
    with inspector.duplicate_vmo() as vmo:
        return Snapshot.read(vmo)


def test_makes_every_kind() -> None:
    with Inspector() as inspector:
        node = inspector.root.child("n")
        node.int("a", -1)
        node.uint("b", 1)
        node.double("c", 0.5)
        node.bool("d", True)
        node.string("e", "text")
        node.bytes("f", b"data")
        node.int_array("g", 1)
        node.uint_array("h", 1)
        node.double_array("i", 1)
        node.linear_histogram("j", floor=0, step=1, buckets=1)
        node.exponential_histogram("k", floor=0, step=1, factor=2, buckets=1)
        tree = read(inspector).root.find("n")
        assert isinstance(tree, Tree)
        assert [each.kind for each in tree.properties] == list(Kind)[2:]
        assert [each.value for each in tree.properties[:6]] == [-1, 1, 0.5, True, "text", b"data"]


def test_a_text_leaves_room_for_another() -> None:
    with Inspector() as inspector:
        text = inspector.root.string("s")
        text.set("x" * 32)
        assert read(inspector).root.find("s") == "x" * 32


def test_names_that_are_unique() -> None:
    with Inspector() as inspector:
        node = inspector.root
        assert [node.unique_name("client") for _ in range(2)] == ["client-1", "client-2"]
        assert node.unique_name("call") == "call-3"


def test_two_of_a_name_are_both_shown() -> None:
    with Inspector() as inspector:
        inspector.root.int("a", 1)
        inspector.root.int("a", 2)
        assert [each.value for each in read(inspector).root.properties] == [1, 2]


def test_closing_takes_all_below_away_at_once() -> None:
    with Inspector() as inspector:
        node = inspector.root.child("a")
        number = node.child("b").int("n")
        kept = inspector.root.int("kept", 1)
        generation = read(inspector).generation
        node.close()
        node.close()
        after = read(inspector)
        assert after.generation == generation + 4, "one change each"
        assert [each.name for each in after.root.properties] == ["kept"]
        assert not after.root.children
        assert not node.shown
        number.set(5)
        node.int("late").set(7)
        assert node.child("late").int("later").shown is False
        assert kept.value == 1
        assert inspector.statistics()["dropped"] == 3


def test_closing_the_root_empties_it() -> None:
    with Inspector() as inspector:
        inspector.root.child("a").int("n")
        inspector.root.close()
        assert inspector.statistics()["used_bytes"] == 64
        assert inspector.root.int("again", 2).shown


def test_what_is_too_deep_is_dropped() -> None:
    with Inspector() as inspector:
        node: Node = inspector.root
        for _ in range(MAX_DEPTH + 3):
            node = node.child("x")
        snapshot = read(inspector)
        assert len(list(snapshot.root.walk())) == MAX_DEPTH
        assert snapshot.dropped == inspector.statistics()["dropped"] == 4


def test_room_that_is_freed_is_used_again() -> None:
    with Inspector(max_bytes=1024) as inspector:
        for turn in range(200):
            node = inspector.root.child(f"client-{turn}")
            for index in range(10):
                node.int(f"n{index}")
            if turn % 2:
                node.string("s", "x" * (turn % 40))
            node.close()
        assert inspector.statistics() == {"used_bytes": 64, "dropped": 0}


@pytest.mark.parametrize("name", ["", "ü" * 300, "\ud800", "a\0b", "a/b"])
def test_any_text_is_a_name(name: str) -> None:
    with Inspector() as inspector:
        inspector.root.int(name, 1)
        [found] = read(inspector).root.properties
        assert found.value == 1
