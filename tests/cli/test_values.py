"""Every kind of type that fidlgen writes, out of what a person types."""

from __future__ import annotations

import json
from math import inf
from pathlib import Path

import pytest
from msgspec import inspect

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.ends import Protocol, ServerEnd
from ipcrt.bindings.tables import Struct
from ipcrt.cli.arguments import read_arguments
from ipcrt.cli.complaint import Misused
from ipcrt.cli.leaves import Word
from ipcrt.cli.show import to_json
from ipcrt.cli.values import Reader
from ipcrt.objects.channel import Channel
from tests.fidl.gen import sample

WITH_EXTRA = sample.Settings(volume=7, name="x", extra=sample.Extra(note="y"))
RADIUS = sample.Settings2(shape=sample.ShapeRadius(3))

Given = tuple[str, ...]

NUMBERS = """{"int": -1, "self": 18446744073709551615, "class": 1.5, "float": "-Infinity",
 "bool": false, "list": [1], "str": "x", "bytes": "y", "pair": [1, 2]}"""
PLAYER = sample.Player.TABLE


@pytest.mark.parametrize(
    "words, value",
    [
        ((), sample.Settings()),
        (("volume=7", "name=x", "extra.note=y"), WITH_EXTRA),
        (('{"volume": 7, "name": "x", "inner": null, "extra": {"note": "y"}}',), WITH_EXTRA),
        (("inner.shape.radius=3",), sample.Settings(inner=RADIUS)),
        (('inner.shape={"radius": 3}',), sample.Settings(inner=RADIUS)),
        (("colour=null", "colour=9"), sample.Settings(colour=sample.Colour(9))),
    ],
)
def test_a_table_is_given_by_what_is_there(words: Given, value: sample.Settings) -> None:
    codec = sample.PLAYER_CONFIGURE.request
    found = read_arguments(codec.type, words)
    assert found == value
    assert codec.encode(found) == codec.encode(value)


@pytest.mark.parametrize(
    "words, value",
    [
        (("radius=5",), sample.ShapeRadius(5)),
        (('{"label": "5"}',), sample.ShapeLabel("5")),
        (("corners=[1, 2]",), sample.ShapeCorners([1, 2])),
        (
            ('group=[{"colour": "RED"}, {"colour": 77}]',),
            sample.ShapeGroup([sample.Shape2Colour(sample.Colour(each)) for each in (1, 77)]),
        ),
    ],
)
def test_a_union_is_given_by_the_one_member(words: Given, value: object) -> None:
    found = read_arguments(sample.PLAYER_DRAW.request.type, words)
    assert found == value
    body, _ = sample.PLAYER_DRAW.request.encode(found)
    assert sample.PLAYER_DRAW.request.decode(memoryview(body), ()) == value


def test_numbers_of_all_kinds() -> None:
    words = [f"numbers={NUMBERS}", "timeout=0x10", 'names=["a", "b"]']
    numbers = sample.Numbers(-1, 2**64 - 1, 1.5, -inf, False, [1], "x", b"y", [1, 2])
    value = sample.PlayerCountRequest(numbers, 16, ["a", "b"])
    codec = sample.PLAYER_COUNT.request
    found = read_arguments(codec.type, words)
    assert found == value
    assert codec.encode(found) == codec.encode(value)


@pytest.mark.parametrize(
    "words, value",
    [
        (("mood=-1", "options=FAST|LOUD", "access=READ"), (-1, 3, 1, None)),
        (("mood=GOOD", "options=", "access=3", "tree=null"), (1, 0, 3, None)),
        (
            ("mood=GOOD", "options=FAST|0x80", "access=WRITE", "tree.name=n"),
            (1, 0x81, 2, sample.Node("n", None, None)),
        ),
        (
            ('{"mood": 1, "options": ["LOUD", 4], "access": [], "tree": {"name": "a"}}',),
            (1, 6, 0, sample.Node("a", None, None)),
        ),
        (
            ("mood=1", "options=0", "access=0", 'tree={"name": "a", "left": {"name": "b"}}'),
            (1, 0, 0, sample.Node("a", sample.Node("b", None, None), None)),
        ),
    ],
)
def test_enums_bits_and_boxes(words: Given, value: tuple[object, ...]) -> None:
    found = read_arguments(sample.PlayerJudgeRequest, words)
    assert (found.mood, found.options, found.access, found.tree) == value
    assert isinstance(found.options, sample.Options)
    body, _ = Codec(sample.PlayerJudgeRequest).encode(found)
    assert body


def test_what_is_shown_can_be_given() -> None:
    shape = sample.ShapeGroup([sample.Shape2Colour(sample.Colour(77))])
    settings = sample.Settings(volume=3, inner=sample.Settings2(shape=shape))
    text = json.dumps(to_json(settings, []))
    assert read_arguments(sample.Settings, [text]) == settings


