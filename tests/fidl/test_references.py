"""Names made keys."""

from __future__ import annotations

import pytest

from tests.support.fidl import HANDLES, compile_text


@pytest.mark.parametrize(
    "text, ids",
    [
        ("type A = struct { b example.C; }; type C = struct {};", ["fi-0052"]),
        ("type A = struct { b fidl.uint8; };", []),
        ("type A = struct { b fidl.FrameworkErr; };", ["fi-0052"]),
        ("type A = struct { b FrameworkErr; };", ["fi-0052"]),
        ("type A = struct { b x.y.C; };", ["fi-0051"]),
        ("type uint8 = struct {}; type A = struct { b uint8; };", []),
    ],
)
def test_where_names_are_looked_for(text: str, ids: list[str]) -> None:
    assert compile_text(text).ids == ids


def test_a_librarys_own_names_come_before_an_imports() -> None:
    text = "library example;\nusing zx as other;\ntype A = resource struct { h other.Handle; };"
    assert compile_text(HANDLES, text).ok
    assert compile_text(HANDLES, text.replace("other.Handle", "zx.Handle")).ids == ["fi-0052"]


def test_a_name_that_is_nearly_right_is_recognised() -> None:
    compiled = compile_text("type Person = struct {}; type A = struct { b Persn; };")
    assert compiled.diagnostics[0].hint == "did you mean 'Person'?"
    compiled = compile_text("type A = struct { b Quux; };")
    assert "did you mean" not in compiled.diagnostics[0].hint
