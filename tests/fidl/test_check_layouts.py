"""Members of structs, tables, unions and overlays."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text, ids",
    [
        ("type T = table { 3: a bool; 1: b bool; };", []),
        ("type T = table { 65: a bool; };", ["fi-0092"]),
        ("type T = table { 64: a bool; };", ["fi-0093"]),
        ("type T = table { 64: a U; }; type U = table {};", []),
        ("type T = table { 1: a string:optional; };", ["fi-0048"]),
        ("type T = union { 1: a string:optional; };", ["fi-0049"]),
        ("type T = strict union {};", ["fi-0019"]),
        ("type T = union {};", []),
    ],
)
def test_layouts(text: str, ids: list[str]) -> None:
    assert compile_text(text).ids == ids


def test_overlays() -> None:
    flags = ["zx_c_types"]
    assert compile_text("type T = strict overlay { 1: a bool; };", flags=flags).ok
    assert compile_text("type T = flexible overlay { 1: a bool; };", flags=flags).ids == ["fi-0197"]
    assert compile_text("type T = strict overlay { 1: a T; };", flags=flags).ids == ["fi-0057"]
