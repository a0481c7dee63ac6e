from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from ipcrt.bindings.bounds import check_for
from ipcrt.bindings.tables import Struct

Short = Annotated[str, Meta(max_length=4)]
FITS, FULL, OVER = "abcd", "\u00e9\u00e9", "\u00e9\u00e9\u00e9"


class Leaf(Struct, frozen=True):
    number: int
    text: Short


class Free(Struct, frozen=True):
    number: int
    text: str


class Branch(Struct, frozen=True):
    leaf: Leaf | None
    free: Free


class Tree(Struct, frozen=True):
    text: Short
    children: list[Tree]


class Endless(Struct, frozen=True):
    children: list[Endless]


class Left(Struct, frozen=True, tag=True):
    text: Short


class Right(Struct, frozen=True, tag=True):
    text: str


def tree(*texts: str) -> Tree:
    """A path of trees, one in the other."""
    return Tree(texts[0], [tree(*texts[1:])] if texts[1:] else [])


PLACES = [
    pytest.param(Short, lambda text: text, id="itself"),
    pytest.param(Leaf, lambda text: Leaf(1, text), id="struct"),
    pytest.param(Branch, lambda text: Branch(Leaf(1, text), Free(1, OVER)), id="inner struct"),
    pytest.param(Short | None, lambda text: text, id="optional"),
    pytest.param(list[Short], lambda text: [FITS, text], id="list"),
    pytest.param(tuple[Short, ...], lambda text: (FITS, text), id="tuple"),
    pytest.param(tuple[int, str, Short], lambda text: (1, OVER, text), id="place in a tuple"),
    pytest.param(dict[Short, int], lambda text: {FITS: 1, text: 2}, id="key"),
    pytest.param(dict[str, Short], lambda text: {OVER: text}, id="value"),
    pytest.param(Left | Right, lambda text: Left(text), id="member of a union"),  # noqa: PLW0108
    pytest.param(list[int] | Short, lambda text: text, id="text or list"),
    pytest.param(list[Short] | int, lambda text: [text], id="list or number"),
    pytest.param(dict[str, Short] | int, lambda text: {"a": text}, id="map or number"),
    pytest.param(tuple[Short, int] | str, lambda text: (text, 1), id="tuple or text"),
    pytest.param(
        Annotated[list[Short], Meta(title="x")] | None, lambda text: [text], id="annotated"
    ),
    pytest.param(Tree, lambda text: tree(FITS, FITS, text), id="recursive"),
]


@pytest.mark.parametrize("type_, place", PLACES)
def test_a_string_is_bounded_by_its_bytes(type_: Any, place: Any) -> None:
    check = check_for(type_)
    assert check is not None
    check(place(FITS))
    check(place(FULL))
    with pytest.raises(msgspec.ValidationError, match="string of 6 bytes exceeds 4"):
        check(place(OVER))


@pytest.mark.parametrize(
    "type_",
    [
        int,
        str,
        type(None),
        Free,
        list[Free],
        tuple[int, str],
        dict[str, Free],
        Right | None,
        Annotated[bytes, Meta(max_length=3)],
    ],
)
def test_where_nothing_is_bounded_nothing_is_checked(type_: object) -> None:
    assert check_for(type_) is None


def test_a_recursive_type_without_bounds_takes_anything() -> None:
    check = check_for(Endless)
    assert check is not None
    check(Endless([Endless([])]))


def test_members_of_a_union_are_checked_by_their_own_rules() -> None:
    for type_, others in ((Left | Right, [Right(OVER)]), (Short | int | None, [1, None])):
        check = check_for(type_)
        assert check is not None
        for other in others:
            check(other)
