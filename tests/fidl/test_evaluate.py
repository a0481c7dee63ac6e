"""Values of constants."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text, ids",
    [
        ("const A uint8 = 255;", []),
        ("const A uint8 = 256;", ["fi-0066", "fi-0060"]),
        ('const A string:3 = "abc"; const B string:3 = A;', []),
        ('const A string:4 = "abcd"; const B string:3 = A;', ["fi-0065", "fi-0060"]),
        ('const A string:2 = "abc";', ["fi-0065", "fi-0060"]),
        ('const A string:optional = "abc";', ["fi-0059"]),
        ("const A float64 = 1.5; const B float32 = A;", []),
        ("type B = bits { X = 1; }; const A B = 0;", []),
        ("type B = bits { X = 1; }; const A B = 1;", ["fi-0065", "fi-0060"]),
        ("type B = bits { X = 1; Y = 2; }; const A uint8 = B.X | B.Y;", []),
        (
            "type B = bits { X = 1; }; type C = bits { X = 1; }; const A B = B.X | C.X;",
            ["fi-0064", "fi-0060"],
        ),
        ("type E = enum { X = 1; }; const A E = 1;", ["fi-0065", "fi-0060"]),
        ("const A bool = true | false;", ["fi-0060"]),
        ('const A string = "a" | "b";', ["fi-0061", "fi-0060"]),
        ("const A uint32 = MAX;", ["fi-0060"]),
        ("type S = struct { a string:MAX; };", []),
        ("const MAX uint32 = 3; type S = struct { a string:MAX; };", []),
    ],
)
def test_constants(text: str, ids: list[str]) -> None:
    assert compile_text(text).ids == ids


def test_values_in_the_ir() -> None:
    ir = compile_text(
        "type B = bits { X = 1; Y = 2; }; const A B = B.X | B.Y; const C bool = true;"
    ).ir
    assert [const["value"]["value"] for const in ir["const_declarations"]] == ["3", "true"]
