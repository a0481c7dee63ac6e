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


def test_a_missing_semicolon_skips_nothing() -> None:
    assert compile_text("type A = struct { a bool b bool c bool; };").ids == ["fi-0008"] * 2
    assert compile_text("type A = struct {} type B = enum {} type C = bits {};").ids == [
        "fi-0008",
        "fi-0008",
    ]
    assert compile_text("type A = table { 1: a b c; };").ids == ["fi-0008", "fi-0016"]
    assert compile_text("protocol P { compose A B; };").ids == ["fi-0008", "fi-0020"]


def test_a_keyword_that_is_missing_is_named_whatever_stands_there() -> None:
    assert compile_text("library a;\nopen {};").ids == ["fi-0009"]
    assert compile_text("library a;\nresource_definition R : uint32 { };").ids == ["fi-0009"]


def test_what_is_no_token_hides_no_later_mistake_and_is_said_once() -> None:
    assert compile_text("type A = struct { #a bool; b; };").ids == ["fi-0001", "fi-0008"]
    assert compile_text('const A string = "\\q";\nconst B = 3;').ids == ["fi-0003", "fi-0008"]
    assert compile_text("type A = struct { a bool #};").ids == ["fi-0001"]
