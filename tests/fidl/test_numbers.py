"""Literals, ranges and strings."""

from __future__ import annotations

import pytest

from ipcrt.fidl.numbers import convert, parse_integer, parse_number, string_length, string_value


@pytest.mark.parametrize(
    "text, value",
    [
        ("0", 0),
        ("-7", -7),
        ("0x1f", 31),
        ("0b101", 5),
        ("-0b101", None),
        ("010", 8),
        ("-010", -8),
        ("019", None),
        ("00", 0),
        ("1-2", None),
        ("-", None),
        ("1_0", None),
        ("0o7", None),
        ("1.0", None),
    ],
)
def test_integers(text: str, value: int | None) -> None:
    assert parse_integer(text) == value


def test_an_absurd_literal_is_no_number() -> None:
    assert parse_integer("9" * 100_000) is None


@pytest.mark.parametrize(
    "text, subtype, fits",
    [
        ("255", "uint8", True),
        ("256", "uint8", False),
        ("-1", "uint8", False),
        ("-128", "int8", True),
        ("1.5", "int8", False),
        ("1.5", "float32", True),
        ("3.402823e38", "float32", True),
        ("3.41e38", "float32", False),
        ("1e400", "float64", False),
        ("7", "float64", True),
        ("-.5", "float32", True),
        ("5.", "float64", True),
        ("1e", "float64", False),
        ("1.2.3", "float64", False),
        ("3.4028234663852886e38", "float32", True),
        ("3.4028235e38", "float32", False),
        ("-0", "int8", True),
        ("-0", "uint8", False),
    ],
)
def test_literals_of_types(text: str, subtype: str, fits: bool) -> None:
    assert (parse_number(text, subtype) is not None) == fits


def test_conversions() -> None:
    assert convert(-3.402823466385289e38, "float32") is None
    assert convert(300, "uint8") is None
    assert convert(300, "uint16") == 300


def test_strings() -> None:
    assert string_value('"a\\n\\u{1F600}\\""') == 'a\n\U0001f600"'
    assert string_length("a\U0001f600") == 5


def test_a_leading_nought_makes_no_floating_point_number_octal() -> None:
    assert parse_number("010", "float32") == 10.0
    assert parse_number("0x10", "float32") == 16.0
