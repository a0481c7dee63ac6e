"""Pieces of versioned declarations."""

from __future__ import annotations

from tests.support.fidl import compile_versioned


def test_a_declaration_is_cut_where_something_in_it_changes() -> None:
    text = """
    type A = struct { b B; };
    type B = table { 1: x bool; @available(added=3) 2: y bool; };
    @available(added=2) type C = struct { a A; };
    """
    library = compile_versioned(text, "3").library
    ranges = {
        name: [decl.availability.range for decl in decls] for name, decls in library.by_name.items()
    }
    assert [start for start, _ in ranges["B"]] == [1, 3]
    assert [start for start, _ in ranges["A"]] == [1, 3]
    assert [start for start, _ in ranges["C"]] == [2, 3]


def test_each_version_has_its_members() -> None:
    text = "type B = table { 1: x bool; @available(added=3) 2: y bool; };"
    counts = [
        len(compile_versioned(text, version).ir["table_declarations"][0]["members"])
        for version in ("1", "2", "3", "HEAD")
    ]
    assert counts == [1, 1, 2, 2]
