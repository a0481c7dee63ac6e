from __future__ import annotations

from typing import Annotated, Any

import pytest
from msgspec import Meta, inspect

from ipcrt.bindings.scalars import Float32, Int8, Uint64
from ipcrt.cli.complaint import Misused
from ipcrt.cli.leaves import Word, read_bits, read_json, read_leaf, unfit
from tests.fidl.gen.sample import Access, Colour, Mood, Options

Short = Annotated[bytes, Meta(min_length=2, max_length=3)]


def read(type_: Any, value: object) -> Any:
    return read_leaf(inspect.type_info(type_), value, "x")


@pytest.mark.parametrize(
    "type_, given, value",
    [
        (bool, Word("true"), True),
        (bool, False, False),
        (Int8, Word("-0x80"), -128),
        (Uint64, 2**64 - 1, 2**64 - 1),
        (float, Word("1e3"), 1000.0),
        (float, 2, 2.0),
        (float, "Infinity", float("inf")),
        (Float32, Word("-inf"), float("-inf")),
        (str, Word("null"), "null"),
        (Short, Word("\udcff1"), b"\xff1"),
        (Short, {"base64": "AAA="}, b"\0\0"),
        (Colour, Word("GREEN"), Colour.GREEN),
        (Colour, 200, Colour(200)),
        (Mood, Word("-1"), Mood.BAD),
    ],
)
def test_reads_what_belongs_there(type_: object, given: object, value: object) -> None:
    found = read(type_, given)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "type_, given, complaint",
    [
        (bool, Word("yes"), "x: expected true or false, got 'yes'"),
        (bool, "true", "x: expected true or false, got 'true'"),
        (bool, 1, "x: expected true or false, got 1"),
        (Int8, Word("128"), "x: expected an integer from -128 to 127, got '128'"),
        (Int8, 1.0, "x: expected an integer from -128 to 127, got 1.0"),
        (Uint64, 2**64, "x: expected an integer from 0 to 18446744073709551615, got 184"),
        (float, "1", "x: expected a number, got '1'"),
        (float, {"a": 1}, 'x: expected a number, got {"a": 1}'),
        (float, 10**400, "x: expected a number, got 1000"),
        (Float32, Word("1e39"), "x: expected a number from -3.4028234663852886e+38 to"),
        (str, 1, "x: expected text, got 1"),
        (str, Word("\udcff"), "x: expected text in UTF-8, got"),
        (Short, Word("1234"), "x: expected at most 3 bytes, got 4: '1234'"),
        (Short, Word("1"), "x: expected at least 2 bytes, got '1'"),
        (Short, [1], "x: expected bytes, as text or"),
        (Short, {"base64": "%"}, "x: "),
        (Mood, 0, "x: expected one of BAD, GOOD, got 0"),
        (Colour, Word("256"), "x: expected one of RED, GREEN, BLUE, or a number, got '256'"),
        (Colour, True, "x: expected one of RED, GREEN, BLUE, or a number, got true"),
        (dict[str, int], {}, "x: a DictType cannot be given here"),
    ],
)
def test_a_refusal_says_what_belongs_there(type_: object, given: object, complaint: str) -> None:
    with pytest.raises(Misused) as raised:
        read(type_, given)
    assert str(raised.value).startswith(complaint)


@pytest.mark.parametrize("given", [Word("FAST | LOUD"), ["FAST", 2], 3, Word("3"), Word("FAST|2")])
def test_bits_are_names_numbers_or_both(given: object) -> None:
    assert read_bits(Options, given, "x") == Options.FAST | Options.LOUD


@pytest.mark.parametrize("given", [Word("SLOW"), 4, -1, None, [["READ"]], True])
def test_strict_bits_are_the_known_ones(given: object) -> None:
    with pytest.raises(Misused, match=r"x: expected any of READ\|WRITE, got "):
        read_bits(Access, given, "x")


def test_what_is_shown_of_a_long_value_is_short() -> None:
    assert len(str(unfit("x", "less", "y" * 1000))) < 100


def test_json_that_nests_for_ever_is_refused_like_any_other() -> None:
    with pytest.raises(Misused, match="x: expected a list in JSON, got"):
        read_json("[" * 100_000, "x", "a list")
