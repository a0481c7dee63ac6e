from __future__ import annotations

import enum
import io
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.ends import ClientEnd, Protocol
from ipcrt.bindings.tables import Struct
from ipcrt.bindings.union import as_payload
from ipcrt.cli.show import copy_content, find_content, to_json
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.vmo import Vmo
from ipcrt.wire.body import encode_value
from tests.fidl.gen import sample


class Colour(enum.IntEnum):
    RED = 1


class Inner(Struct, frozen=True):
    data: bytes
    colours: list[Colour]


class Reply(Struct, frozen=True):
    inner: Inner
    note: str | None


class WithHandles(Struct, frozen=True):
    end: ClientEnd[Protocol]
    vmo: Vmo
    file: Handle


class WithHandle(Struct, frozen=True):
    members: dict[int, Vmo]


def test_a_reply_becomes_json() -> None:
    handles: list[Handle] = []
    reply = Reply(Inner("é".encode(), [Colour.RED]), None)
    assert to_json(reply, handles) == {"inner": {"data": "é", "colours": ["RED"]}, "note": None}
    assert handles == []
    assert to_json(Inner(b"\xff", []), handles)["data"] == {"base64": "/w=="}


def test_handles_are_told_by_their_kind_and_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = Handle(os.open(tmp_path / "file", os.O_RDONLY))
    first, second = Channel.create()
    handles: list[Handle] = []
    reply = WithHandles(ClientEnd(first), Vmo.create(1), file)
    assert to_json(reply, handles) == {
        "end": {"handle": "CHANNEL"},
        "vmo": {"handle": "VMO"},
        "file": {"handle": "FILE"},
    }
    assert find_content(handles) is reply.vmo
    close_all([*handles, second])


def shown(value: object) -> object:
    return to_json(value, [])


def received(type_: Any, plain: object) -> Any:
    """A value as a peer sent it, who may have a newer contract."""
    return Codec[Any](type_).decode(memoryview(encode_value(plain)), ())


def test_a_table_shows_what_is_there() -> None:
    settings = sample.Settings(volume=0, extra=sample.Extra())
    assert shown(settings) == {"volume": 0, "extra": {}}
    newer = received(sample.Settings, {1: 7, 3: [b"a", b"\xff"], 9: {1: "x"}})
    assert shown(newer) == {"volume": 7, "3": ["a", {"base64": "/w=="}], "9": {"1": "x"}}


def test_handles_of_an_unknown_member_are_said_to_be_closed() -> None:
    body, handles = Codec(WithHandle).encode(WithHandle({7: Vmo.create(1)}))
    parcel = Codec(sample.Parcel).decode(memoryview(body)[1:], handles)
    assert shown(parcel) == {"7": {"handle": "CLOSED"}}


def test_a_union_shows_the_member_that_it_is() -> None:
    group = sample.ShapeGroup([sample.Shape2Colour(sample.Colour.RED)])
    assert shown(group) == {"group": [{"colour": "RED"}]}
    newer = received(as_payload(sample.Shape), [77, {"a": 1.5}])
    assert shown(newer) == {"77": {"a": 1.5}}


def test_an_enum_is_its_name_or_its_number() -> None:
    assert shown([sample.Mood.BAD, sample.Colour(2), sample.Colour(9)]) == ["BAD", "GREEN", 9]


@pytest.mark.parametrize(
    "bits, text", [(3, "FAST|LOUD"), (2, "LOUD"), (0, "0x0"), (0x81, "FAST|0x80"), (4, "0x4")]
)
def test_bits_are_names_and_the_unknown_rest(bits: int, text: str) -> None:
    assert shown(sample.Options(bits)) == text


def test_members_go_by_their_fidl_names() -> None:
    numbers = sample.Numbers(1, 2, math.nan, math.inf, True, [3], "x", b"y", [4, 5])
    text = json.dumps(shown(numbers), allow_nan=False)
    assert json.loads(text) == {
        "int": 1,
        "self": 2,
        "class": "NaN",
        "float": "Infinity",
        "bool": True,
        "list": [3],
        "str": "x",
        "bytes": "y",
        "pair": [4, 5],
    }


def test_content_is_copied_from_the_beginning() -> None:
    data = os.urandom(3 << 20)
    with Vmo.from_bytes(data) as vmo:
        os.lseek(vmo.fileno(), 100, os.SEEK_SET)
        target = io.BytesIO()
        assert copy_content(vmo, target) == len(data)
    assert target.getvalue() == data


def test_a_channel_has_no_content() -> None:
    first, second = Channel.create()
    with first, second:
        assert find_content([first, second]) is None
