from __future__ import annotations

import json
import math
import re

import typer

from ipcrt.cli.tree_text import as_json, lines_of, safe, values_of
from ipcrt.cli.trees import Told
from ipcrt.inspect.inspector import Inspector
from ipcrt.inspect.snapshot import Snapshot
from ipcrt.locator.protocol import Identity, Tree

TREE = Tree(1, "a/B", "t", Identity(7, 8, 9), True, 0)
DEAD = Tree(2, "a/B", "t", Identity(7, 8, 9), False, 12_400)


def snapshot() -> Snapshot:
    with Inspector() as inspector:
        root = inspector.root
        root.int("i", -3)
        root.bool("b", True)
        root.double("d", math.nan)
        root.string("s", "evil\x1b[2J\n", max_bytes=5)
        root.bytes("y", b"\x00\xff")
        root.int_array("a", 2).set(1, 5)
        root.double_array("f", 1).set(0, math.inf)
        histogram = root.exponential_histogram("h", floor=0, step=1, factor=2, buckets=3)
        for value in (-1, 0, 3, 3, 99):
            histogram.add(value)
        root.linear_histogram("e", floor=0, step=1, buckets=1)
        root.child("n\x07").int("same", 1)
        root.child("n\x07").int("same", 2)
        with inspector.duplicate_vmo() as vmo:
            return Snapshot.read(vmo)


def plain(told: Told) -> list[str]:
    return [re.sub(r"\x1b\[\d*m", "", line) for line in lines_of(told)]


def test_for_people() -> None:
    assert plain(Told(TREE, snapshot(), age_ns=400_000_000)) == [
        "a/B t  pid 7 uid 8  0.4 s old",
        "  i = -3",
        "  b = true",
        "  d = nan",
        "  s = evil\\x1b…",
        "  y = 00 ff",
        "  a = 0, 5",
        "  f = inf",
        "  h = <0 1  0: 1  2: 2  4: 1",
        "  e = empty",
        "  n\\x07",
        "    same = 1",
        "  n\\x07#2",
        "    same = 2",
    ]


def test_nothing_that_a_terminal_would_obey_gets_through() -> None:
    assert safe("a\x1b[2J\n\u202e\x9b") == "a\\x1b[2J\\n\\u202e\\x9b"
    evil = Tree(1, "a/B\x1b]0;x\x07", "\n", TREE.publisher, True, 0)
    [headline, reason] = plain(Told(evil, None, "bad\x1b"))
    assert headline == "a/B\\x1b]0;x\\x07 \\n  pid 7 uid 8  UNREADABLE"
    assert reason == "  bad\\x1b"


def test_marks() -> None:
    whole = snapshot()
    assert "DEAD for 12 s" in plain(Told(DEAD, whole))[0]
    with Inspector(max_bytes=64) as inspector:
        inspector.root.int("none")
        with inspector.duplicate_vmo() as vmo, inspector.atomic():
            torn = Snapshot.read(vmo, 0)
    assert plain(Told(TREE, torn))[0].endswith("TORN, 1 dropped, live values")


def test_what_hangs_is_what_lives_and_is_late() -> None:
    with Inspector() as inspector:
        inspector._store.set_word(6, 1_000_000_000)
        with inspector.duplicate_vmo() as vmo:
            found = Snapshot.read(vmo)
    assert not Told(TREE, snapshot(), age_ns=10**12).stale, "nothing was promised"
    assert not Told(TREE, found, age_ns=2_900_000_000).stale
    late = Told(TREE, found, age_ns=3_100_000_000)
    assert late.stale
    assert plain(late)[0].endswith("HANGS, 3.1 s old")
    assert not Told(DEAD, found, age_ns=3_100_000_000).stale


def test_what_changed_is_bold() -> None:
    told = Told(TREE, snapshot())
    before = values_of(told)
    assert before["i",] == "-3"
    assert before["n\x07#2", "same"] == "2"
    assert lines_of(told, before)[1:] == lines_of(told)[1:]
    [changed] = set(lines_of(told, before | {("i",): "-4"})) - set(lines_of(told))
    assert changed.endswith(f"= {typer.style('-3', bold=True)}")
    assert values_of(Told(TREE, None, "x")) == {}


def test_for_machines() -> None:
    found = as_json(Told(DEAD, snapshot(), age_ns=1_500_000_000))
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        "service": "a/B",
        "name": "t",
        "pid": 7,
        "uid": 8,
        "gid": 9,
        "alive": False,
        "ended_s": 12.4,
        "stale": False,
        "torn": False,
        "age_s": 1.5,
        "period_s": None,
        "used_bytes": found["used_bytes"],
        "dropped": 0,
        "tree": {
            "i": -3,
            "b": True,
            "d": "nan",
            "s": "evil\x1b",
            "y": {"base64": "AP8="},
            "a": [0, 5],
            "f": ["inf"],
            "h": {"floor": 0, "step": 1, "factor": 2, "counts": [1, 1, 0, 2, 1]},
            "e": {"floor": 0, "step": 1, "factor": None, "counts": [0, 0, 0]},
            "n\x07": {"same": 1},
            "n\x07#2": {"same": 2},
        },
    }
    assert as_json(Told(TREE, None, "bad"))["error"] == "bad"
