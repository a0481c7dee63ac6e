"""What an older contract keeps of a newer one's messages, wherever it stands in them."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from msgspec import ValidationError, msgpack

from ipcrt.bindings.bits import FlexibleBits8
from ipcrt.bindings.codec import Codec
from ipcrt.bindings.enums import FlexibleUint8
from ipcrt.bindings.structs import Struct
from ipcrt.bindings.table import Table, unknown_members
from ipcrt.bindings.union import UnknownVariant, Variant, as_payload
from ipcrt.bindings.unknown import UnknownMember, describe, keep, settle
from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.objects.event import Event
from ipcrt.wire.body import encode_value
from tests.wire.test_properties import values


class OldColour(FlexibleUint8):
    RED = 1


class NewColour(FlexibleUint8):
    RED = 1
    BLUE = 2


class OldFlags(FlexibleBits8):
    A = 1


class NewFlags(FlexibleBits8):
    A = 1
    B = 2


class OldCard(Table, ordinals=(1, 2)):
    name: str | None = None
    inner: list[OldShape] | None = None


class NewCard(Table, ordinals=(1, 2, 5, 6)):
    name: str | None = None
    inner: list[NewShape] | None = None
    colour: NewColour | None = None
    ghost: NewCard | None = None


class OldRound(Variant, frozen=True, tag=1):
    value: OldCard


class OldMany(Variant, frozen=True, tag=2):
    value: list[OldShape]


class NewRound(Variant, frozen=True, tag=1):
    value: NewCard


class NewMany(Variant, frozen=True, tag=2):
    value: list[NewShape]


class NewSquare(Variant, frozen=True, tag=9):
    value: list[NewCard]


OldShape: TypeAlias = OldRound | OldMany | UnknownVariant
NewShape: TypeAlias = NewRound | NewMany | NewSquare | UnknownVariant


class OldBox(Struct, frozen=True):
    cards: list[OldCard]
    shape: OldShape | None
    colour: OldColour
    flags: OldFlags


class NewBox(Struct, frozen=True):
    cards: list[NewCard]
    shape: NewShape | None
    colour: NewColour
    flags: NewFlags


CARD = NewCard(name="x", colour=NewColour.BLUE, ghost=NewCard(colour=NewColour(9)))
SQUARE = NewSquare([CARD, NewCard()])
BOTH = NewFlags.A | NewFlags.B

BOXES = [
    pytest.param(NewBox([CARD, NewCard()], None, NewColour.BLUE, BOTH), id="tables in a vector"),
    pytest.param(NewBox([], SQUARE, NewColour.RED, NewFlags(0)), id="an unknown member"),
    pytest.param(NewBox([], NewRound(CARD), NewColour(200), BOTH), id="a table in a union"),
    pytest.param(
        NewBox([], NewMany([SQUARE, NewRound(CARD), NewMany([SQUARE])]), NewColour.RED, BOTH),
        id="unions in a vector in a union",
    ),
    pytest.param(
        NewBox([NewCard(inner=[SQUARE, NewRound(CARD)], ghost=CARD)], SQUARE, NewColour.BLUE, BOTH),
        id="unions in a table, tables in those",
    ),
]


@pytest.mark.parametrize("box", BOXES)
def test_what_an_older_contract_passes_on_is_what_was_sent(box: NewBox) -> None:
    old, new = Codec(OldBox), Codec(NewBox)
    body = new.encode(box)[0]
    between = old.decode(memoryview(body), [])
    passed_on = old.encode(between)[0]
    assert passed_on == body
    assert new.decode(memoryview(passed_on), []) == box


def test_what_an_older_contract_changes_is_all_that_changes() -> None:
    old, new = Codec(OldBox), Codec(NewBox)
    body = new.encode(NewBox([CARD], NewMany([SQUARE]), NewColour.BLUE, BOTH))[0]
    found = old.decode(memoryview(body), [])
    assert isinstance(found.shape, OldMany)
    assert found.colour.is_unknown
    assert found.flags.unknown == 2
    changed = OldBox(
        [found.cards[0].__replace__(name="y")],
        OldMany([*found.shape.value, OldRound(found.cards[0])]),
        found.colour,
        ~found.flags,
    )
    assert new.decode(memoryview(old.encode(changed)[0]), []) == NewBox(
        [CARD.__replace__(name="y")],
        NewMany([SQUARE, NewRound(CARD)]),
        NewColour.BLUE,
        NewFlags(0),
    )


@settings(deadline=None, max_examples=200)
@given(values)
def test_whatever_a_body_can_hold_is_kept_and_sent_again(value: Any) -> None:
    data = encode_value(value)
    table, union = Codec(OldCard), Codec[OldShape](as_payload(OldShape))
    in_table, in_union = b"\x81\x07" + data, b"\x92\x07" + data
    card = table.decode(memoryview(in_table), [])
    assert unknown_members(card) == {7: data}
    assert table.encode(card)[0] == in_table
    shape = union.decode(memoryview(in_union), [])
    assert union.encode(OldMany([shape, OldRound(card)]))[0] == (
        b"\x92\x02\x92" + in_union + b"\x92\x01" + in_table
    )


def test_nothing_is_kept_of_what_holds_handles() -> None:
    with Event.create() as event:
        assert keep([1, {2: event}], "it", resource=True) is None
        with pytest.raises(ValidationError, match="unknown member of it, no resource"):
            keep([1, {2: event}], "it", resource=False)
    assert keep([1, {2: "x"}], "it", resource=False) == b"\x92\x01\x81\x02\xa1x"
    assert describe(keep("x", "it", resource=True)) == "2 bytes"


def test_an_unknown_member_is_a_value() -> None:
    one, same = UnknownMember(5, b"\xc0"), UnknownMember(5, b"\xc0")
    assert one == same
    assert hash(one) == hash(same)
    assert one not in (UnknownMember(5, b"\x01"), UnknownMember(6, b"\xc0"), 5)
    assert repr([one, UnknownMember(6, None)]) == "[<5: 1 bytes>, <6: gone>]"


def test_marks_leave_nothing_behind() -> None:
    mark = UnknownMember(5, b"\xa1x").mark()
    body = msgpack.encode([0, [0, mark], {1: [0, mark]}, [mark]])
    assert settle(body) == b"\x94\x00\x92\x05\xa1x\x81\x01\x92\x05\xa1x\x92\x05\xa1x"
    plain = encode_value([0, [1], {b"k": 1.5, -3: None}, "grün", 2**64 - 1])
    assert settle(plain) == plain


def test_only_a_value_that_is_there_has_a_mark() -> None:
    with pytest.raises(TypeError, match="member 5 held handles"):
        UnknownMember(5, None).mark()
    with pytest.raises(LocalProtocolError):
        UnknownMember(1 << 64, b"\xc0").mark()


HOLDING = [
    pytest.param(Codec(OldCard), b"\x82\x01\xa1x\x07\x91\xd4\x01\x00", id="a table"),
    pytest.param(Codec[OldShape](as_payload(OldShape)), b"\x92\x07\x91\xd4\x01\x00", id="a union"),
    pytest.param(
        Codec(OldBox), b"\x94\x91\x81\x02\x91\x92\x07\xd4\x01\x00\xc0\x01\x01", id="inside"
    ),
]


@pytest.mark.parametrize("codec, body", HOLDING)
def test_no_version_of_a_value_type_has_handles(codec: Codec[Any], body: bytes) -> None:
    event = Event.create()
    with pytest.raises(RemoteProtocolError, match="handles in an unknown member"):
        codec.decode(memoryview(body), [event])
    assert event.closed
