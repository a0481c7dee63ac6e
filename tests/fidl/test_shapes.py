"""Sizes on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.fidl import compile_text


def _shape(text: str, kind: str = "struct") -> dict[str, Any]:
    found = compile_text(text).ir[f"{kind}_declarations"]
    shape: dict[str, Any] = next(decl for decl in found if decl["name"] == "example/S")[
        "type_shape_v2"
    ]
    return shape


MAX = 0xFFFF_FFFF


@pytest.mark.parametrize(
    "members, expected",
    [
        ("", (1, 1, 0, 0, False)),
        ("a uint8;", (1, 1, 0, 0, False)),
        ("a uint8; b uint64;", (16, 8, 0, 0, True)),
        ("a uint64; b uint8;", (16, 8, 0, 0, True)),
        ("a string:5;", (16, 8, 1, 8, True)),
        ("a vector<uint64>:2;", (16, 8, 1, 16, False)),
        ("a vector<vector<int32>:5>:6;", (16, 8, 2, 240, True)),
        ("a string;", (16, 8, 1, MAX, True)),
        ("a array<uint16, 3>;", (6, 2, 0, 0, False)),
        ("a box<struct { b uint8; }>;", (8, 8, 1, 8, True)),
    ],
)
def test_structs(members: str, expected: tuple[int, int, int, int, bool]) -> None:
    shape = _shape(f"type S = struct {{ {members} }};")
    keys = ("inline_size", "alignment", "depth", "max_out_of_line", "has_padding")
    assert tuple(shape[key] for key in keys) == expected


def test_tables_and_unions() -> None:
    shape = _shape("type S = table { 1: a uint8; 3: b uint64; };", "table")
    assert (shape["inline_size"], shape["depth"], shape["max_out_of_line"]) == (16, 2, 32)
    assert shape["has_flexible_envelope"]
    shape = _shape("type S = strict union { 1: a uint8; 2: b array<uint8, 9>; };", "union")
    assert (shape["inline_size"], shape["depth"], shape["max_out_of_line"]) == (16, 1, 16)
    assert not shape["has_flexible_envelope"]


def test_what_contains_itself_has_no_bound() -> None:
    text = "type S = resource struct { s box<S>; p client_end:P; }; protocol P {};"
    shape = _shape(text)
    assert shape["depth"] == shape["max_out_of_line"] == shape["max_handles"] == MAX
    assert shape["inline_size"] == 16


def test_fields() -> None:
    ir = compile_text("type S = struct { a uint8; b uint32; c uint8; };").ir
    fields = [member["field_shape_v2"] for member in ir["struct_declarations"][0]["members"]]
    assert fields == [
        {"offset": 0, "padding": 3},
        {"offset": 4, "padding": 0},
        {"offset": 8, "padding": 3},
    ]


def test_limits() -> None:
    assert compile_text("type S = struct { a array<uint8, 65535>; };").ok
    assert compile_text("type S = struct { a array<uint8, 65536>; };").ids == ["fi-0111"]
    text = "type S = struct { a array<uint8, 2147483648>; b array<uint8, 2147483648>; };"
    assert "fi-0207" in compile_text(text).ids
    assert "fi-0207" in compile_text("alias A = array<array<uint8, 2147483648>, 2>;").ids


def test_a_tangle_of_cycles_takes_bounded_time() -> None:
    names = range(25)
    lines = [
        f"type A{name} = struct {{ {' '.join(f'm{other} box<A{other}>;' for other in names)} }};"
        for name in names
    ]
    assert compile_text("\n".join(lines)).ok


def test_handles_are_counted() -> None:
    rest = "protocol P {};"
    text = "type S = resource struct { a client_end:P; b array<server_end:P, 3>; };"
    assert _shape(text + rest)["max_handles"] == 4
    text = "type S = resource struct { a vector<client_end:P>:5; };"
    assert _shape(text + rest)["max_handles"] == 5
    text = "type S = resource union { 1: a client_end:P; 2: b array<client_end:P, 2>; };"
    assert _shape(text + rest, "union")["max_handles"] == 2
