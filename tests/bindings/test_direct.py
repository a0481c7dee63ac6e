"""What is read and written without hooks, and what is left to those who know every form."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.direct import Direct, direct_for
from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.bindings.structs import Struct
from ipcrt.bindings.table import Table
from ipcrt.bindings.union import Variant
from ipcrt.errors import LocalProtocolError, RemoteProtocolError, WrongType
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo
from tests.bindings.hand import Tiny, null
from tests.bindings.structs_with_handles import Ends, Late, Lent, Modes, Pair, Parcel, View
from tests.support.proc import open_fds

FULL = b"\x95\x05\xd4\x01\x00\xa3abc\xd4\x01\x01\x01"
HALF = b"\x95\x05\xd4\x01\x00\xa3abc\xc0\x01"


def direct(type_: type[Any]) -> Direct:
    found = direct_for(type_)
    assert found is not None
    return found


def event() -> Handle:
    return Handle(Event.create().take())


def test_a_value_goes_there_and_back() -> None:
    codec = direct(Parcel)
    with Event.create() as mark, null() as file:
        encoded = codec.encode(Parcel(5, mark, "abc", file, Modes.FAST))
        assert encoded == (FULL, [mark, file])
        assert codec.encode(Parcel(5, mark, "abc", None, Modes.FAST)) == (HALF, [mark])
    raw = [event(), null()]
    value = codec.decode(memoryview(FULL), raw)
    assert isinstance(value, Parcel)
    assert (value.number, value.text, value.modes) == (5, "abc", Modes.FAST)
    assert value.file is raw[1], "a plain handle is itself the object"
    with value.event as got, raw[1]:
        assert got is raw[0], "nor is an event more than a handle"
        assert type(got) is Event
        assert got.rights == Event.DEFAULT_RIGHTS
    without = codec.decode(HALF, [event()])
    assert without.file is None
    without.event.close()


def test_members_with_defaults_are_sent_and_need_not_come() -> None:
    with null() as file:
        assert direct(Late).encode(Late(file)) == (b"\x92\xd4\x01\x00\x00", [file])
        assert direct(Late).decode(b"\x92\xd4\x01\x00\x05", [file]) == Late(file, 5)
        assert direct(Late).decode(b"\x91\xd4\x01\x00", [file]) is None
        assert Codec(Late).decode(memoryview(b"\x91\xd4\x01\x00"), [file]) == Late(file, 0)


def test_ends_are_made_of_channels() -> None:
    codec = direct(Ends)
    client, server = create_endpoints(Tiny)
    with client, server:
        assert codec.encode(Ends(client, None)) == (b"\x92\xd4\x01\x00\xc0", [client.channel])
        raw = Handle(client.take_channel().take())
        value = codec.decode(b"\x92\xd4\x01\x00\xc0", [raw])
        got: ClientEnd[Tiny] = value.client
        with got:
            assert type(value.client) is ClientEnd
            assert got.channel.related_koid == server.channel.koid


def test_only_the_rights_that_are_asked_for_arrive() -> None:
    codec = direct(View)
    with Vmo.from_bytes(b"hello") as vmo:
        copy = vmo.duplicate()
        encoded = codec.encode(View(copy))
        assert encoded is not None
        body, (sent,) = encoded
        assert sent is copy
        assert sent.rights == Rights.READ | Rights.MAP | Rights.TRANSFER
        value = codec.decode(body, [Handle(sent.take())])
        with value.vmo as got:
            assert got.rights == Rights.READ | Rights.MAP
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.pwrite(got.fileno(), b"x", 0)
        blind = vmo.duplicate(Rights.READ | Rights.TRANSFER)
        with blind:
            assert codec.encode(View(blind)) is None
            assert blind.rights == Rights.READ | Rights.TRANSFER
    assert codec.encode(View(None)) == (b"\x91\xc0", [])
    assert codec.decode(b"\x91\xc0", []) == View(None)


def test_only_what_the_kernel_knows_of_is_taken_on_the_way_out() -> None:
    with Event.create() as mark, Vmo.create(1) as vmo:
        assert direct(Lent).encode(Lent(vmo, mark)) is not None
        assert mark.rights == Event.DEFAULT_RIGHTS
        assert vmo.rights == Rights.READ | Rights.TRANSFER
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.pwrite(vmo.fileno(), b"x", 0)


def _wrong_values() -> dict[str, Callable[[Event], Any]]:
    return {
        "no struct": lambda mark: (5, mark, "abc", None, Modes.FAST),
        "number too large": lambda mark: Parcel(256, mark, "abc", None, Modes.FAST),
        "text of too many bytes": lambda mark: Parcel(5, mark, "ééé", None, Modes.FAST),
        "text that is none": lambda mark: Parcel(5, mark, mark, None, Modes.FAST),  # type: ignore[arg-type]
        "no wire form": lambda mark: Parcel(object(), mark, "", None, Modes.FAST),  # type: ignore[arg-type]
        "number of no wire type": lambda mark: Parcel(1 << 70, mark, "", None, Modes.FAST),
        "another kind": lambda mark: Parcel(5, mark, "", 5, Modes.FAST),  # type: ignore[arg-type]
        "none where one belongs": lambda _: Parcel(5, None, "", None, Modes.FAST),  # type: ignore[arg-type]
    }


@pytest.mark.parametrize("name", _wrong_values())
def test_a_wrong_value_is_left_to_others(name: str) -> None:
    with Event.create() as mark:
        value = _wrong_values()[name](mark)
        assert direct(Parcel).encode(value) is None
        if isinstance(value, Parcel):
            with pytest.raises(LocalProtocolError, match="Parcel: "):
                Codec(Parcel).encode(value)
        assert not mark.closed
        assert mark.rights == Event.DEFAULT_RIGHTS


UNUSUAL = [
    pytest.param(FULL, 1, id="one handle short"),
    pytest.param(FULL, 3, id="one handle left over"),
    pytest.param(HALF, 2, id="one handle unused"),
    pytest.param(FULL.replace(b"\xd4\x01\x00", b"\xd4\x01\x01"), 2, id="one twice"),
    pytest.param(FULL.replace(b"\xd4\x01\x01", b"\xd4\x02\x01"), 2, id="another extension"),
    pytest.param(b"\x95\x05\xc0\xa3abc\xd4\x01\x00\x01", 1, id="nil where a handle belongs"),
    pytest.param(FULL.replace(b"\xd4\x01\x00", b"\x05"), 2, id="a number where a handle belongs"),
    pytest.param(FULL.replace(b"\x05", b"\xd4\x01\x01"), 2, id="a handle where a number belongs"),
    pytest.param(FULL.replace(b"\x05", b"\xcd\x01\x00"), 2, id="a number too large"),
    pytest.param(FULL.replace(b"\xa3abc", b"\xa6" + "ééé".encode()), 2, id="too many bytes"),
    pytest.param(FULL[:-1] + b"\x02", 2, id="a bit that is none"),
    pytest.param(b"\x94" + FULL[1:-1], 2, id="a member missing"),
    pytest.param(b"\x96" + FULL[1:] + b"\x00", 2, id="a member too many"),
    pytest.param(FULL + b"\x00", 2, id="bytes behind it"),
    pytest.param(FULL[:-1], 2, id="truncated"),
    pytest.param(b"\x95\x05" + b"\x91" * 5000, 2, id="too deep"),
]


@pytest.mark.parametrize("body, count", UNUSUAL)
def test_a_bad_message_is_left_to_others_untouched(body: bytes, count: int) -> None:
    handles = [event() if index == 0 else null() for index in range(count)]
    before = len(open_fds())
    assert direct(Parcel).decode(body, handles) is None
    assert len(open_fds()) == before
    with pytest.raises(RemoteProtocolError, match="Parcel: "):
        Codec(Parcel).decode(memoryview(body), handles)
    assert all(handle.closed for handle in handles)


def test_another_order_and_longer_forms_are_left_to_others() -> None:
    for first, second in (
        (b"\xd4\x01\x01", b"\xd4\x01\x00"),
        (b"\xc7\x01\x01\x01", b"\xd4\x01\x00"),
    ):
        body = b"\x95\x05" + first + b"\xa3abc" + second + b"\x01"
        raw = [null(), event()]
        assert direct(Parcel).decode(body, raw) is None
        value = Codec(Parcel).decode(memoryview(body), raw)
        assert value.file is raw[0]
        value.event.close()
        raw[0].close()


def test_a_wrong_kind_leaves_none_of_the_handles_open() -> None:
    body = b"\x92\xd4\x01\x00\xd4\x01\x01"
    first, second = event(), null()
    with pytest.raises(WrongType, match="NONE, expected VMO"):
        direct(Pair).decode(body, [first, second])
    assert first.closed, "it became an event, which is closed"
    assert not second.closed, "it is the caller's still"
    before = len(open_fds())
    with pytest.raises(RemoteProtocolError, match="Pair: handle is NONE, expected VMO"):
        Codec(Pair).decode(memoryview(body), [event(), second])
    assert len(open_fds()) == before - 1


def test_rights_that_are_missing_leave_none_of_the_handles_open() -> None:
    before = len(open_fds())
    with Vmo.create(1) as vmo, vmo.duplicate(Rights.WRITE | Rights.TRANSFER) as blind:
        raw = Handle(blind.take())
        with pytest.raises(RemoteProtocolError, match="View: Vmo without"):
            Codec(View).decode(memoryview(b"\x91\xd4\x01\x00"), [raw])
    assert len(open_fds()) == before


class Many(Struct, frozen=True):
    files: list[Handle]


class Loose(Struct, frozen=True):
    file: Handle
    table: dict[str, int]


class Inside(Struct, frozen=True):
    file: Handle
    other: Many


class Some(Table, ordinals=(1,)):
    file: Handle | None = None


class Tabled(Struct, frozen=True):
    file: Handle
    table: Some


class Tagged(Variant, frozen=True, tag=1):
    value: Handle


class Nested(Struct, frozen=True):
    file: Handle
    children: list[Nested]


class Plain(Struct, frozen=True):
    number: int


@pytest.mark.parametrize(
    "type_", [Many, Loose, Inside, Some, Tabled, Tagged, Nested, Plain, list[Handle]]
)
def test_other_types_are_left_to_others(type_: Any) -> None:
    assert direct_for(type_) is None


def test_a_channel_is_refused_where_its_end_is_asked_for() -> None:
    near, far = Channel.create()
    values: list[Any] = [Ends(near, None)]  # type: ignore[arg-type]
    with near, far:
        assert [direct(Ends).encode(value) for value in values] == [None]
