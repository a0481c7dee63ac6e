"""Values and bytes, both ways; whose the handles are at every end."""

from __future__ import annotations

import os
from typing import Annotated, Any

import pytest
from msgspec import Meta

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.ends import ClientEnd, ServerEnd, create_endpoints
from ipcrt.bindings.tables import Struct
from ipcrt.errors import BadHandle, LocalProtocolError, RemoteProtocolError
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.vmo import Vmo
from tests.bindings.calc import CalcError
from tests.bindings.hand import Tiny, null
from tests.support.proc import open_fds


class Item(Struct, frozen=True):
    number: Annotated[int, Meta(ge=0, le=255)]
    text: Annotated[str, Meta(max_length=4)]
    data: Annotated[bytes, Meta(max_length=3)]


class Load(Struct, frozen=True):
    files: Annotated[list[Handle], Meta(max_length=70)]
    tag: int = 0


class Typed(Struct, frozen=True):
    vmo: Vmo
    end: ClientEnd[Tiny] | None


class Tree(Struct, frozen=True):
    children: list[Tree]


class Table(Struct, frozen=True):
    table: dict[str, int]


ITEM = Codec(Item)
LOAD = Codec(Load)
TYPED = Codec(Typed)
NOTHING = Codec(type(None))

TWO_FILES = b"\x92\x92\xd4\x01\x00\xd4\x01\x01\x05"


def decode(codec: Codec[Any], body: bytes, handles: list[Handle] | None = None) -> Any:
    return codec.decode(memoryview(body), handles or [])


# ---------------------------------------------------------------------------------- without handles


def test_a_value_goes_there_and_back() -> None:
    body, handles = ITEM.encode(Item(5, "abc", b"x"))
    assert (body, handles) == (b"\x93\x05\xa3abc\xc4\x01x", ())
    assert decode(ITEM, body) == Item(5, "abc", b"x")


def test_nothing_has_no_body() -> None:
    assert NOTHING.encode(None) == (b"", ())
    NOTHING.decode(memoryview(b""), [])
    wrong: Any = Item(1, "", b"")
    with pytest.raises(LocalProtocolError, match="Item where nothing belongs"):
        NOTHING.encode(wrong)
    with pytest.raises(RemoteProtocolError, match="body of 1 bytes where none belongs"):
        decode(NOTHING, b"\xc0")


def test_an_enum_takes_its_own_values_only() -> None:
    codec = Codec(CalcError)
    assert codec.encode(CalcError.DIVISION_BY_ZERO)[0] == b"\x01"
    assert decode(codec, b"\x01") is CalcError.DIVISION_BY_ZERO
    with pytest.raises(RemoteProtocolError):
        decode(codec, b"\x02")


WRONG: list[Any] = [
    pytest.param(Item(256, "", b""), id="number too large"),
    pytest.param(Item(-1, "", b""), id="number too small"),
    pytest.param(Item(0, "abcde", b""), id="too many characters"),
    pytest.param(Item(0, "\u00e9\u00e9\u00e9", b""), id="too many bytes in few characters"),
    pytest.param(Item(0, "\ud800", b""), id="no Unicode"),
    pytest.param(Item(0, "", b"1234"), id="too much data"),
    pytest.param(Item("1", "", b""), id="wrong type"),  # type: ignore[arg-type]
    pytest.param(Item(1 << 70, "", b""), id="number of no wire type"),
    pytest.param(Item(object(), "", b""), id="no wire form"),  # type: ignore[arg-type]
    pytest.param(None, id="nothing"),
    pytest.param((1, "", b"", 1), id="too many members"),
]


@pytest.mark.parametrize("value", WRONG)
def test_a_wrong_value_is_our_own_error(value: Any) -> None:
    with pytest.raises(LocalProtocolError, match="Item: "):
        ITEM.encode(value)


