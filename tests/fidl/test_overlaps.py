"""Names and modifiers at the same time."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text, compile_versioned


@pytest.mark.parametrize(
    "text, ids",
    [
        ("type A = struct { b bool; B bool; };", ["fi-0035"]),
        ("type A = struct { b bool; b bool; };", ["fi-0034"]),
        ("protocol P { compose Q; compose Q; }; protocol Q {};", ["fi-0034"]),
        ("protocol P { M(); -> M(); };", ["fi-0034", "fi-0081"]),
        ("service S { a client_end:P; a client_end:P; }; protocol P {};", ["fi-0034"]),
        ("type A = struct { foo struct {}; }; type Foo = struct {};", ["fi-0034"]),
        ("type A = strict strict strict enum { B = 1; };", ["fi-0032", "fi-0032"]),
        ("type A = strict flexible enum { B = 1; };", ["fi-0033"]),
    ],
)
def test_names_and_modifiers(text: str, ids: list[str]) -> None:
    found = compile_text(text).ids
    assert found == ids or found == ids[:1]


def test_in_versioned_libraries_overlaps_are_of_ranges() -> None:
    text = "@available(removed=5) type A = struct {}; @available(added=3) type A = table {};"
    assert compile_versioned(text).ids == ["fi-0036"]
    text = "@available(removed=3) type A = struct {}; @available(added=4) type A = table {};"
    assert compile_versioned(text).ok
    text = "type A = strict(removed=3) flexible(added=2) enum { B = 1; };"
    assert "fi-0033" in compile_versioned(text).ids
