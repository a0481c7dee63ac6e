"""Versions, ranges and availability."""

from __future__ import annotations

from ipcrt.fidl.versions import (
    ALWAYS,
    FOR_EVER,
    HEAD,
    LEGACY,
    NEXT,
    Availability,
    Ending,
    Selection,
    State,
    overlap,
    parse_version,
    range_name,
)


def test_versions_are_read() -> None:
    assert parse_version("7") == 7
    assert parse_version("NEXT") == NEXT
    assert parse_version(str(HEAD)) == HEAD
    assert parse_version("0") is None
    assert parse_version("2147483648") is None
    assert parse_version("LEGACY") is None
    assert parse_version("-1") is None


def test_ranges() -> None:
    assert overlap((1, 3), (2, 5)) == (2, 3)
    assert overlap((1, 3), (3, 5)) is None
    assert range_name((1, FOR_EVER)) == "from version 1 onward"
    assert range_name((1, 2)) == "at version 1"
    assert range_name((1, 4)) == "from version 1 to 3"


def _available(added: int | None, deprecated: int | None, removed: int | None) -> Availability:
    found = Availability()
    assert found.init(added, deprecated, removed, False)
    return found


def test_order_within_one_attribute() -> None:
    assert Availability().init(1, 1, 2, False)
    assert not Availability().init(2, None, 2, False)
    assert not Availability().init(1, 3, 2, False)


def test_a_child_inherits_and_stays_inside() -> None:
    parent = _available(2, 4, 6)
    assert not parent.inherit(ALWAYS).any
    child = _available(5, None, None)
    assert not child.inherit(parent).any
    assert (child.added, child.deprecated, child.removed) == (5, 5, 6)
    assert child.ending is Ending.INHERITED
    assert _available(1, None, None).inherit(parent).added == ("before", "added")
    assert _available(6, None, None).inherit(parent).added == ("after", "removed")
    assert _available(None, 5, None).inherit(parent).deprecated == ("after", "deprecated")
    assert _available(None, None, 7).inherit(parent).removed == ("after", "removed")


def test_pieces() -> None:
    whole = _available(1, 3, 5)
    whole.inherit(ALWAYS)
    first, last = whole.narrowed((1, 3)), whole.narrowed((3, 5))
    assert (first.is_deprecated, last.is_deprecated) == (False, True)
    assert (first.ending, last.ending) == (Ending.SPLIT, Ending.REMOVED)
    assert first.state is State.NARROWED


def test_several_versions_are_seen_from_the_last() -> None:
    selection = Selection()
    assert selection.insert("a", [1])
    assert not selection.insert("a", [2])
    assert not selection.insert("Bad", [2])
    assert not selection.insert("unversioned", [2])
    assert selection.insert("b", [1, 2])
    assert selection.lookup("a") == 1
    assert selection.lookup("b") == LEGACY
    assert selection.lookup("unversioned") == HEAD