BAD = [
    pytest.param(b"", id="empty"),
    pytest.param(b"\x93\x05\xa3abc\xc4\x01", id="truncated"),
    pytest.param(b"\x93\x05\xa3abc\xc4\x01x\x00", id="bytes behind it"),
    pytest.param(b"\x92\x05\xa3abc", id="member missing"),
    pytest.param(b"\x94\x05\xa3abc\xc4\x01x\x00", id="member too many"),
    pytest.param(b"\x93\xcd\x01\x00\xa0\xc4\x00", id="number too large"),
    pytest.param(b"\x93\x05\xa6\xc3\xa9\xc3\xa9\xc3\xa9\xc4\x00", id="too many bytes of text"),
    pytest.param(b"\x93\x05\xa1\xff\xc4\x00", id="no UTF-8"),
    pytest.param(b"\x93\x05\xa0\xc4\x04abcd", id="too much data"),
    pytest.param(b"\x93\xd4\x01\x00\xa0\xc4\x00", id="handle where none belongs"),
    pytest.param(b"\xc1", id="no MessagePack"),
]


@pytest.mark.parametrize("body", BAD)
def test_a_bad_body_is_the_peers_error(body: bytes) -> None:
    before = len(open_fds())
    with pytest.raises(RemoteProtocolError, match="Item: "):
        decode(ITEM, body)
    with pytest.raises(RemoteProtocolError, match="Item: "):
        decode(ITEM, body, [null()])
    assert len(open_fds()) == before


@pytest.mark.parametrize("codec", [ITEM, NOTHING])
def test_handles_where_none_belong_are_closed(codec: Codec[Any]) -> None:
    before = len(open_fds())
    body = b"" if codec is NOTHING else b"\x93\x05\xa0\xc4\x00"
    with pytest.raises(RemoteProtocolError, match="2 handles where none belong"):
        decode(codec, body, [null(), null()])
    assert len(open_fds()) == before


def test_depth_is_bounded_both_ways() -> None:
    codec, tree = Codec(Tree), Tree([])
    for _ in range(15):
        tree = Tree([tree])
    body, _ = codec.encode(tree)
    assert decode(codec, body) == tree
    with pytest.raises(LocalProtocolError, match="B2"):
        codec.encode(Tree([tree]))
    with pytest.raises(RemoteProtocolError, match="B2"):
        decode(codec, b"\x91\x91" * 16 + b"\x91\x90")
    with pytest.raises(RemoteProtocolError):
        decode(codec, b"\x91" * 60_000 + b"\x90")


def test_a_key_stands_once_in_its_map() -> None:
    codec = Codec(Table)
    assert decode(codec, b"\x91\x82\xa1a\x01\xa1b\x02") == Table({"a": 1, "b": 2})
    with pytest.raises(RemoteProtocolError, match="B6"):
        decode(codec, b"\x91\x82\xa1a\x01\xa1a\x02")


# ------------------------------------------------------------------------------------ with handles


def test_handles_are_indices_in_the_order_of_the_body() -> None:
    files = [null(), null()]
    body, handles = LOAD.encode(Load(files, 5))
    assert body == TWO_FILES
    assert list(handles) == files
    assert not any(file.closed for file in files)
    value = decode(LOAD, body, files)
    assert value.tag == 5
    assert value.files == files
    close_all(value.files)


def test_the_order_is_the_peers_choice() -> None:
    files = [null(), null()]
    value = decode(LOAD, b"\x92\x92\xd4\x01\x01\xd4\x01\x00\x05", files)
    assert value.files == files[::-1]
    close_all(files)


BAD_INDICES = [
    pytest.param(b"\x92\x91\xd4\x01\x00\x05", id="one unused"),
    pytest.param(b"\x92\x92\xd4\x01\x00\xd4\x01\x00\x05", id="one twice"),
    pytest.param(b"\x92\x92\xd4\x01\x00\xd4\x01\x02\x05", id="one that did not come"),
    pytest.param(b"\x92\x93\xd4\x01\x00\xd4\x01\x01\xd4\x01\x02\x05", id="more than came"),
    pytest.param(b"\x92\x92\xd4\x01\x00\xd4\x02\x01\x05", id="another extension"),
    pytest.param(b"\x92\x92\xd4\x01\x00\xd5\x01\x00\x01\x05", id="an index of two bytes"),
    pytest.param(b"\x92\x92\xd4\x01\x00\x01\x05", id="a number where a handle belongs"),
    pytest.param(b"\x92\x92\xd4\x01\x00\xc0\x05", id="nil where a handle belongs"),
    pytest.param(TWO_FILES[:-1] + b"\xa1x", id="a wrong member behind the handles"),
    pytest.param(TWO_FILES[:-1] + b"\xd4\x01\x01", id="a handle where a number belongs"),
    pytest.param(TWO_FILES[:-1], id="truncated behind the handles"),
    pytest.param(TWO_FILES + b"\x00", id="bytes behind it"),
]


