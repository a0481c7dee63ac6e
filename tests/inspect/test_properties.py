from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.inspect.format import GENERATION
from ipcrt.inspect.inspector import Inspector
from ipcrt.inspect.node import Node
from ipcrt.inspect.properties import Double, Int
from ipcrt.inspect.snapshot import Snapshot
from ipcrt.inspect.tree import Node as Tree
from ipcrt.inspect.tree import Property, Value


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    with Inspector(max_bytes=4096) as made:
        yield made


@pytest.fixture
def root(inspector: Inspector) -> Node:
    return inspector.root


def shown(inspector: Inspector, *path: str) -> Value | Tree:
    with inspector.duplicate_vmo() as vmo:
        snapshot = Snapshot.read(vmo)
    assert not snapshot.torn
    return snapshot.root.find(*path)


def test_numbers(inspector: Inspector, root: Node) -> None:
    number, count, part, truth = root.int("i"), root.uint("u"), root.double("d"), root.bool("b")
    number.set(-7)
    number.add()
    count.add(5)
    part.set(0.5)
    part.add(0.25)
    truth.set(True)
    assert [shown(inspector, name) for name in "iudb"] == [-6, 5, 0.75, True]
    assert (number.value, count.value, part.value, truth.value) == (-6, 5, 0.75, True)
    truth.set(False)
    assert shown(inspector, "b") is False


def test_what_exceeds_64_bits_is_the_nearest_that_fits(inspector: Inspector, root: Node) -> None:
    number, count, part = root.int("i", 1 << 70), root.uint("u", -1), root.double("d", math.inf)
    assert [shown(inspector, name) for name in "iud"] == [(1 << 63) - 1, 0, math.inf]
    number.set(-(1 << 70))
    count.set(1 << 64)
    part.set(math.nan)
    assert shown(inspector, "i") == -(1 << 63)
    assert shown(inspector, "u") == (1 << 64) - 1
    assert math.isnan(part.value)
    number.add(-1)
    assert number.value == -(1 << 63), "it does not wrap"


def test_a_value_of_the_wrong_type_leaves_the_tree_whole(inspector: Inspector, root: Node) -> None:
    number = root.int("i", 3)
    with pytest.raises(TypeError):
        number.set("three")  # type: ignore[arg-type]
    assert shown(inspector, "i") == 3


def test_texts_and_bytes_are_cut_and_say_so(inspector: Inspector, root: Node) -> None:
    text = root.string("s", "grü", max_bytes=3)
    data = root.bytes("y", b"abcd", max_bytes=3)
    with inspector.duplicate_vmo() as vmo:
        tree = Snapshot.read(vmo).root
        assert [(each.value, each.cut) for each in tree.properties] == [
            ("gr", True),
            (b"abc", True),
        ]
        text.set("gr")
        data.set(b"")
        tree = Snapshot.read(vmo).root
        assert [(each.value, each.cut) for each in tree.properties] == [("gr", False), (b"", False)]


def test_a_closed_property_takes_its_changes(inspector: Inspector, root: Node) -> None:
    members: list[Int | Double] = [root.int("i"), root.uint("u"), root.double("d")]
    text, data, truth = root.string("s", "x"), root.bytes("y", b"x"), root.bool("b")
    for each in (*members, text, data, truth):
        assert each.shown
        each.close()
        each.close()
        assert not each.shown
    other = root.int("other", 9)
    for number in members:
        number.set(5)
        number.add(1)
    text.set("z")
    data.set(b"z")
    truth.set(True)
    tree = shown(inspector)
    assert isinstance(tree, Tree)
    assert [each.name for each in tree.properties] == ["other"]
    assert other.value == 9, "room that was given away is left alone"


def test_changing_a_number_is_no_system_call(root: Node) -> None:
    """The thread's own count of them: read(2) and write(2). Source: proc_pid_io(5)."""
    number = root.int("i")
    accounting = Path(f"/proc/self/task/{threading.get_native_id()}/io")
    if not accounting.exists():
        pytest.skip("this kernel does not count a thread's system calls")

    def calls() -> int:
        with accounting.open() as lines:
            counts = dict(line.split(": ") for line in lines)
        return int(counts["syscr"]) + int(counts["syscw"])

    calls()
    idle = -calls() + calls()
    before = calls()
    for _ in range(1000):
        number.add()
    assert calls() - before == idle


def test_threads_may_all_change_the_same(inspector: Inspector, root: Node) -> None:
    number = root.int("i")

    def work() -> None:
        for _ in range(5000):
            number.add()
            root.string("s", "x").close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tree = shown(inspector)
    assert isinstance(tree, Tree)
    assert [(each.name, each.value) for each in tree.properties] == [("i", 20000)]


def test_a_forked_child_changes_nothing(inspector: Inspector, root: Node) -> None:
    number, text = root.int("i", 1), root.string("s", "x")
    pid = os.fork()
    if not pid:
        number.set(2)
        number.add()
        text.set("y")
        number.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert (shown(inspector, "i"), shown(inspector, "s")) == (1, "x")


def test_an_interrupted_change_is_made_good_by_the_next(inspector: Inspector, root: Node) -> None:
    number = root.int("i", 1)
    with inspector._store.lock:
        inspector._store.signed[GENERATION] |= 1
    number.set(2)
    assert shown(inspector, "i") == 2


def test_properties_are_values() -> None:
    assert Property.__struct_config__.frozen
