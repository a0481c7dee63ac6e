"""Arguments of attributes."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text, ids",
    [
        ('@foo("x") type A = struct {};', []),
        ('@foo(a="x", b=true) type A = struct {};', []),
        ("@foo(1) type A = struct {};", ["fi-0124"]),
        ("@foo(N) type A = struct {}; const N uint8 = 1;", ["fi-0124"]),
        ('@foo(N) type A = struct {}; const N string = "x";', []),
        ('@foo("a" | "b") type A = struct {};', ["fi-0104"]),
        ('@transport(transport="Driver") protocol P {};', ["fi-0125", "fi-0129", "fi-0128"]),
        ("@doc(1) type A = struct {};", ["fi-0065", "fi-0104"]),
        ('@unknown("x") type A = struct {};', ["fi-0132"]),
    ],
)
def test_arguments(text: str, ids: list[str]) -> None:
    assert compile_text(text).ids == ids


def test_a_generated_name_is_taken() -> None:
    compiled = compile_text('type A = struct { b @generated_name("Good") struct {}; };')
    assert compiled.decl("Good").is_anonymous_layout
    text = 'type A = struct { b @generated_name("A") struct {}; };'
    assert compile_text(text).ids == ["fi-0034"]