@pytest.mark.parametrize(
    "method, words, complaint",
    [
        ("draw", (), "payload: expected exactly one of radius, label, group, corners, got none"),
        ("draw", ("radius=1", "label=x"), "payload: expected exactly one of .*, got radius, label"),
        ("draw", ("colour=1",), "colour is unknown; it takes radius, label, group, corners"),
        ("draw", ("radius=70000",), "radius: expected an integer from 0 to 65535, got '70000'"),
        ("draw", ("label=äöüäö",), "label: expected at most 8 bytes, got 10"),
        ("draw", ("corners=1",), "corners: expected a list of at most 8, got 1"),
        ("draw", ("corners=[1, true]",), r"corners\[1\]: expected an integer .*, got true"),
        ("draw", ('group=[{"colour": 300}]',), r"group\[0\]\.colour: expected one of RED, .*300"),
        ("configure", ("volume=256",), "volume: expected an integer from 0 to 255"),
        ("configure", ("inner.shape.radius=x",), "inner.shape.radius: expected an integer"),
        ("configure", ("inner.shape=3",), "inner.shape: expected a union's member, one of radius"),
        ("configure", ("loud=1",), "loud is unknown; it takes volume, name, inner, colour, extra"),
        ("configure", ('{"extra": {"note": "a", "NOTE": "b"}}',), "extra.NOTE is given twice"),
        ("judge", ("mood=3",), "mood: expected one of BAD, GOOD, got '3'"),
        ("judge", ("mood=1", "options=SLOW"), "options: expected any of FAST.LOUD, got 'SLOW'"),
        ("judge", ("mood=1", "options=0x100"), "options: expected any of FAST.LOUD, got '0x100'"),
        ("judge", ("mood=1", "options=0", "access=4"), "access: expected any of READ.WRITE"),
        ("judge", ('{"mood": 1, "options": [{}]}',), "options: expected any of FAST.LOUD, got {}"),
        ("import_", ("names=a",), "names: expected a list of at most 2 in JSON, got 'a'"),
        ("import_", ('names=["a", 1]',), r"names\[1\]: expected text, got 1"),
        ("send", ("thing.event=@/dev/null",), "thing.event: a handle of the kind Event cannot"),
        ("send", ("back=-",), "back: a protocol's client end cannot be given by hand here"),
    ],
)
def test_a_refusal_names_the_argument(method: str, words: Given, complaint: str) -> None:
    [found] = [each for each in PLAYER.requests.values() if each.name == method]
    with pytest.raises(Misused, match=complaint):
        read_arguments(found.request.type, words)


def test_a_file_may_stand_in_a_union_in_a_table(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    parcel = read_arguments(sample.Parcel, [f"thing.vmo=@{tmp_path}/file"])
    with parcel.thing.value as vmo:
        assert vmo.read(0, 7) == b"content"


def test_what_nests_too_deep_is_refused() -> None:
    deep = '{"name": "n", "left": ' * 600 + "null" + "}" * 600
    with pytest.raises(Misused, match="the arguments nest too deep"):
        read_arguments(sample.Node, [deep])


class WithEnd(Struct):
    end: ServerEnd[Protocol]
    log: ServerEnd[Protocol] | None


def test_a_server_end_may_be_one_of_a_new_channel() -> None:
    reader = Reader(makes_ends=True)
    value = read_arguments(WithEnd, ["end=-"], reader)
    [client] = reader.clients
    with value.end.take_channel() as server, client:
        assert client.related_koid == server.koid
        client.write(b"hello")
        assert server.read().data == b"hello"
    with pytest.raises(Misused, match="end: expected -, for the server end of a new channel"):
        read_arguments(WithEnd, ["end=x"], Reader(makes_ends=True))


def test_a_refusal_closes_both_ends_of_a_new_channel() -> None:
    reader = Reader(makes_ends=True)
    with pytest.raises(Misused, match="log: expected -"):
        read_arguments(WithEnd, ["end=-", "log=1"], reader)
    assert [each.closed for each in (*reader.opened, *reader.clients)] == [True, True]


def test_server_ends_are_made_only_where_they_are_asked_for() -> None:
    with pytest.raises(Misused, match="end: a protocol's server end cannot be given"):
        read_arguments(WithEnd, ["end=-"])


class Pair(Struct):
    pair: list[Channel] | None


def test_what_no_person_can_give_is_refused_wherever_it_stands() -> None:
    assert Reader().read(inspect.type_info(Pair), {}).pair is None
    with pytest.raises(Misused, match=r"pair\[0\]: a handle of the kind Channel"):
        Reader().read(inspect.type_info(Pair), {"pair": Word('["@/dev/null"]')})
