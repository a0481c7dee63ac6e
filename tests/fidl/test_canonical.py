"""Which names are one, and names that are made."""

from __future__ import annotations

import pytest

from ipcrt.fidl.canonical import (
    canonical,
    is_discoverable_name,
    is_identifier,
    is_selector,
    lower_snake,
    upper_camel,
)


@pytest.mark.parametrize(
    "names, form",
    [
        ("fooBar foo_bar FOO_BAR FooBar foo__bar", "foo_bar"),
        ("HTTPServer http_server HttpServer", "http_server"),
        ("foobar FOOBAR Foobar", "foobar"),
        ("foo1Bar foo1_bar", "foo1_bar"),
        ("x X", "x"),
    ],
)
def test_spellings_of_one_name(names: str, form: str) -> None:
    assert {canonical(name) for name in names.split()} == {form}


def test_made_names() -> None:
    assert upper_camel("foo_bar") == "FooBar"
    assert upper_camel("kFooBar") == "FooBar"
    assert upper_camel("HTTPServer") == "HttpServer"
    assert upper_camel("a_1_2") == "A1_2"
    assert lower_snake("FooBar") == "foo_bar"


def test_forms() -> None:
    assert is_identifier("a_b1")
    assert not is_identifier("a_")
    assert not is_identifier("1a")
    assert is_selector("a.b/C.d")
    assert not is_selector("a.b/C")
    assert is_discoverable_name("a.b.C")
    assert not is_discoverable_name("C")