@pytest.mark.parametrize("body", BAD_INDICES)
def test_a_bad_message_leaves_none_of_its_handles_open(body: bytes) -> None:
    before = len(open_fds())
    with pytest.raises(RemoteProtocolError, match="Load: "):
        decode(LOAD, body, [null(), null()])
    assert len(open_fds()) == before


def test_typed_handles_become_objects_of_their_kind() -> None:
    client, server = create_endpoints(Tiny)
    with server:
        vmo = Vmo.from_bytes(b"abc")
        body, sent = TYPED.encode(Typed(vmo, client))
        assert list(sent) == [vmo, client.channel]
        raw = [Handle(each.take()) for each in sent]
        value = decode(TYPED, body, raw)
        assert all(each.closed for each in raw)
        assert (type(value.vmo), type(value.end)) == (Vmo, ClientEnd)
        assert value.vmo.read(0, 3) == b"abc"
        assert value.end.channel.related_koid == server.channel.koid
        TYPED.discard(value)
        assert value.vmo.closed
        assert value.end.closed


def _kinds() -> dict[str, list[Handle]]:
    """Two handles each, one of them of the wrong kind."""
    channel, other = Channel.create()
    other.close()
    return {
        "no vmo": [null(), Handle(channel.take())],
        "no channel": [Handle(Vmo.from_bytes(b"abc").take()), null()],
    }


def test_a_handle_of_the_wrong_kind_is_the_peers_error() -> None:
    before = len(open_fds())
    for handles in _kinds().values():
        with pytest.raises(RemoteProtocolError, match="Typed: "):
            decode(TYPED, b"\x92\xd4\x01\x00\xd4\x01\x01", handles)
    assert len(open_fds()) == before


def test_a_handle_of_the_wrong_kind_is_our_error_and_stays() -> None:
    client, server = create_endpoints(Tiny)
    file, vmo = null(), Vmo.from_bytes(b"abc")
    values: list[Any] = [(file, None), (vmo, server), (vmo, client.channel), (client, None)]
    with client, server, file, vmo:
        for value in values:
            with pytest.raises(LocalProtocolError, match="Typed: "):
                TYPED.encode(Typed(*value))
        assert not any(each.closed for each in (client, server, file, vmo))


def test_more_handles_than_a_message_carries_stay() -> None:
    files = [null() for _ in range(65)]
    with pytest.raises(LocalProtocolError, match="64"):
        LOAD.encode(Load(files))
    assert not any(file.closed for file in files)
    close_all(files)


def test_a_closed_handle_is_found_before_it_is_sent() -> None:
    file = null()
    file.close()
    _, handles = LOAD.encode(Load([file]))
    with pytest.raises(BadHandle):
        handles[0].fileno()


def test_a_codec_may_be_used_again_after_each_failure() -> None:
    for _ in range(3):
        with pytest.raises(RemoteProtocolError):
            decode(LOAD, b"\x92\x91\xd4\x01\x00\x05", [null(), null()])
        (file,) = decode(LOAD, b"\x92\x91\xd4\x01\x00\x05", [null()]).files
        assert os.fstat(file.fileno())
        file.close()


def test_discard_takes_what_is_no_value_of_the_type() -> None:
    before = len(open_fds())
    LOAD.discard([null(), {"a": null()}])
    LOAD.discard(None)
    assert len(open_fds()) == before


@pytest.mark.parametrize("type_", [complex, list[object], dict[str, set[int]]])
def test_types_without_a_wire_form_are_refused(type_: Any) -> None:
    with pytest.raises(TypeError, match="no wire form"):
        Codec(type_)


def test_both_ends_have_their_own_type() -> None:
    client, server = create_endpoints(Tiny)
    with client, server:
        body, handles = Codec(ServerEnd[Tiny]).encode(server)
        assert (body, list(handles)) == (b"\xd4\x01\x00", [server.channel])
        wrong: Any = client
        with pytest.raises(LocalProtocolError, match="ClientEnd where ServerEnd belongs"):
            Codec(ServerEnd[Tiny]).encode(wrong)
