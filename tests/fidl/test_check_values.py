"""Members of bits and enums."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text, ids",
    [
        ("type B = bits { A = 3; };", ["fi-0067"]),
        ("type B = bits { A = 0; };", ["fi-0067"]),
        ("type B = bits : int8 { A = 1; };", ["fi-0069"]),
        ("type E = enum : float32 { A = 1; };", ["fi-0070"]),
        ("type E = enum : int8 { A = -128; };", []),
        ("type E = enum : uint8 { A = 255; };", ["fi-0068"]),
        ("type E = strict enum : uint8 { A = 255; };", []),
        ("type E = enum : uint8 { A = 255; @unknown B = 1; };", []),
        ("type E = enum { A = 1; B = 1; };", ["fi-0107"]),
        ("type E = strict enum {};", ["fi-0019"]),
        ("type E = enum : uint8 { A = 300; };", ["fi-0066", "fi-0102"]),
    ],
)
def test_values(text: str, ids: list[str]) -> None:
    assert compile_text(text).ids == ids


def test_masks_and_unknown_values() -> None:
    ir = compile_text(
        "type B = bits { A = 1; C = 4; }; type E = enum : int8 { @unknown X = 3; };"
        "type F = enum {};"
    ).ir
    assert ir["bits_declarations"][0]["mask"] == "5"
    assert [enum["maybe_unknown_value"] for enum in ir["enum_declarations"]] == [3, 4294967295]
