from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Optional, Union

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


Place = Callable[[str], object]
TITLED = Optional[Annotated[list[Short], Meta(title="x")]]  # noqa: UP045

PLACES: dict[str, tuple[object, Place]] = {
    "itself": (Short, lambda text: text),
    "struct": (Leaf, lambda text: Leaf(1, text)),
    "inner struct": (Branch, lambda text: Branch(Leaf(1, text), Free(1, OVER))),
    "optional": (Optional[Short], lambda text: text),  # noqa: UP045
    "list": (list[Short], lambda text: [FITS, text]),
    "tuple": (tuple[Short, ...], lambda text: (FITS, text)),
    "place in a tuple": (tuple[int, str, Short], lambda text: (1, OVER, text)),
    "key": (dict[Short, int], lambda text: {FITS: 1, text: 2}),
    "value": (dict[str, Short], lambda text: {OVER: text}),
    "member of a union": (Left | Right, Left),
    "text or list": (Union[list[int], Short], lambda text: text),  # noqa: UP007
    "list or number": (list[Short] | int, lambda text: [text]),
    "map or number": (dict[str, Short] | int, lambda text: {"a": text}),
    "tuple or text": (tuple[Short, int] | str, lambda text: (text, 1)),
    "annotated": (TITLED, lambda text: [text]),
    "recursive": (Tree, lambda text: tree(FITS, FITS, text)),
}


@pytest.mark.parametrize("type_, place", PLACES.values(), ids=PLACES.keys())
def test_a_string_is_bounded_by_its_bytes(type_: object, place: Place) -> None:
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


@pytest.mark.parametrize(
    "type_, others",
    [(Left | Right, [Right(OVER)]), (Union[Short, int, None], [1, None])],  # noqa: UP007
)
def test_members_of_a_union_are_checked_by_their_own_rules(
    type_: object, others: list[object]
) -> None:
    check = check_for(type_)
    assert check is not None
    for other in others:
        check(other)
