from __future__ import annotations

import enum
import io
import os
from pathlib import Path

from ipcrt.bindings.ends import ClientEnd, Protocol
from ipcrt.bindings.tables import Struct
from ipcrt.cli.show import copy_content, find_content, to_json
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.vmo import Vmo


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
