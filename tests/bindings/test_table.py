from __future__ import annotations

import copy
import pickle
from typing import Annotated, Any

import pytest
from msgspec import Meta

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.scalars import Uint8
from ipcrt.bindings.table import (
    Table,
    members_of,
    to_map,
    unknown_members,
    updated,
    without_unknown,
)
from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.objects.event import Event


class Settings(Table, ordinals=(1, 3, 4, 6)):
    volume: Uint8 | None = None
    name: Annotated[str, Meta(max_length=4)] | None = None
    inner: list[Settings] | None = None
    data: bytes | None = None


class Parcel(Table, ordinals=(1, 2), resource=True):
    event: Event | None = None
    more: Parcel | None = None


@pytest.fixture
def codec() -> Codec[Settings]:
    return Codec(Settings)


def test_members_may_be_absent() -> None:
    settings = Settings(name="x")
    assert settings.name == "x"
    assert settings.volume is None
    assert repr(settings) == "Settings(name='x')"
    assert Settings(volume=None) == Settings()
    assert hash(Settings(volume=3)) == hash(Settings(volume=3))
    assert Settings(volume=3) != Settings(volume=4)
    assert settings.__replace__(volume=2, name=None) == Settings(volume=2)


def test_a_table_is_immutable_and_knows_its_members() -> None:
    with pytest.raises(AttributeError):
        Settings().volume = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del Settings(volume=3).volume  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(TypeError, match="colour"):
        Settings(colour=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="argument"):

        class Bad(Table, ordinals=(1, 2)):  # pyright: ignore[reportUnusedClass]
            a: int | None = None

    assert [*members_of(Settings)] == [1, 3, 4, 6]
    assert to_map(Settings(data=b"", volume=1)) == {1: 1, 6: b""}


def test_a_table_is_a_map_by_ordinal(codec: Codec[Settings]) -> None:
    settings = Settings(volume=3, inner=[Settings(), Settings(name="a")], data=b"\xff")
    body = codec.encode(settings)[0]
    assert body == b"\x83\x01\x03\x04\x92\x80\x81\x03\xa1a\x06\xc4\x01\xff"
    assert codec.decode(memoryview(body), []) == settings


NEWER = b"\x83\x01\x03\x02\x93\xc0\x01\x80\x64\xa1x"
"""A table with members 2 and 100, which `Settings` has not."""


def test_unknown_members_are_kept_and_sent_again(codec: Codec[Settings]) -> None:
    found = codec.decode(memoryview(NEWER), [])
    assert found.volume == 3
    assert unknown_members(found) == {2: b"\x93\xc0\x01\x80", 100: b"\xa1x"}
    assert codec.encode(found)[0] == NEWER
    assert codec.encode(Settings(inner=[found]))[0] == b"\x81\x04\x91" + NEWER
    assert unknown_members(Settings(volume=3)) == {}


def test_unknown_members_go_out_in_the_shortest_form_and_in_order(codec: Codec[Settings]) -> None:
    odd = b"\xde\x00\x03\x64\xd9\x01x\x02\xdc\x00\x03\xc0\xcd\x00\x01\xde\x00\x00\x01\x03"
    found = codec.decode(memoryview(odd), [])
    assert codec.encode(found)[0] == NEWER
    assert found == codec.decode(memoryview(NEWER), [])


def test_unknown_members_count_in_comparisons_and_are_told_of(codec: Codec[Settings]) -> None:
    found, again = (codec.decode(memoryview(NEWER), []) for _ in range(2))
    other = codec.decode(memoryview(NEWER.replace(b"\xa1x", b"\xa1y")), [])
    assert found == again
    assert hash(found) == hash(again)
    assert found not in (other, Settings(volume=3))
    assert repr(found) == "Settings(volume=3, <2: 4 bytes>, <100: 2 bytes>)"
    assert copy.copy(found) == pickle.loads(pickle.dumps(found)) == found  # noqa: S301


def test_unknown_members_outlive_a_change_and_can_be_dropped(codec: Codec[Settings]) -> None:
    found = codec.decode(memoryview(NEWER), [])
    changed = found.__replace__(volume=None, name="x")
    assert codec.encode(changed)[0] == b"\x83\x02\x93\xc0\x01\x80\x03\xa1x\x64\xa1x"
    assert without_unknown(found) == Settings(volume=3)
    assert codec.encode(without_unknown(found))[0] == b"\x81\x01\x03"
    assert unknown_members(found) != {}


