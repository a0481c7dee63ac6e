"""Which types may stand in a message. The types are built here, so that no other test sees them."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.bindings.schema import examine
from ipcrt.bindings.tables import Struct
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from ipcrt.wire.limits import MAX_DEPTH
from tests.bindings.calc import Calc


class Colour(enum.IntEnum):
    RED = 1


class Flat(Struct, frozen=True):
    number: int
    text: Annotated[str, Meta(max_length=3)] | None
    colour: Colour
    word: Literal["a", "b"]
    numbers: list[float]
    pair: tuple[int, bytes]


class Nested(Struct, frozen=True):
    flats: list[Flat]


class WithHandle(Struct, frozen=True):
    inner: list[tuple[Vmo, int]]


class WithEnd(Struct, frozen=True):
    end: ClientEnd[Calc] | None


class Tree(Struct, frozen=True):
    children: list[Tree]


class Tagged(Struct, frozen=True, tag=True):
    value: dict[str, int]


class Map(msgspec.Struct):
    value: int


class HasMap(Struct, frozen=True):
    value: Map


def nested(depth: int) -> object:
    """A list of lists, `depth` arrays deep."""
    type_: Any = int
    for _ in range(depth):
        type_ = list[type_]
    return type_


@pytest.mark.parametrize(
    "type_, has_handles, is_loose",
    [
        pytest.param(type(None), False, False, id="nothing"),
        pytest.param(Flat, False, False, id="flat"),
        pytest.param(Nested, False, False, id="nested"),
        pytest.param(Colour, False, False, id="enum"),
        pytest.param(Handle, True, False, id="handle"),
        pytest.param(ServerEnd[Calc], True, False, id="end"),
        pytest.param(WithHandle, True, False, id="handle inside"),
        pytest.param(WithEnd, True, False, id="end inside"),
        pytest.param(Tree, False, True, id="recursive"),
        pytest.param(Tagged, False, True, id="a map inside"),
        pytest.param(dict[str, Handle], True, True, id="map of handles"),
        pytest.param(Any, False, True, id="anything"),
        pytest.param(list[Any], False, True, id="list of anything"),
        pytest.param(nested(MAX_DEPTH), False, False, id="as deep as allowed"),
        pytest.param(nested(MAX_DEPTH + 1), False, True, id="too deep"),
    ],
)
def test_facts(type_: object, has_handles: bool, is_loose: bool) -> None:
    facts = examine(type_)
    assert (facts.has_handles, facts.is_loose) == (has_handles, is_loose)


@pytest.mark.parametrize(
    "type_, culprit",
    [
        (Map, "Map is not array_like"),
        (HasMap, "Map is not array_like"),
        (list[Map | None], "Map is not array_like"),
        (object, "no wire form"),
        (list[complex], "complex has no wire form"),
        (dict[str, datetime.datetime], "no wire form"),
        (uuid.UUID, "no wire form"),
        (decimal.Decimal | None, "no wire form"),
        (set[int], "no wire form"),
        (bytearray, "no wire form"),
        (msgspec.Raw, "no wire form"),
        (msgspec.msgpack.Ext, "no wire form"),
    ],
)
def test_types_without_a_wire_form(type_: object, culprit: str) -> None:
    with pytest.raises(TypeError, match=culprit):
        examine(type_)
