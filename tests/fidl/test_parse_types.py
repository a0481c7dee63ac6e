"""Types, layouts, constants and attributes as they are parsed."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text, id_",
    [
        ("type A = struct { a string:1:2; };", "fi-0163"),
        ("type A = banana {};", "fi-0012"),
        ("type A = overlay { 1: a uint8; };", "fi-0012"),
        ("type A = enum : 3 { B = 1; };", "fi-0013"),
        ("type A = enum : true { B = 1; };", "fi-0013"),
        ("type A = table { 1: reserved; };", "fi-0209"),
        ("type A = strict uint8;", "fi-0062"),
        ("protocol P {}; service S { a client_end:P = 1; };", "fi-0008"),
        ("resource_definition R : uint32 { properties { a uint32 = 1; }; };", "fi-0008"),
    ],
)
def test_what_is_wrong(text: str, id_: str) -> None:
    assert id_ in compile_text(text).ids


def test_what_is_no_layout_has_no_modifiers_to_speak_of() -> None:
    assert compile_text("type A = strict overlay { 1: a uint8; };").ids == ["fi-0012"]


def test_the_subtype_and_a_constraint_both_follow_a_colon() -> None:
    assert compile_text(
        "type bits = union { 1: a uint8; }; type A = struct { b bits:optional; };"
    ).ok
    assert compile_text("type A = struct { b enum : uint8 { C = 1; }; };").ok
