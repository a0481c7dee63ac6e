"""Recovery and nesting."""

from __future__ import annotations

from tests.support.fidl import compile_text


def test_one_run_reports_many_mistakes() -> None:
    compiled = compile_text("type A = struct { a; b uint8 };\nconst = 1;\ntype B = enum { C 1; };")
    assert len(compiled.ids) >= 3
    lines = {found.span.line for found in compiled.diagnostics if found.span is not None}
    assert {2, 3, 4} <= lines


def test_a_mistake_in_one_member_spares_the_next() -> None:
    compiled = compile_text("type A = union { 1 a uint8; 2: b uint8; x: c uint8; };")
    assert compiled.ids == ["fi-0008", "fi-0016"]


def test_nesting_has_a_limit() -> None:
    text = "type A = struct { a " + "vector<" * 65 + "uint8" + ">" * 65 + "; };"
    assert compile_text(text).ids == ["fi-0007"]
    text = "type A = struct { a " + "vector<" * 40 + "uint8" + ">" * 40 + "; };"
    assert compile_text(text).ok
