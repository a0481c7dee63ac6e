"""Types and layouts taken over."""

from __future__ import annotations

from tests.support.fidl import compile_text


def test_layouts_inside_types_become_declarations() -> None:
    compiled = compile_text("type A = struct { b vector<struct { c enum { D = 1; }; }>; };")
    assert sorted(compiled.library.by_name) == ["A", "B", "C"]
    assert compiled.ir["struct_declarations"][1]["naming_context"] == ["A", "b"]
    assert compiled.ir["enum_declarations"][0]["naming_context"] == ["A", "b", "c"]


def test_a_near_miss_of_an_official_name_warns() -> None:
    compiled = compile_text("@selectr type A = struct {};")
    assert compiled.ok
    assert [found.id for found in compiled.diagnostics] == ["fi-0145"]


def test_doc_comments_keep_their_text() -> None:
    compiled = compile_text("/// One\n///  two\ntype A = struct {};")
    (attribute,) = compiled.ir["struct_declarations"][0]["maybe_attributes"]
    assert attribute["name"] == "doc"
    assert attribute["arguments"][0]["value"]["value"] == " One\n  two\n"


def test_an_ordinal_may_be_written_in_any_base() -> None:
    text = "type U = union { 01: a bool; 0x2: b bool; 0b11: c bool; 4: d bool; };"
    (union,) = compile_text(text).ir["union_declarations"]
    assert [member["ordinal"] for member in union["members"]] == [1, 2, 3, 4]
