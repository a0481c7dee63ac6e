from __future__ import annotations

from typing import Any, TypeAlias

from ipcrt.bindings.generic import rewrite_for
from ipcrt.bindings.structs import Struct
from ipcrt.bindings.table import Table
from ipcrt.bindings.union import UnknownVariant, Variant
from ipcrt.bindings.unknown import UnknownMember


class TreeLeaf(Variant, frozen=True, tag=1):
    value: int


class TreeFork(Variant, frozen=True, tag=2):
    value: list[Tree]


class Garden(Table, ordinals=(1, 2)):
    tree: Tree | None = None
    next: Garden | None = None


class Plot(Struct, frozen=True):
    size: int
    garden: Garden
    trees: list[Tree]


Tree: TypeAlias = TreeLeaf | TreeFork | UnknownVariant

ELSE = [0, UnknownMember(9, b"\x92\x01\x02")]


def test_unknown_members_are_put_aside_wherever_they_stand() -> None:
    rewrite = rewrite_for(Plot)
    assert rewrite is not None
    unknown = [9, [1, 2]]
    plain = [3, {1: unknown, 2: {1: [2, [unknown]], 7: unknown}}, [unknown, [1, 5]]]
    assert rewrite(plain) == [3, {1: ELSE, 2: {1: [2, [ELSE]], 7: unknown}}, [ELSE, [1, 5]]]


def test_what_has_not_the_shape_is_left_for_the_check() -> None:
    rewrite = rewrite_for(Plot)
    assert rewrite is not None
    values: list[Any] = [None, 3, [], [1, 2], [1, [], {}], [1, {1: [9]}, [[0, 1], ["a", 1]]]]
    for odd in values:
        assert rewrite(odd) == odd


def test_nothing_to_do_where_there_are_no_unions() -> None:
    assert rewrite_for(list[int]) is None
