from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta

from ipcrt.bindings.tables import Struct
from ipcrt.cli.arguments import read_arguments
from ipcrt.cli.complaint import Misused
from ipcrt.errors import NotFound
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo


class Colour(enum.IntEnum):
    RED = 1
    BLUE = 2


class Point(Struct, frozen=True):
    x: int
    y: float


class Everything(Struct, frozen=True):
    text: Annotated[str, Meta(max_length=4)]
    data: bytes
    colour: Colour
    count: int
    ready: bool
    place: Point
    more: list[Point]
    note: str | None


class WithFiles(Struct, frozen=True):
    image: Vmo
    log: Handle


class WithChannel(Struct, frozen=True):
    server: Channel


WORDS = ["text=12", "data=é", "colour=BLUE", "count=7", "ready=true", "place.x=1", "place.y=2.5"]
WHOLE = Everything("12", "é".encode(), Colour.BLUE, 7, True, Point(1, 2.5), [], None)


def test_words_are_read_as_their_types_want() -> None:
    assert read_arguments(Everything, [*WORDS, "more=[]"]) == WHOLE


def test_one_json_object_says_the_same() -> None:
    text = (
        '{"text": "12", "data": "é", "colour": "BLUE", "count": 7, "ready": true,'
        ' "place": {"x": 1, "y": 2.5}, "more": []}'
    )
    assert read_arguments(Everything, [text]) == WHOLE


def test_json_and_words_may_be_mixed() -> None:
    value = read_arguments(Everything, [*WORDS, '{"more": [{"x": 1, "y": 2}]}', "note=null"])
    assert value.more == [Point(1, 2)]
    assert value.note == "null"


def test_bytes_that_are_no_text_come_in_base64() -> None:
    value = read_arguments(Everything, [*WORDS, "more=[]", '{"data": {"base64": "AP8="}}'])
    assert value.data == b"\0\xff"


def test_no_arguments_are_none() -> None:
    assert read_arguments(type(None), []) is None
    with pytest.raises(Misused, match="no arguments"):
        read_arguments(type(None), ["a=1"])


@pytest.mark.parametrize(
    "word, complaint",
    [
        ("place.x=one", "place.x: expected an integer from"),
        ("place=1", "place: expected the members of the struct Point, got 1"),
        ("place=one", "place: expected the members of the struct Point in JSON, got 'one'"),
        ("place.z=1", "place.z is unknown; it takes x, y"),
        ("colour=GREEN", "colour: expected one of RED, BLUE, got 'GREEN'"),
        ("count", "neither NAME=VALUE nor a JSON object"),
        ('{"count": ', "an argument: expected an object in JSON, got"),
        ('{"data": {"base64": "%"}}', "data: "),
        ('{"data": 1}', "data: expected bytes, as text or"),
        ("text.deep=1", "text has a value already"),
        ("other=1", "other is unknown; it takes text, data"),
    ],
)
def test_a_word_that_does_not_fit_is_named(word: str, complaint: str) -> None:
    with pytest.raises(Misused) as raised:
        read_arguments(Everything, [*WORDS, "more=[]", word])
    assert complaint in str(raised.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(Misused, match=r"place\.y is missing; it takes x, y"):
        read_arguments(Everything, [*WORDS[:-1], "more=[]"])


def test_bounds_are_told_by_the_arguments_name() -> None:
    with pytest.raises(Misused, match="text: expected at most 4 bytes, got 8: 'too long'"):
        read_arguments(Everything, [*WORDS, "more=[]", "text=too long"])


def test_files_become_handles(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    value = read_arguments(WithFiles, [f"image=@{tmp_path}/file", f"log=@{tmp_path}/file"])
    with value.image, value.log:
        assert value.image.read(0, 7) == b"content"
        assert type(value.log) is Handle


def test_a_refusal_closes_what_was_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(NotFound):  # the leak check sees to the first
        read_arguments(WithFiles, [f"image=@{tmp_path}/file", "log=@/nonexistent"])


def test_a_channel_cannot_be_typed() -> None:
    with pytest.raises(Misused, match="server: a handle of the kind Channel cannot be"):
        read_arguments(WithChannel, ["server=@/dev/null"])
    with pytest.raises(Misused, match="image: expected a file as @PATH, for a Vmo, got 'x'"):
        read_arguments(WithFiles, ["image=x", "log=y"])