def test_an_update_changes_what_is_present_unknown_members_as_well(codec: Codec[Settings]) -> None:
    old = codec.decode(memoryview(b"\x84\x01\x03\x03\xa1a\x07\x01\x64\x02"), [])
    changes = codec.decode(memoryview(b"\x83\x03\xa1b\x02\x05\x64\x09"), [])
    found = updated(old, changes)
    assert without_unknown(found) == Settings(volume=3, name="b")
    assert unknown_members(found) == {2: b"\x05", 7: b"\x01", 100: b"\x09"}
    assert updated(old, Settings()) == old
    assert updated(Settings(), changes) == changes


def test_what_would_be_too_deep_for_the_peer_is_not_passed_on(codec: Codec[Settings]) -> None:
    deep = b"\x81\x02" + b"\x91" * 30 + b"\x90"
    found = codec.decode(memoryview(deep), [])
    assert codec.encode(found)[0] == deep
    with pytest.raises(LocalProtocolError, match="B2"):
        codec.encode(Settings(inner=[found]))


@pytest.mark.parametrize(
    "body",
    [
        b"\x90",
        b"\xc0",
        b"\x81\x00\x01",
        b"\x81\xff\x01",
        b"\x81\xa1a\x01",
        b"\x81\x01\xc0",
        b"\x81\x01\xcd\x01\x00",
        b"\x81\x03\xa5abcde",
        b"\x81\x03\xa4\xc3\xbc\xc3\xbc\xc3",
        b"\x81\x04\x91\x81\x01\xff",
        b"\x82\x01\x01\x01\x01",
        b"\x82\x02\x01\x02\x01",
        b"\x81\x01\x01\x01",
        b"\xde\x01\x01" + b"\x01\x01" * 257,
        b"\x81\x02" + b"\x91" * 31 + b"\x90",  # too deep, where nobody looks
        b"\x81\x02\x82\x01\xc0\x01\xc0",  # a key twice
        b"\x81\x02\xa1\xff",  # no UTF-8
        b"\x81\x02\xd4\x01\x00",  # a handle that did not come
        b"\x81\x02\xd4\x02\x00",  # an extension that never leaves
    ],
)
def test_what_is_no_such_table_is_refused(codec: Codec[Settings], body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        codec.decode(memoryview(body), [])


@pytest.mark.parametrize(
    "bad",
    [
        Settings(volume=256),
        Settings(name="üüü"),
        Settings(inner=[Settings(volume=-1)]),
        Settings(data="text"),  # type: ignore[arg-type]
    ],
)
def test_what_is_out_of_bounds_is_not_sent(codec: Codec[Settings], bad: Settings) -> None:
    with pytest.raises(LocalProtocolError):
        codec.encode(bad)


def test_handles_of_members_are_owned_and_those_of_unknown_ones_closed() -> None:
    codec = Codec(Parcel)
    events = [Event.create() for _ in range(3)]
    body, sent = codec.encode(Parcel(event=events[0], more=Parcel(event=events[1])))
    assert body == b"\x82\x01\xd4\x01\x00\x02\x81\x01\xd4\x01\x01"
    assert [*sent] == events[:2]
    newer = b"\x82\x01\xd4\x01\x00\x07\x92\xd4\x01\x02\xd4\x01\x01"
    found: Any = codec.decode(memoryview(newer), events)
    assert all(event.closed for event in events)
    assert isinstance(found.event, Event)
    assert found.event.fileno() >= 0
    assert unknown_members(found) == {7: None}
    assert repr(found).endswith(", <7: gone>)")
    body, sent = codec.encode(found)
    assert body == b"\x81\x01\xd4\x01\x00"
    assert [*sent] == [found.event]
    found.event.close()


@pytest.mark.parametrize(
    "body", [b"\x81\x01\xd4\x01\x00", b"\x82\x01\xd4\x01\x00\x07\xd4\x01\x00", b"\x81\x01\x07"]
)
def test_a_refused_table_leaves_no_handle_open(body: bytes) -> None:
    events = [Event.create() for _ in range(2)]
    with pytest.raises(RemoteProtocolError):
        Codec(Parcel).decode(memoryview(body), events)
    assert all(event.closed for event in events)
